import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { startProcess } from "../support/process.ts";
import type { CodecRow } from "./codec-numbers.ts";

const here = dirname(fileURLToPath(import.meta.url));
const RECORDING = join(here, "../../fixtures/wire/dubbo2/2.7.23-hessian2.jsonl");

/** Slices of 5 ms that each way over a body gets. */
const SLICES = { quick: 20, full: 60 } as const;

/** Measures the Hessian2 codec as it ships, in a bundle, in a process of its own. `directory` takes the bundle. */
export async function measureCodecs(directory: string, length: keyof typeof SLICES): Promise<readonly CodecRow[]> {
  const outfile = join(directory, "hessian2.mjs");
  await build({
    entryPoints: [join(here, "hessian2.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "error",
    banner: {
      js: 'import { createRequire as benchRequire } from "node:module"; const require = benchRequire(import.meta.url);',
    },
  });
  const run = await startProcess({
    name: "codec bench",
    command: "taskset",
    args: ["-c", "1", process.execPath, outfile, RECORDING, String(SLICES[length])],
    ready: () => true,
  });
  const exit = await run.exited;
  if (exit.code !== 0) throw new Error(run.log() || `the codec bench ended with ${exit.signal ?? exit.code}`);
  return JSON.parse(run.stdout()) as CodecRow[];
}
