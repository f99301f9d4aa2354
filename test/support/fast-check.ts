import fc from "fast-check";

// The same cases in every run, so that a run that fails fails again; `npm run fuzz -- --seed=N` has others.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env["TRESTLE_FUZZ_SEED"] ?? 1) });

export default fc;
