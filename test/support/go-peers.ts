import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { builtPeer, peerHome } from "./maven.ts";

const run = promisify(execFile);
const BUILD_TIMEOUT_MS = 300_000;
/** Seven minutes of one core's time, and so long where other tests have the cores. */
const KUBERNETES_TIMEOUT_MS = 2_400_000;
const KUBERNETES = "1.36.3";
/** Whose CustomResourceDefinitions the API server is given. */
const ISTIO_API = "v1.27.1";
const CRDS = "crds.yaml";

/** Programs of others, as the Go module proxy has them. */
const TOOLS = {
  h2spec: { package: "github.com/summerwind/h2spec/cmd/h2spec", version: "v2.2.1+incompatible" },
  grpcurl: { package: "github.com/fullstorydev/grpcurl/cmd/grpcurl", version: "v1.9.3" },
  ghz: { package: "github.com/bojand/ghz/cmd/ghz", version: "v0.121.0" },
  ratelimit: {
    package: "github.com/envoyproxy/ratelimit/src/service_cmd",
    version: "v1.4.1-0.20260122083618-3fb702589d36",
  },
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
  await buildOnce(homeOf(tool), tool, say, async (work) => {
    await go(["install", `${name}@${version}`], { GOBIN: work });
    await rename(join(work, basename(name)), join(work, tool));
  });
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
export async function go(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
  timeout = BUILD_TIMEOUT_MS,
): Promise<void> {
  const path = `${process.env["PATH"]}:/usr/local/go/bin`;
  const options = { cwd, env: { ...process.env, PATH: path, ...env }, timeout };
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

/** The program of fixtures/peers/grpc-xds-go; throws with what to do when it has not been built. */
export function builtGrpcXdsGo(): string {
  return join(builtPeer("grpc-xds-go"), "grpc-xds-go");
}

/** Builds it outside the clone unless it is built already. Needs `go` and its module proxy. */
export async function buildGrpcXdsGo(say: (text: string) => void): Promise<void> {
  const cwd = fileURLToPath(new URL("../../fixtures/peers/grpc-xds-go", import.meta.url));
  await buildOnce(peerHome("grpc-xds-go"), "grpc-xds-go", say, (work) =>
    go(["build", "-trimpath", "-buildvcs=false", "-o", join(work, "grpc-xds-go"), "."], {}, cwd),
  );
}

/** The program of fixtures/peers/go-k8s; throws with what to do when it has not been built. */
export function builtKubeApiserver(): string {
  return join(builtPeer("go-k8s"), "kube-apiserver");
}

/** Builds Kubernetes' API server outside the clone unless it is built already. Needs `go` and its module proxy. */
export async function buildKubeApiserver(say: (text: string) => void): Promise<void> {
  const cwd = fileURLToPath(new URL("../../fixtures/peers/go-k8s", import.meta.url));
  const flags = `-s -w -X k8s.io/component-base/version.gitVersion=v${KUBERNETES}`;
  await buildOnce(peerHome("go-k8s"), "kube-apiserver", say, (work) =>
    go(
      ["build", "-trimpath", "-buildvcs=false", `-ldflags=${flags}`, "-o", join(work, "kube-apiserver"), "."],
      {},
      cwd,
      KUBERNETES_TIMEOUT_MS,
    ),
  );
}

/** CustomResourceDefinitions of others, as Go modules have them. */
const DEFINITIONS = {
  istio: {
    module: "istio.io/api",
    version: ISTIO_API,
    files: ["kubernetes/customresourcedefinitions.gen.yaml"],
  },
  "gateway-api": {
    module: "sigs.k8s.io/gateway-api",
    version: "v1.3.0",
    files: ["gatewayclasses", "gateways", "grpcroutes", "httproutes"].map(
      (name) => `config/crd/standard/gateway.networking.k8s.io_${name}.yaml`,
    ),
  },
} as const;

/** Whose definitions tests install. */
export type Definitions = keyof typeof DEFINITIONS;

function crdsHome(of: Definitions): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(cache, "trestle", "peers", `${of}-crds-${DEFINITIONS[of].version.slice(1)}`);
}

/** The file of somebody's CustomResourceDefinitions; throws with what to do when it was not fetched. */
export function builtCrds(of: Definitions): string {
  const file = join(crdsHome(of), CRDS);
  if (!existsSync(file)) throw new Error(`the CRDs of ${of} were not fetched: run \`make test-istio\``);
  return file;
}

/** Takes them out of a Go module unless that was done already. Needs `go` and its module proxy. */
export async function buildCrds(of: Definitions, say: (text: string) => void): Promise<void> {
  const { module, version, files } = DEFINITIONS[of];
  await buildOnce(crdsHome(of), CRDS, say, async (work) => {
    const modules = join(work, "modules");
    await go(["mod", "download", "-modcacherw", `${module}@${version}`], { GOMODCACHE: modules }, work);
    const texts = await Promise.all(files.map((file) => readFile(join(modules, `${module}@${version}`, file), "utf8")));
    await writeFile(join(work, CRDS), texts.join("\n---\n"));
    await rm(modules, { recursive: true, force: true });
  });
}
