import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { WORKER_NODE_OPTIONS } from "../../src/bridge-proxy/worker.ts";
import { createTestLeaf, createTestRoot } from "../support/certificates.ts";
import { type Peer, sleep, startProcess } from "../support/process.ts";
import type { PartName } from "./numbers.ts";
import {
  benchPolicies,
  type EnvoyFilter,
  envoyConfig,
  envoyPairConfig,
  haproxyConfig,
  haproxyHttpConfig,
  nginxGrpcConfig,
  nginxHttpConfig,
  nginxStreamConfig,
} from "./peers-config.ts";
import {
  buildDubbo2Programs,
  buildHttp1Programs,
  buildHttp2Programs,
  bundle,
  ENVOY_VERSION,
  installEnvoy,
  needDebian,
  type Programs,
} from "./toolchain.ts";
import { startTrestleEureka, startTrestleHttp, startTrestleUp } from "./trestle.ts";

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
  /** Generator and provider of its own, with what they are told; the part's where there are none. */
  readonly programs?: () => Promise<Programs>;
  /** The form of the answers, as both programs take it. */
  readonly answers?: { readonly load: number; readonly echo: number };
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

/** One table of the bench: the same calls over each of the ways. */
export interface Part {
  readonly name: PartName;
  readonly title: string;
  readonly contenders: readonly Contender[];
  /** The generator of the calls and the provider that answers them. */
  build(): Promise<Programs>;
}

const direct: Contender = { name: "direct", title: "direct", start: async (_, port) => ({ port }) };

export const PARTS: readonly Part[] = [
  {
    name: "dubbo2",
    title: "Dubbo2",
    build: buildDubbo2Programs,
    contenders: [
      direct,
      { name: "nginx", title: "nginx stream (layer 4)", start: startNginxStream },
      { name: "envoy-dubbo", title: `Envoy ${ENVOY_VERSION} dubbo_proxy`, start: startEnvoy("dubbo") },
      { name: "envoy-generic", title: `Envoy ${ENVOY_VERSION} generic_proxy`, start: startEnvoy("generic") },
      {
        name: "envoy-generic-bound",
        title: `Envoy ${ENVOY_VERSION} generic_proxy, bound`,
        start: startEnvoy("generic-bound"),
      },
      { name: "trestle", title: "Trestle", start: startTrestle("dubbo", "dubbo") },
    ],
  },
  {
    name: "http2",
    title: "gRPC over HTTP/2",
    build: buildHttp2Programs,
    contenders: [
      direct,
      { name: "nginx", title: "nginx grpc_pass", start: startNginxGrpc },
      { name: "haproxy", title: "haproxy", start: (directory, port) => startHaproxy(directory, port) },
      { name: "envoy", title: `Envoy ${ENVOY_VERSION}`, start: startEnvoy("http") },
      { name: "trestle", title: "Trestle", start: startTrestle("tri", "tri") },
    ],
  },
  {
    name: "http1",
    title: "HTTP/1.1",
    build: buildHttp1Programs,
    contenders: [
      direct,
      { name: "nginx", title: "nginx", start: startNginxHttp },
      { name: "haproxy", title: "haproxy", start: startHaproxyHttp },
      { name: "envoy", title: `Envoy ${ENVOY_VERSION}`, start: startEnvoy("http1") },
      { name: "trestle", title: "Trestle", start: startTrestleOfHttp },
      { name: "trestle-eureka", title: "Trestle, port of its Eureka facade", start: startTrestleOfEureka },
    ],
  },
  {
    name: "bridge",
    title: "Between Dubbo2 and Triple",
    build: buildDubbo2Programs,
    contenders: [
      {
        name: "dubbo2",
        title: "Dubbo2, carried",
        start: startTrestle("dubbo", "dubbo"),
        answers: { load: 1, echo: 1 },
      },
      {
        name: "triple",
        title: "Triple wrapper, carried",
        start: startTrestle("tri", "tri"),
        programs: buildHttp2Programs,
        answers: { load: 1, echo: 0 },
      },
      {
        name: "dubbo2-triple",
        title: "Dubbo2 to Triple",
        start: startTrestle("dubbo", "tri"),
        programs: async () => ({ load: (await buildDubbo2Programs()).load, echo: (await buildHttp2Programs()).echo }),
        answers: { load: 1, echo: 0 },
      },
      {
        name: "triple-dubbo2",
        title: "Triple to Dubbo2",
        start: startTrestle("tri", "dubbo"),
        programs: async () => ({ load: (await buildHttp2Programs()).load, echo: (await buildDubbo2Programs()).echo }),
        answers: { load: 2, echo: 1 },
      },
    ],
  },
  {
    name: "authz",
    title: "Dubbo2 under policies",
    build: buildDubbo2Programs,
    contenders: [
      direct,
      { name: "trestle", title: "Trestle, no policy", start: startTrestle("dubbo", "dubbo") },
      { name: "policy", title: "Trestle, one policy", start: startTrestle("dubbo", "dubbo", 1) },
      { name: "policies", title: "Trestle, 1,000 policies", start: startTrestle("dubbo", "dubbo", 1_000) },
    ],
  },
  {
    name: "mtls",
    title: "Dubbo2 through two proxies in one process",
    build: buildDubbo2Programs,
    contenders: [
      direct,
      { name: "plain", title: "plain text between them", start: startPair([]) },
      { name: "mtls", title: "mutual TLS between them", start: startPair(["--mtls"]) },
      { name: "envoy-plain", title: `Envoy ${ENVOY_VERSION} twice, plain text`, start: startEnvoyPair(false) },
      { name: "envoy-mtls", title: `Envoy ${ENVOY_VERSION} twice, mutual TLS`, start: startEnvoyPair(true) },
    ],
  },
];

