import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { builtPeer, peerHome } from "./maven.ts";

const run = promisify(execFile);
const BUILD_TIMEOUT_MS = 300_000;

/** Programs of others, as the Go module proxy has them. */
const TOOLS = {
  h2spec: { package: "github.com/summerwind/h2spec/cmd/h2spec", version: "v2.2.1+incompatible" },
  grpcurl: { package: "github.com/fullstorydev/grpcurl/cmd/grpcurl", version: "v1.9.3" },
  ghz: { package: "github.com/bojand/ghz/cmd/ghz", version: "v0.121.0" },
} as const;

/** A program that tests run. */
export type GoTool = keyof typeof TOOLS;

/** All of them. */
export const goTools = Object.keys(TOOLS) as readonly GoTool[];

function homeOf(tool: GoTool): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(cache, "trestle", "peers", `${tool}-${TOOLS[tool].version.replace(/^v|\+.*$/g, "")}`);
}

/** The path of a built program; throws with what to do when it has not been built. */
export function builtGoTool(tool: GoTool): string {
  const program = join(homeOf(tool), tool);
  if (!existsSync(program)) throw new Error(`${tool} is not built: run \`make peers\``);
  return program;
}

/** Builds a program outside the clone unless it is built already. Needs `go` and its module proxy. */
export async function buildGoTool(tool: GoTool, say: (text: string) => void): Promise<void> {
  const { package: name, version } = TOOLS[tool];
  await buildOnce(homeOf(tool), tool, say, (work) => go(["install", `${name}@${version}`], { GOBIN: work }));
}

/** Has `build` fill a folder that then is moved to `home`, unless `home` has `program` already. */
export async function buildOnce(
  home: string,
  program: string,
  say: (text: string) => void,
  build: (work: string) => Promise<unknown>,
): Promise<void> {
  if (existsSync(join(home, program))) return;
  const work = `${home}.${process.pid}`;
  const before = Date.now();
  await mkdir(work, { recursive: true });
  say(`building ${program} with go`);
  try {
    await build(work);
    await rename(work, home);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    // Another run may have built the same in the meantime.
    if (!existsSync(join(home, program))) throw error;
  }
  say(`built ${program} in ${Math.round((Date.now() - before) / 1000)} s`);
}

/** Runs `go`, wherever it is; rejects with what it printed. */
export async function go(args: readonly string[], env: Readonly<Record<string, string>>, cwd?: string): Promise<void> {
  const path = `${process.env["PATH"]}:/usr/local/go/bin`;
  const options = { cwd, env: { ...process.env, PATH: path, ...env }, timeout: BUILD_TIMEOUT_MS };
  // The module proxy's passing failure must not fail the run: what was downloaded and compiled is kept, so a second try is short.
  await run("go", args, options).catch(() => run("go", args, options));
}

/** The program of fixtures/peers/dubbo-go; throws with what to do when it has not been built. */
export function builtDubboGo(): string {
  return join(builtPeer("dubbo-go"), "dubbo-go");
}

/** Builds it outside the clone unless it is built already. Needs `go` and its module proxy. */
export async function buildDubboGo(say: (text: string) => void): Promise<void> {
  const cwd = fileURLToPath(new URL("../../fixtures/peers/dubbo-go", import.meta.url));
  await buildOnce(peerHome("dubbo-go"), "dubbo-go", say, (work) =>
    go(["build", "-trimpath", "-buildvcs=false", "-o", join(work, "dubbo-go"), "."], {}, cwd),
  );
}
