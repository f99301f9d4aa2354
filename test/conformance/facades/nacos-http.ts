import { createSocket } from "node:dgram";
import { gunzipSync } from "node:zlib";
import type { Address } from "../sources/registry.ts";
import { type FacadeUser, LONG_LEASE_MS, RENEW_MS, type Registered, repeat, Told } from "./users.ts";

interface ListedHost {
  readonly ip: string;
  readonly port: number;
  readonly enabled: boolean;
  readonly healthy: boolean;
}

/** For as long as pushes are wanted the list is asked for again, ms. */
const ASK_AGAIN_MS = 8_000;
/** Servers push to clients of whose name they know that they take pushes. */
const AGENT = "Nacos-Java-Client:v1.4.2";

/**
 * Beats and registrations as requests; what is told are pushes over UDP, and answers when it asks again: what such an answer has already is
 * not pushed (the server gathers for half a second before it pushes). In v2 a 2.3.2 pushes nothing: it is asked more often.
 */
export function createNacosHttpUser({ host, port }: Address, version: "v1" | "v2"): FacadeUser {
  const following = new Map<string, Told>();
  const ask = async (method: string, path: string, query: Readonly<Record<string, string>>) => {
    // Nobody beats by v2.
    const api = path === "/beat" ? "v1" : version;
    const url = `http://${host}:${port}/nacos/${api}/ns/instance${path}?${new URLSearchParams(query)}`;
    const headers = { "user-agent": AGENT, "client-version": AGENT };
    const { status, text } = await fetch(url, { method, headers, signal: AbortSignal.timeout(15_000) })
      .then(async (answer) => ({ status: answer.status, text: await answer.text() }))
      .catch((error: unknown) => ({ status: 0, text: String(error) }));
    if (status !== 200) throw new Error(`${method} ${url}: ${status} ${text.slice(0, 200)}`);
    return text;
  };
  const list = async (service: string, more: Readonly<Record<string, string>> = {}) => {
    const answer = JSON.parse(await ask("GET", "/list", { serviceName: service, ...more })) as Record<string, unknown>;
    return hostsOf(version === "v1" ? answer : answer["data"]);
  };
  const socket = createSocket("udp4");
  socket.on("message", (bytes, { address, port: from }) => {
    const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString();
    const push = JSON.parse(text) as { data: string; lastRefTime: number };
    const info = JSON.parse(push.data) as { name: string };
    following.get(info.name.replace(/^.*@@/, ""))?.say(hostsOf(info));
    socket.send(JSON.stringify({ type: "push-ack", lastRefTime: String(push.lastRefTime), data: "" }), from, address);
  });
  const listening = new Promise<void>((resolve) => socket.bind(0, () => resolve()));
  const pushes = (): Record<string, string> =>
    version === "v2" ? {} : { udpPort: String(socket.address().port), clientIP: "127.0.0.1" };
  const own = new Map<string, readonly [string, Registered, boolean, number]>();
  const register = (service: string, instance: Registered, enabled: boolean, leaseMs: number) =>
    ask("POST", "", { ...queryOf(service, instance, leaseMs), enabled: String(enabled) });
  const repeats = [
    repeat(RENEW_MS, async () => {
      for (const [key, [service, instance, enabled, leaseMs]] of own) {
        const answer = JSON.parse(await ask("PUT", "/beat", beatOf(service, instance))) as { code: number };
        // 20404: it knows nothing of the instance.
        if (answer.code === 20_404 && own.has(key)) await register(service, instance, enabled, leaseMs);
      }
    }),
    repeat(version === "v1" ? ASK_AGAIN_MS : RENEW_MS, async () => {
      for (const [service, told] of following) told.say(await list(service, pushes()));
    }),
  ];
  const keyOf = (service: string, instance: Registered) => `${service} ${instance.host}:${instance.port}`;
  const put = async (service: string, instance: Registered, enabled: boolean, leaseMs: number) => {
    await register(service, instance, enabled, leaseMs);
    own.set(keyOf(service, instance), [service, instance, enabled, leaseMs]);
  };
  return {
    list: async (service) => [...(await list(service))].sort(),
    async follow(service) {
      await listening;
      const told = new Told();
      following.set(service, told);
      told.say(await list(service, pushes()));
      return told;
    },
    register: (service, instance, leaseMs = LONG_LEASE_MS) => put(service, instance, true, leaseMs),
    setUp: (service, instance, isUp) => put(service, instance, isUp, LONG_LEASE_MS),
    async cancel(service, instance) {
      own.delete(keyOf(service, instance));
      await ask("DELETE", "", queryOf(service, instance, LONG_LEASE_MS));
    },
    async close() {
      for (const one of repeats) one.stop();
      await listening;
      socket.close();
    },
  };
}

function queryOf(service: string, { host, port }: Registered, leaseMs: number) {
  const metadata = {
    "preserved.heart.beat.interval": RENEW_MS,
    "preserved.heart.beat.timeout": leaseMs,
    "preserved.ip.delete.timeout": leaseMs,
  };
  return {
    ...{ serviceName: service, ip: host, port: String(port), weight: "1", ephemeral: "true" },
    metadata: JSON.stringify(metadata),
  };
}

function beatOf(service: string, { host, port }: Registered) {
  return { serviceName: service, ip: host, port: String(port), clusterName: "DEFAULT" };
}

function hostsOf(info: unknown): readonly string[] {
  const { hosts } = info as { hosts: readonly ListedHost[] };
  return hosts.filter(({ enabled, healthy }) => enabled && healthy).map(({ ip, port }) => `${ip}:${port}`);
}
