import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const MODULE = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible";

function h2specHome(): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(cache, "trestle", "peers", "h2spec-2.2.1");
}

/** The built h2spec; throws with what to do when it has not been built. */
export function builtH2spec(): string {
  const program = join(h2specHome(), "h2spec");
  if (!existsSync(program)) throw new Error("h2spec is not built: run `make peers`");
  return program;
}

/** Builds h2spec outside the clone unless it is built already. Needs `go` and its module proxy. */
export async function buildH2spec(say: (text: string) => void): Promise<void> {
  const home = h2specHome();
  if (existsSync(join(home, "h2spec"))) return;
  const work = `${home}.${process.pid}`;
  await mkdir(work, { recursive: true });
  say("building h2spec 2.2.1 with go");
  const path = `${process.env["PATH"]}:/usr/local/go/bin`;
  await run("go", ["install", MODULE], { env: { ...process.env, PATH: path, GOBIN: work }, timeout: 300_000 });
  await rename(work, home).catch(async (error: NodeJS.ErrnoException) => {
    // Another run has built the same in the meantime.
    if (!existsSync(join(home, "h2spec"))) throw error;
    await rm(work, { recursive: true, force: true });
  });
}

/** Runs all of h2spec's cases against a port of 127.0.0.1; returns its whole output, also when cases fail. */
export async function runH2spec(port: number, flags: readonly string[]): Promise<string> {
  const args = ["-h", "127.0.0.1", "-p", String(port), "-o", "5", ...flags];
  try {
    return (await run(builtH2spec(), args, { timeout: 60_000 })).stdout;
  } catch (error) {
    const { stdout, message } = error as { stdout?: string; message: string };
    if (!stdout) throw error;
    return `${stdout}\n${message}`;
  }
}
