import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtPeer } from "./maven.ts";
import { type Peer, probeText, startProcess } from "./process.ts";

/** Spring Cloud 2021.0.9 (Boot 2.7.18) and 2025.0.0 (Boot 3.5.15), each with the client of one registry. */
export const stacks = ["eureka-2021", "eureka-2025", "nacos-2021", "nacos-2025", "zk-2021", "zk-2025"] as const;
export type SpringCloudStack = (typeof stacks)[number];

/** Spring's three ways to call another service by its name: RestTemplate, OpenFeign, WebClient. */
export const springClients = ["template", "feign", "web"] as const;
export type SpringClient = (typeof springClients)[number];

export interface SpringCloudOptions {
  readonly stack: SpringCloudStack;
  /** The program is one: a caller is `svc-a` and a callee `svc-b` unless named otherwise. */
  readonly role: "caller" | "callee";
  readonly host: string;
  readonly port: number;
  /** Eureka: `http://host:port/eureka/`, several with commas; Nacos and ZooKeeper: `host:port`, or with their scheme. */
  readonly registry: string;
  readonly name?: string;
  /** What its answers call it; `name@host:port` unless given. */
  readonly id?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Names that its JVM resolves, for all but WebClient. */
  readonly resolves?: Readonly<Record<string, string>>;
  /** Spring's own settings as name and value. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

export interface SpringCloudCall {
  readonly client: SpringClient;
  /** Registered name; `svc-b` unless given. */
  readonly service?: string;
  /** `GET` unless given; Feign knows GET and POST. */
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What a client got: `error` where no answer came. */
export interface SpringCloudAnswer {
  readonly status?: number;
  readonly body?: string;
  readonly error?: string;
}

/** What `/echo/…` of a callee says it was asked. */
export interface Echo {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** An instance as an application's DiscoveryClient has it. */
export interface ListedInstance {
  readonly instanceId: string | null;
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly uri: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** `counts` by the id of the callee that answered. */
export interface SpringLoopSummary {
  readonly calls: number;
  readonly failed: number;
  readonly slowestMs: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly errors: readonly { readonly atMs: number; readonly error: string }[];
}

export interface SpringLoop {
  stats(): Promise<SpringLoopSummary>;
  stop(): Promise<SpringLoopSummary>;
}

/** A running application. `peer.stop()` is its graceful end: it deregisters. */
export interface SpringCloud {
  readonly peer: Peer;
  readonly name: string;
  readonly id: string;
  /** `host:port` */
  readonly address: string;
  call(call: SpringCloudCall): Promise<SpringCloudAnswer>;
  /** A call of `/echo…` that must be answered by 200; throws with what came else. */
  echo(call: SpringCloudCall): Promise<Echo>;
  /** Calls `/echo/loop` unless `call` says otherwise, `delayMs` between two. */
  loop(call: SpringCloudCall, delayMs?: number): Promise<SpringLoop>;
  instances(service?: string): Promise<readonly ListedInstance[]>;
  services(): Promise<readonly string[]>;
}

/** Starts an application and waits until it serves and has begun to register. It renews and fetches every second. */
export async function startSpringCloud(options: SpringCloudOptions): Promise<SpringCloud> {
  const { stack, role, host, port } = options;
  const name = options.name ?? (role === "caller" ? "svc-a" : "svc-b");
  const id = options.id ?? `${name}@${host}:${port}`;
  const address = `${host}:${port}`;
  const peer = await startProcess({
    name: `${stack} ${id}`,
    command: "java",
    args: javaArgs(options, name, id),
    ready: async () => (await probeText(host, port, READY_REQUEST)).includes("READY"),
    deadlineMs: 90_000,
  });
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`http://${address}${path}`, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${id} answered ${answer.status} to ${path}: ${text}\n${peer.log()}`);
    return text === "" ? undefined : JSON.parse(text);
  };
  const full = (call: SpringCloudCall) => ({ service: "svc-b", method: "GET", path: "/echo", ...call });
  let loops = 0;
  return {
    peer,
    name,
    id,
    address,
    call: async (call) => (await ask("POST", "/call", full(call))) as SpringCloudAnswer,
    async echo(call) {
      const said = (await ask("POST", "/call", full(call))) as SpringCloudAnswer;
      if (said.status !== 200) throw new Error(`${id} got ${JSON.stringify(said)}`);
      return JSON.parse(said.body ?? "") as Echo;
    },
    async loop(call, delayMs = 10) {
      const path = `/loops/${++loops}`;
      await ask("POST", `${path}?delay=${delayMs}`, full({ path: "/echo/loop", ...call }));
      return {
        stats: async () => (await ask("GET", path)) as SpringLoopSummary,
        stop: async () => (await ask("DELETE", path)) as SpringLoopSummary,
      };
    },
    instances: async (service = "svc-b") =>
      (await ask("GET", `/instances?service=${encodeURIComponent(service)}`)) as readonly ListedInstance[],
    services: async () => (await ask("GET", "/services")) as readonly string[],
  };
}

function javaArgs(options: SpringCloudOptions, name: string, id: string): string[] {
  const { stack, host, port, resolves } = options;
  const dir = join(builtPeer("spring-cloud"), stack, "target");
  // Nacos' client keeps lists in the home directory: a fresh one, or an old run would answer for a new one.
  const home = mkdtempSync(join(tmpdir(), "trestle-home-"));
  const settings = {
    "spring.application.name": name,
    "server.address": host,
    "server.port": port,
    "peer.id": id,
    "spring.main.banner-mode": "off",
    "spring.jmx.enabled": false,
    "logging.level.root": "warn",
    "spring.cloud.loadbalancer.cache.ttl": "1s",
    ...registrySettings(options, name),
    ...options.settings,
  };
  return [
    ...["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.net.preferIPv4Stack=true"],
    ...[`-Duser.home=${home}`, `-DJM.LOG.PATH=${home}/logs`],
    ...(resolves === undefined ? [] : [`-Djdk.net.hosts.file=${hostsFile(home, resolves)}`]),
    ...["-cp", `${dir}/classes:${dir}/dep/*`, "peer.App"],
    ...Object.entries(settings).map(([key, value]) => `--${key}=${value}`),
  ];
}

function hostsFile(home: string, resolves: Readonly<Record<string, string>>): string {
  const path = join(home, "hosts");
  writeFileSync(
    path,
    Object.entries(resolves)
      .map(([name, address]) => `${address} ${name}\n`)
      .join(""),
  );
  return path;
}

function registrySettings(options: SpringCloudOptions, name: string): Record<string, string | number | boolean> {
  const { stack, host, port, registry, metadata = {} } = options;
  const bare = registry.replace(/^(nacos|zookeeper):\/\//, "");
  const under = (prefix: string) =>
    Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`${prefix}.${key}`, value]));
  switch (stack) {
    case "eureka-2021":
    case "eureka-2025":
      return {
        "eureka.client.service-url.defaultZone": registry,
        "eureka.client.registry-fetch-interval-seconds": 1,
        "eureka.client.initial-instance-info-replication-interval-seconds": 0,
        "eureka.instance.prefer-ip-address": true,
        "eureka.instance.ip-address": host,
        "eureka.instance.instance-id": `${host}:${name}:${port}`,
        "eureka.instance.lease-renewal-interval-in-seconds": 1,
        "eureka.instance.lease-expiration-duration-in-seconds": 3,
        // Before the client first registers it reads its status and sets it anew (DiscoveryClient.refreshInstanceInfo), just as Spring sets
        // UP on another thread. Where UP comes in between it is lost, and the instance is STARTING for ever. So it is UP from the start.
        "eureka.instance.instance-enabled-onit": true,
        ...under("eureka.instance.metadata-map"),
      };
    case "nacos-2021":
    case "nacos-2025":
      return {
        "spring.cloud.nacos.discovery.server-addr": bare,
        "spring.cloud.nacos.discovery.ip": host,
        ...under("spring.cloud.nacos.discovery.metadata"),
      };
    case "zk-2021":
    case "zk-2025":
      return {
        "spring.cloud.zookeeper.connect-string": bare,
        "spring.cloud.zookeeper.discovery.instance-host": host,
        ...under("spring.cloud.zookeeper.discovery.metadata"),
      };
    default:
      return stack satisfies never;
  }
}

const READY_REQUEST = "GET /ready HTTP/1.1\r\nhost: spring\r\nconnection: close\r\n\r\n";
