import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProcess } from "../support/process.ts";
import type { WholeCallsRow } from "./whole-calls-numbers.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** Measures whole calls in a network namespace, in so many rounds of each kind of call both ways; the peers must have been built. */
export async function measureWholeCalls(rounds: number): Promise<readonly WholeCallsRow[]> {
  const run = await startProcess({
    name: "bench of whole calls",
    command: join(here, "../../scripts/netns.sh"),
    args: [process.execPath, "--import", "tsx", join(here, "whole-calls.ts"), String(rounds)],
    ready: () => true,
  });
  const exit = await run.exited;
  if (exit.code !== 0) throw new Error(run.log() || `the bench of whole calls ended with ${exit.signal ?? exit.code}`);
  return JSON.parse(run.stdout());
}