/** Reads the port from the JSON line that the bench's own programs print first. */
export function printedPort(peer: Peer): number | undefined {
  const line = peer.stdout().split("\n", 1)[0]!;
  return line.endsWith("}") ? (JSON.parse(line) as { port: number }).port : undefined;
}

async function startNginxStream(directory: string, echoPort: number): Promise<Running> {
  await needDebian({
    nginx: "/usr/sbin/nginx",
    "libnginx-mod-stream": "/usr/lib/nginx/modules/ngx_stream_module.so",
  });
  return startNginx(directory, (port) => nginxStreamConfig(directory, port, echoPort));
}

async function startNginxGrpc(directory: string, echoPort: number): Promise<Running> {
  await needDebian({ nginx: "/usr/sbin/nginx" });
  return startNginx(directory, (port) => nginxGrpcConfig(directory, port, echoPort));
}

async function startNginxHttp(directory: string, echoPort: number): Promise<Running> {
  await needDebian({ nginx: "/usr/sbin/nginx" });
  return startNginx(directory, (port) => nginxHttpConfig(directory, port, echoPort));
}

async function startNginx(directory: string, configOf: (port: number) => string): Promise<Running> {
  const port = await freePort();
  const file = join(directory, "nginx.conf");
  await writeFile(file, configOf(port));
  const peer = await startProcess({
    name: "nginx",
    ...onProxyCore("/usr/sbin/nginx", ["-p", directory, "-e", "stderr", "-c", file]),
    ready: () => isListening(port),
    deadlineMs: 5_000,
  });
  return { port, peer, pid: peer.pid };
}

function startHaproxyHttp(directory: string, echoPort: number): Promise<Running> {
  return startHaproxy(directory, echoPort, haproxyHttpConfig);
}

async function startHaproxy(directory: string, echoPort: number, configOf = haproxyConfig): Promise<Running> {
  await needDebian({ haproxy: "/usr/sbin/haproxy" });
  const port = await freePort();
  const file = join(directory, "haproxy.cfg");
  await writeFile(file, configOf(port, echoPort));
  const peer = await startProcess({
    name: "haproxy",
    ...onProxyCore("/usr/sbin/haproxy", ["-db", "-f", file]),
    ready: () => isListening(port),
    deadlineMs: 5_000,
  });
  return { port, peer, pid: peer.pid };
}

