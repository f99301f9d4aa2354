import { join } from "node:path";
import { builtPeer } from "./maven.ts";
import { hosts } from "./netns.ts";
import { type Peer, startProcess } from "./process.ts";

/** What differs from server to server. */
export interface EurekaOptions {
  readonly host?: string;
  readonly port?: number;
  /** Asked of every client by HTTP basic authentication. */
  readonly user?: { readonly name: string; readonly password: string };
  /** The `…/eureka/` addresses of servers that it replicates to. */
  readonly replicas?: readonly string[];
  /** Whether it keeps instances that do not renew when too many of them do not; off unless given. */
  readonly selfPreservation?: boolean;
  /** Most heap it may have, MiB; 256 unless told. */
  readonly heapMb?: number;
  /** Settings of Spring as name and value. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

/** One instance in the server's own words. */
export interface EurekaInstance {
  readonly instanceId: string;
  readonly hostName: string;
  readonly ipAddr: string;
  readonly status: string;
  readonly overriddenStatus: string;
  readonly port: { readonly $: number; readonly "@enabled": string };
  readonly leaseInfo: { readonly lastRenewalTimestamp: number };
  readonly metadata: Readonly<Record<string, string>>;
}

/** A real Eureka server: Spring Cloud Netflix 2025.0.0. */
export interface Eureka {
  readonly host: string;
  readonly port: number;
  /** As an application's `service-url` has it: http://host:port/eureka/, with the user where it asks for one. */
  readonly address: string;
  readonly peer: Peer;
  /** The instances of an application, whatever their status; empty where it is unknown. */
  instances(application: string): Promise<readonly EurekaInstance[]>;
  /** A request of its REST interface, `path` after `/eureka`. */
  ask(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: string }>;
  /** SIGKILL; what it knew is gone with it. */
  kill(): Promise<void>;
  /** Starts it again, empty. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server and waits until it serves. Its answers are at most 1 s old, instances expire 1 s after their lease. */
export async function startEureka(options: EurekaOptions = {}): Promise<Eureka> {
  const { host = hosts.registry, port = 8_761, user } = options;
  const base = `http://${host}:${port}/eureka`;
  const headers: Record<string, string> = { accept: "application/json" };
  if (user !== undefined) {
    headers["authorization"] = `Basic ${Buffer.from(`${user.name}:${user.password}`).toString("base64")}`;
  }
  const ask: Eureka["ask"] = async (method, path, body) => {
    const sent = body === undefined ? headers : { ...headers, "content-type": "application/json" };
    const text = body === undefined ? null : JSON.stringify(body);
    const answer = await fetch(base + path, { method, headers: sent, body: text, signal: AbortSignal.timeout(5_000) });
    return { status: answer.status, body: await answer.text() };
  };
  const serves = async (): Promise<boolean> => {
    try {
      return (await ask("GET", "/apps")).status === 200;
    } catch {
      return false;
    }
  };
  const start = (): Promise<Peer> =>
    startProcess({
      name: `eureka ${host}:${port}`,
      command: "java",
      args: serverArgs(host, port, options),
      ready: serves,
      deadlineMs: 90_000,
    });
  let peer = await start();
  return {
    host,
    port,
    address: `http://${user === undefined ? "" : `${user.name}:${user.password}@`}${host}:${port}/eureka/`,
    get peer() {
      return peer;
    },
    ask,
    async instances(application) {
      const { status, body } = await ask("GET", `/apps/${encodeURIComponent(application)}`);
      if (status === 404) return [];
      if (status !== 200) throw new Error(`eureka answered ${status}: ${body}`);
      return (JSON.parse(body) as { application: { instance: readonly EurekaInstance[] } }).application.instance;
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
    },
  };
}

function serverArgs(host: string, port: number, options: EurekaOptions): string[] {
  const { user, replicas = [], selfPreservation = false, settings = {} } = options;
  const dir = join(builtPeer("eureka"), "target");
  const all = {
    "server.address": host,
    "server.port": port,
    "spring.main.banner-mode": "off",
    "spring.jmx.enabled": false,
    "logging.level.root": "warn",
    "eureka.instance.hostname": host,
    "eureka.instance.instance-id": `${host}:eureka:${port}`,
    "eureka.client.register-with-eureka": false,
    "eureka.client.fetch-registry": false,
    // Without it the server names itself as its replica on port 8761.
    "eureka.client.service-url.defaultZone": replicas.join(",") || `http://${host}:${port}/eureka/`,
    "eureka.server.enable-self-preservation": selfPreservation,
    "eureka.server.eviction-interval-timer-in-ms": 1_000,
    "eureka.server.response-cache-update-interval-ms": 500,
    "eureka.server.use-read-only-response-cache": false,
    // What it works out while an instance registers may lack it, and is kept for 180 s unless told: a race of the server's own.
    "eureka.server.response-cache-auto-expiration-in-seconds": 1,
    "eureka.server.wait-time-in-ms-when-sync-empty": 0,
    ...(user === undefined
      ? { "spring.autoconfigure.exclude": SECURITY.join(",") }
      : {
          "peer.auth": true,
          "spring.security.user.name": user.name,
          "spring.security.user.password": user.password,
        }),
    ...settings,
  };
  return [
    ...[
      `-Xmx${options.heapMb ?? 256}m`,
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Xshare:auto",
      "-Djava.net.preferIPv4Stack=true",
    ],
    ...["-cp", `${dir}/classes:${dir}/dep/*`, "peer.Eureka"],
    ...Object.entries(all).map(([name, value]) => `--${name}=${value}`),
  ];
}

const SECURITY = [
  "autoconfigure.security.servlet.SecurityAutoConfiguration",
  "autoconfigure.security.servlet.UserDetailsServiceAutoConfiguration",
  "autoconfigure.security.servlet.SecurityFilterAutoConfiguration",
  "actuate.autoconfigure.security.servlet.ManagementWebSecurityAutoConfiguration",
].map((name) => `org.springframework.boot.${name}`);
