// A long run of the fuzz tests: npm run fuzz -- --seconds=600 --seed=7. What it finds is printed as hex: a line for fixtures/fuzz/TARGET.txt.
import { spawn } from "node:child_process";

const options = new Map([
  ["seconds", 120],
  ["seed", Date.now() % 1_000_000],
]);
for (const arg of process.argv
  .slice(2)
  .join(" ")
  .replace(/(--\w+) (\d+)/g, "$1=$2")
  .split(" ")
  .filter(Boolean)) {
  const [, name, value] = /^--(\w+)=(\d{1,9})$/.exec(arg) ?? [];
  if (!options.has(name)) {
    console.error(`fuzz: unknown option ${arg}; there are --seconds=N and --seed=N`);
    process.exit(2);
  }
  options.set(name, Number(value));
}
const seconds = options.get("seconds");
const seed = options.get("seed");
console.log(`${seconds} seconds with seed ${seed}`);
const env = {
  ...process.env,
  TRESTLE_FUZZ_SECONDS: String(seconds),
  TRESTLE_FUZZ_SEED: String(seed),
  TRESTLE_FUZZ_RUNS: String(Math.max(1, Math.round(seconds / 60))),
  FUZZ_RUNS: String(Math.max(300, seconds * 20)),
};
const child = spawn(
  "npx",
  ["--no-install", "vitest", "run", "--project", "unit", "test/fuzz", `--testTimeout=${(seconds * 3 + 120) * 1000}`],
  {
    stdio: "inherit",
    env,
  },
);
child.on("exit", (code, signal) => {
  process.exitCode = signal === null ? code : 1;
});