function startEnvoy(filter: EnvoyFilter) {
  return (directory: string, echoPort: number): Promise<Running> =>
    runEnvoy(directory, filter, envoyConfig(filter, echoPort));
}

function startEnvoyPair(isMutual: boolean) {
  return async (directory: string, echoPort: number): Promise<Running> => {
    const uri = "spiffe://cluster.local/ns/default/sa/orders";
    const secrets = isMutual ? createTestLeaf(createTestRoot(), { uri }) : undefined;
    return runEnvoy(directory, "pair", envoyPairConfig(echoPort, await freePort(), secrets));
  };
}

async function runEnvoy(directory: string, name: string, config: string): Promise<Running> {
  const envoy = await installEnvoy();
  const file = join(directory, `envoy-${name}.yaml`);
  const adminFile = join(directory, `envoy-${name}.admin`);
  await writeFile(file, config);
  let port = 0;
  const options = ["-c", file, "--disable-hot-restart", "--concurrency", "1", "-l", "error"];
  const peer = await startProcess({
    name: `envoy ${name}`,
    ...onProxyCore(envoy, [...options, "--admin-address-path", adminFile]),
    ready: async () => {
      port = await envoyPort(adminFile);
      return port > 0;
    },
    deadlineMs: 15_000,
  });
  return { port, peer, pid: peer.pid };
}

/** The port that callers of an Envoy use; 0 while it is not ready. */
async function envoyPort(adminFile: string): Promise<number> {
  try {
    const admin = (await readFile(adminFile, "utf8")).trim();
    const signal = AbortSignal.timeout(1_000);
    const ready = await fetch(`http://${admin}/ready`, { signal });
    if (ready.status !== 200) return 0;
    const listeners = (await (await fetch(`http://${admin}/listeners?format=json`, { signal })).json()) as {
      listener_statuses: { name: string; local_address: { socket_address: { port_value: number } } }[];
    };
    return (
      listeners.listener_statuses.find(({ name }) => name === "orders")?.local_address.socket_address.port_value ?? 0
    );
  } catch {
    return 0;
  }
}

function startTrestle(callers: "dubbo" | "tri", providers: "dubbo" | "tri", policies = 0) {
  return async (directory: string, echoPort: number): Promise<Running> => {
    const ports = { facade: await freePort(), proxy: await freePort(), tri: await freePort(), admin: await freePort() };
    const speak = { callers, providers };
    const rules = policies === 0 ? "" : benchPolicies(policies);
    const started = await startTrestleUp(directory, echoPort, speak, ports, onProxyCore, rules);
    const { parent, workerPid, port, close } = started;
    return { port, pid: workerPid, peer: parent, close };
  };
}

function startPair(flags: readonly string[]) {
  return async (directory: string, echoPort: number): Promise<Running> => {
    const program = await bundle("mtls-pair.ts", directory);
    const command = [...WORKER_NODE_OPTIONS, program, `--to=${echoPort}`, ...flags];
    const peer = await startProcess({
      name: `pair ${flags.join(" ")}`.trim(),
      ...onProxyCore(process.execPath, command),
      ready: (self) => printedPort(self) !== undefined,
      deadlineMs: 20_000,
    });
    return { port: printedPort(peer)!, peer, pid: peer.pid };
  };
}

async function startTrestleOfHttp(directory: string, echoPort: number): Promise<Running> {
  const ports = { facade: await freePort(), proxy: await freePort(), tri: await freePort(), admin: await freePort() };
  const { parent, workerPid, port, close } = await startTrestleHttp(directory, echoPort, ports, onProxyCore);
  return { port, pid: workerPid, peer: parent, close };
}

async function startTrestleOfEureka(directory: string, echoPort: number): Promise<Running> {
  const [registry, facade, proxy] = [await freePort(), await freePort(), await freePort()];
  const ports = { registry, facade, proxy, tri: await freePort(), admin: await freePort() };
  const { parent, workerPid, port, close } = await startTrestleEureka(directory, echoPort, ports, onProxyCore);
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
