import { mkdtempSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtPeer } from "./maven.ts";
import { hosts } from "./netns.ts";
import { type Peer, startProcess } from "./process.ts";
import { sharedClasses } from "./shared-classes.ts";

/** What differs from server to server. */
export interface NacosOptions {
  readonly port?: number;
  /** Whether it asks for the user `nacos` with the password `nacos`. */
  readonly auth?: boolean;
  /** Default 512. */
  readonly heapMb?: number;
  /** Settings of Nacos as name and value. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/** An instance in the server's own words. */
export interface NacosInstance {
  readonly instanceId: string;
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  readonly healthy: boolean;
  readonly enabled: boolean;
  readonly ephemeral: boolean;
  readonly clusterName: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A real Nacos 2.3.2, standalone. It takes its port, those 1000 above and below, and the one after the upper, of all addresses. */
export interface Nacos {
  readonly host: string;
  readonly port: number;
  /** As a provider's registry or metadata centre has it: nacos://host:port, with the user where it asks for one. */
  readonly address: string;
  readonly peer: Peer;
  /** A request of its HTTP interface, `path` after `/nacos`, with the token where it asks for one. */
  ask(
    method: string,
    path: string,
    body?: URLSearchParams,
  ): Promise<{ readonly status: number; readonly body: string }>;
  /** The instances of a service; `service` may begin with `GROUP@@`. */
  instances(service: string, namespace?: string): Promise<readonly NacosInstance[]>;
  /** A configuration's text; undefined where there is none. */
  text(dataId: string, group: string): Promise<string | undefined>;
  publish(dataId: string, group: string, text: string): Promise<void>;
  /** SIGKILL; its data stay. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const opened = ["lang", "math", "util", "util.concurrent", "io", "time", "lang.reflect", "lang.invoke"];
const tokenKey = Buffer.alloc(48, "trestle").toString("base64");

/** The lines of Nacos' Java client: 1.4.2 (HTTP), 2.4.3 and 3.0.3 (gRPC). */
export const nacosLines = ["1.4", "2.4", "3.0"] as const;
export type NacosLine = (typeof nacosLines)[number];

/** The jars of a client, which Dubbo's parts for Nacos ask for, as a class path has them. */
export function nacosJars(line: NacosLine = "2.4"): string {
  return `${builtPeer("nacos")}/client-${line}/target/dep/*`;
}

/** Starts a server and waits until it serves, and until it knows its user where it asks for one. */
export async function startNacos(host: string = hosts.relay, options: NacosOptions = {}): Promise<Nacos> {
  const { port = 8_848, auth = false } = options;
  const home = mkdtempSync(join(tmpdir(), "trestle-nacos-"));
  const base = `http://${host}:${port}/nacos`;
  let token: string | undefined;
  const login = async (): Promise<boolean> => {
    const user = new URLSearchParams({ username: "nacos", password: "nacos" });
    const { status, body } = await request(`${base}/v1/auth/login`, { method: "POST", body: user });
    if (status !== 200) return false;
    token = (JSON.parse(body) as { accessToken: string }).accessToken;
    return true;
  };
  const ask: Nacos["ask"] = async (method, path, body) => {
    const once = () =>
      request(base + path, { method, ...(body && { body }), ...(token && { headers: { accessToken: token } }) });
    const answer = await once();
    // Its token may have run out.
    return answer.status === 403 && auth && (await login()) ? once() : answer;
  };
  const serves = async () => (await request(`${base}/v1/ns/operator/metrics`)).body.includes("UP");
  const start = (): Promise<Peer> =>
    startProcess({
      name: "nacos",
      command: "java",
      args: serverArgs(host, port, home, options),
      ready: async () => (auth ? await login() : await serves()),
      deadlineMs: 150_000,
    });
  let peer = await start();
  return {
    host,
    port,
    address: `nacos://${auth ? "nacos:nacos@" : ""}${host}:${port}`,
    get peer() {
      return peer;
    },
    ask,
    async instances(service, namespaceId = "") {
      const query = new URLSearchParams({ serviceName: service, namespaceId });
      const { status, body } = await ask("GET", `/v1/ns/instance/list?${query}`);
      if (status !== 200) throw new Error(`nacos answered ${status}: ${body}`);
      return (JSON.parse(body) as { hosts: readonly NacosInstance[] }).hosts;
    },
    async text(dataId, group) {
      const { status, body } = await ask("GET", `/v1/cs/configs?${new URLSearchParams({ dataId, group })}`);
      return status === 200 ? body : undefined;
    },
    async publish(dataId, group, content) {
      const { status, body } = await ask("POST", "/v1/cs/configs", new URLSearchParams({ dataId, group, content }));
      if (status !== 200) throw new Error(`nacos answered ${status} to a configuration: ${body}`);
    },
    async kill() {
      await peer.kill();
    },
    async restart() {
      await peer.kill();
      peer = await start();
    },
    async stop() {
      await peer.kill();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** The jars of a server, as a class path has them. */
export function nacosServerJars(): string {
  const dir = join(builtPeer("nacos"), "server/target");
  // Two jars hold com.caucho.hessian; this one's must be found first.
  const first = readdirSync(join(dir, "dep")).find((name) => name.startsWith("hessian-4"));
  return `${dir}/nacos-server-1.jar:${dir}/dep/${first}:${dir}/dep/*`;
}

function serverArgs(host: string, port: number, home: string, options: NacosOptions): string[] {
  const { auth = false, heapMb = 512 } = options;
  const settings = {
    "server.port": port,
    "server.tomcat.basedir": home,
    "server.servlet.contextPath": "/nacos",
    "nacos.core.auth.system.type": "nacos",
    "nacos.core.auth.enabled": auth,
    // From a cache of its it would know users up to 50 s after it serves, and who is deleted 15 s longer.
    "nacos.core.auth.caching.enabled": false,
    "nacos.core.auth.plugin.nacos.token.secret.key": tokenKey,
    "nacos.core.auth.server.identity.key": "trestle-peer",
    "nacos.core.auth.server.identity.value": "trestle-peer",
    "management.metrics.export.elastic.enabled": false,
    "management.metrics.export.influx.enabled": false,
    ...options.settings,
  };
  return [
    ...[`-Xmx${heapMb}m`, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"],
    ...sharedClasses(nacosServerJars()),
    ...opened.map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
    ...["-Dnacos.standalone=true", `-Dnacos.home=${home}`, `-Duser.home=${home}`],
    ...[`-Dderby.stream.error.file=${home}/derby.log`, `-Dnacos.server.ip=${host}`, `-Dserver.port=${port}`],
    ...["-cp", nacosServerJars(), "com.alibaba.nacos.NacosPeer"],
    ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
  ];
}

async function request(url: string, init: RequestInit = {}): Promise<{ status: number; body: string }> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(10_000) });
    return { status: answer.status, body: await answer.text() };
  } catch {
    return { status: 0, body: "" };
  }
}
