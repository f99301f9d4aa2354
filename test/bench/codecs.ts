import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { startProcess } from "../support/process.ts";
import type { CodecRow } from "./codec-numbers.ts";
import type { SigningRow } from "./signing-numbers.ts";

const here = dirname(fileURLToPath(import.meta.url));
const RECORDING = join(here, "../../fixtures/wire/dubbo2/2.7.23-hessian2.jsonl");

/** Slices of 5 ms that each way over a body gets. */
const SLICES = { quick: 20, full: 60 } as const;

/** Certificates in slices of 100 that each kind of key gets. */
const SIGNING_SLICES = { quick: 5, full: 30 } as const;

/** Measures the Hessian2 codec as it ships, in a bundle, in a process of its own. `directory` takes the bundle. */
export async function measureCodecs(directory: string, length: keyof typeof SLICES): Promise<readonly CodecRow[]> {
  return (await runBundle("hessian2", directory, [RECORDING, String(SLICES[length])])) as CodecRow[];
}

/** Measures the certificate authority in the same way. */
export async function measureSigning(directory: string, length: keyof typeof SLICES): Promise<readonly SigningRow[]> {
  return (await runBundle("signing", directory, [String(SIGNING_SLICES[length])])) as SigningRow[];
}

/** Bundles a program of this folder, runs it on one core and reads what it prints. */
async function runBundle(name: string, directory: string, args: readonly string[]): Promise<unknown> {
  const outfile = join(directory, `${name}.mjs`);
  await build({
    entryPoints: [join(here, `${name}.ts`)],
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
    name: `${name} bench`,
    command: "taskset",
    args: ["-c", "1", process.execPath, outfile, ...args],
    ready: () => true,
  });
  const exit = await run.exited;
  if (exit.code !== 0) throw new Error(run.log() || `the ${name} bench ended with ${exit.signal ?? exit.code}`);
  return JSON.parse(run.stdout());
}
