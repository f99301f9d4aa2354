import { mkdtemp, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestRoot, type TestAuthority } from "./certificates.ts";
import { startTrestle, type Trestle, type TrestleOptions } from "./trestle.ts";

/** A folder of a test. */
export function newFolder(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `trestle-${name}-`));
}

/** A root and the folder that it can be plugged in from, as Istio's `cacerts` has it. */
export async function startAuthority(): Promise<{ readonly root: TestAuthority; readonly folder: string }> {
  const root = createTestRoot();
  const folder = await newFolder("ca");
  await writeFile(join(folder, "ca-cert.pem"), root.pem);
  await writeFile(join(folder, "root-cert.pem"), root.pem);
  await writeFile(join(folder, "ca-key.pem"), root.key.export({ format: "pem", type: "pkcs8" }));
  return { root, folder };
}

/** `trestle up` with a configuration file and a rule file of its own. */
export interface ConfiguredTrestle {
  readonly trestle: Trestle;
  /** Replaces the one rule file; returns once other resources are in force. */
  rules(text: string): Promise<void>;
  /** Replaces the one rule file. */
  write(text: string): Promise<void>;
  /** Replaces the configuration; what of it can be taken up is in force within 2 s. */
  configure(config: Readonly<Record<string, unknown>>): Promise<void>;
  /** The sum of a metric's samples whose line has all of these texts. */
  metric(name: string, ...having: string[]): Promise<number>;
}

/** Starts it; `config` is the file, as an object. */
export async function startConfigured(
  config: Readonly<Record<string, unknown>>,
  options: TrestleOptions,
  rules = "",
): Promise<ConfiguredTrestle> {
  const folder = await newFolder("config");
  const file = join(folder, "trestle.json");
  await writeFile(file, JSON.stringify(config));
  const ruleFolder = await newFolder("rules");
  const ruleFile = join(ruleFolder, "rules.yaml");
  if (rules !== "") await writeFile(ruleFile, rules);
  const trestle = await startTrestle({
    ...options,
    rules: ruleFolder,
    extra: ["--config", file, ...(options.extra ?? [])],
  });
  const versions = async () => {
    const status = (await trestle.json("/api/v1/status")) as { readonly workers: { resourcesVersion: string }[] };
    return status.workers.map(({ resourcesVersion }) => resourcesVersion);
  };
  const write = async (text: string) => {
    await writeFile(`${ruleFile}.new`, text);
    await rename(`${ruleFile}.new`, ruleFile);
  };
  return {
    trestle,
    write,
    async rules(text) {
      const before = await versions();
      await write(text);
      const untilMs = Date.now() + 10_000;
      // The inbound listeners are one worker's: the others may have nothing new.
      while ((await versions()).every((version) => before.includes(version))) {
        if (Date.now() > untilMs) throw new Error("the rules were not taken up within 10 s");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    configure: (next) => writeFile(file, JSON.stringify(next)),
    async metric(name, ...having) {
      const { body } = await trestle.get("/metrics");
      return body
        .split("\n")
        .filter((line) => line.startsWith(name) && having.every((text) => line.includes(text)))
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
  };
}
