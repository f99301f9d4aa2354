import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProcess } from "../support/process.ts";
import type { RegistryResults } from "./registry-numbers.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** Measures the way from a registry to entries and workers, in a network of its own (scripts/netns.sh), in a process of its own. */
export async function measureRegistries(length: "quick" | "full"): Promise<RegistryResults> {
  const run = await startProcess({
    name: "registries' bench",
    command: join(here, "../../scripts/netns.sh"),
    args: [process.execPath, "--import", "tsx", join(here, "registry-run.ts"), length],
    ready: () => true,
  });
  run.child.stderr!.on("data", (text: string) => process.stderr.write(text));
  const exit = await run.exited;
  if (exit.code !== 0) throw new Error(run.log() || `the registries' bench ended with ${exit.signal ?? exit.code}`);
  return JSON.parse(run.stdout()) as RegistryResults;
}
