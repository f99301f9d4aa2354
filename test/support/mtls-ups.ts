import { mkdtemp, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createTestRoot, type TestAuthority } from "./certificates.ts";
import { eventually } from "./process.ts";
import { startTrestle, type Trestle, type TrestleOptions } from "./trestle.ts";

/** Where only some workers have something new, this long after the last of these it is taken that no other has, ms. */
const QUIET_MS = 300;

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
  let ruleFile = join(ruleFolder, "rules.yaml");
  let written = 0;
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
  const isRead = async () => {
    const { files } = (await trestle.json("/api/v1/rules")) as { readonly files: readonly { readonly path: string }[] };
    return files.some(({ path }) => path.endsWith(basename(ruleFile)));
  };
  return {
    trestle,
    write,
    async rules(text) {
      const before = await versions();
      await write(text);
      // By its name it is seen that what workers are given is of this text, and not of a provider or a login that came meanwhile.
      const renamed = join(ruleFolder, `rules-${++written}.yaml`);
      await rename(ruleFile, renamed);
      ruleFile = renamed;
      await eventually("the rules are read", isRead);
      let last: readonly string[] = before;
      let changedMs = Number.POSITIVE_INFINITY;
      await eventually("the rules are in force", async () => {
        const now = await versions();
        if (now.join() !== last.join()) changedMs = Date.now();
        last = now;
        // The inbound listeners are one worker's: the others may have nothing new.
        return now.every((version) => !before.includes(version)) || Date.now() - changedMs > QUIET_MS;
      });
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
