import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Peer, sleep, startProcess } from "../support/process.ts";
import { type EnvoyFilter, envoyConfig, nginxConfig } from "./peers-config.ts";
import { ENVOY_VERSION, installEnvoy, needFile } from "./toolchain.ts";
import { startTrestleUp } from "./trestle.ts";

/** A proxy that runs and is ready to be measured; the direct way has no process. */
export interface Running {
  readonly port: number;
  /** The process that carries the calls. */
  readonly pid?: number;
  /** The process that was started: the same, or its parent. */
  readonly peer?: Peer;
  /** What has to be given up before the processes are ended. */
  readonly close?: () => Promise<void>;
}

/** One of the ways from the generator to the provider. */
export interface Contender {
  readonly name: string;
  readonly title: string;
  start(directory: string, echoPort: number): Promise<Running>;
}

const PROXY_CORE = "1";
const LOAD_CORE = "0";

/** Starts a program on the generator's core. */
export function onLoadCore(command: string, args: readonly string[]): { command: string; args: string[] } {
  return { command: "taskset", args: ["-c", LOAD_CORE, command, ...args] };
}

function onProxyCore(command: string, args: readonly string[]): { command: string; args: string[] } {
  return { command: "taskset", args: ["-c", PROXY_CORE, command, ...args] };
}

export const CONTENDERS: readonly Contender[] = [
  { name: "direct", title: "direct", start: async (_, port) => ({ port }) },
  { name: "nginx", title: "nginx stream (layer 4)", start: startNginx },
  { name: "envoy-dubbo", title: `Envoy ${ENVOY_VERSION} dubbo_proxy`, start: startEnvoy("dubbo") },
  { name: "envoy-generic", title: `Envoy ${ENVOY_VERSION} generic_proxy`, start: startEnvoy("generic") },
  {
    name: "envoy-generic-bound",
    title: `Envoy ${ENVOY_VERSION} generic_proxy, bound`,
    start: startEnvoy("generic-bound"),
  },
  { name: "trestle", title: "Trestle", start: startTrestle },
];

/** Reads the port from the JSON line that the bench's own programs print first. */
export function printedPort(peer: Peer): number | undefined {
  const line = peer.stdout().split("\n", 1)[0]!;
  return line.endsWith("}") ? (JSON.parse(line) as { port: number }).port : undefined;
}

async function startNginx(directory: string, echoPort: number): Promise<Running> {
  const module = "/usr/lib/nginx/modules/ngx_stream_module.so";
  await needFile(module, "nginx with its stream module is missing (Debian: apt-get install nginx libnginx-mod-stream)");
  const port = await freePort();
  const file = join(directory, "nginx.conf");
  await writeFile(file, nginxConfig(directory, port, echoPort));
  const peer = await startProcess({
    name: "nginx",
    ...onProxyCore("/usr/sbin/nginx", ["-p", directory, "-e", "stderr", "-c", file]),
    ready: () => isListening(port),
    deadlineMs: 5_000,
  });
  return { port, peer, pid: peer.pid };
}

function startEnvoy(filter: EnvoyFilter) {
  return async (directory: string, echoPort: number): Promise<Running> => {
    const envoy = await installEnvoy();
    const file = join(directory, `envoy-${filter}.yaml`);
    const adminFile = join(directory, `envoy-${filter}.admin`);
    await writeFile(file, envoyConfig(filter, echoPort));
    let port = 0;
    const options = ["-c", file, "--disable-hot-restart", "--concurrency", "1", "-l", "error"];
    const peer = await startProcess({
      name: `envoy ${filter}`,
      ...onProxyCore(envoy, [...options, "--admin-address-path", adminFile]),
      ready: async () => {
        port = await envoyPort(adminFile);
        return port > 0;
      },
      deadlineMs: 15_000,
    });
    return { port, peer, pid: peer.pid };
  };
}

/** The port of an Envoy's only listener; 0 while it is not ready. */
async function envoyPort(adminFile: string): Promise<number> {
  try {
    const admin = (await readFile(adminFile, "utf8")).trim();
    const signal = AbortSignal.timeout(1_000);
    const ready = await fetch(`http://${admin}/ready`, { signal });
    if (ready.status !== 200) return 0;
    const listeners = (await (await fetch(`http://${admin}/listeners?format=json`, { signal })).json()) as {
      listener_statuses: { local_address: { socket_address: { port_value: number } } }[];
    };
    return listeners.listener_statuses[0]?.local_address.socket_address.port_value ?? 0;
  } catch {
    return 0;
  }
}

async function startTrestle(directory: string, echoPort: number): Promise<Running> {
  const ports = { facade: await freePort(), proxy: await freePort(), admin: await freePort() };
  const { parent, workerPid, port, close } = await startTrestleUp(directory, echoPort, ports, onProxyCore);
  return { port, pid: workerPid, peer: parent, close };
}

async function isListening(port: number): Promise<boolean> {
  const text = await readFile("/proc/net/tcp", "utf8");
  const wanted = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  await sleep(10);
  return text.split("\n").some((line) => line.includes(`${wanted} `) && / 0A /.test(line));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
