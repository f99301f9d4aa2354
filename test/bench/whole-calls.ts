/**
 * What a call costs from a consumer of Dubbo Java to a provider, the two proxies between them and both applications together, with mutual TLS
 * between the proxies and in plain text: two providers behind one proxy, of which one is listed as taking mutual TLS, are called by turns
 * by the same consumer. Runs in the network namespace of the tests with real peers, prints rows as JSON. Argument: rounds.
 *
 *   consumer 2.7 -> up at 10.77.0.5 -> inbound listeners of up at 10.77.0.6 -> providers 2.7 at 10.77.0.2 and .3
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { startAuthority, startConfigured } from "../support/mtls-ups.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
import { startZooKeeper } from "../support/zookeeper.ts";
import type { WholeCallsRow } from "./whole-calls-numbers.ts";

const rounds = Number(process.argv[2]);
const PORT = 20_880;
const THREADS = 16;
const SLICE_MS = 4_000;
/** Until both JVMs have compiled what calls go through. */
const WARM_MS = 20_000;
/** A kernel's tick, which process times are counted in. */
const TICK_US = 10_000;
const WAYS = { mtls: "m", plain: "p" } as const;
const ATTACHMENTS = { "an order": {}, "an order and 4 KB": { note: "0123456789abcdef".repeat(256) } } as const;
/** As applications run: peers of tests stop at the JVM's first compiler. */
const COMPILED = ["-XX:TieredStopAtLevel=4"];

function cpuUs(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, one) => sum + one, 0) * TICK_US;
}

/** Starts both proxies, both providers and the consumer. */
async function start() {
  const authority = await startAuthority();
  const zookeeper = await startZooKeeper(hosts.registry);
  const ca = { certificates: authority.folder };
  const inbound = [hosts.provider1, hosts.provider2].map((host, i) => ({
    listen: `${hosts.relay}:${PORT + i}`,
    to: `${host}:${PORT + i}`,
  }));
  const [callers, callees] = await Promise.all([
    startConfigured({ ca, proxy: { serviceAccount: "shop" } }, { registry: zookeeper.address }),
    startConfigured(
      { ca, proxy: { serviceAccount: "orders", inbound } },
      { facade: "", host: hosts.relay, extra: ["--proxy-port", "20980"] },
    ),
  ]);
  const register = (group: string, host: string, port: number, params = {}) =>
    startProvider(
      "2.7",
      { group, version: "1.0.0", registry: zookeeper.address, host, port, label: group, warmup: 1, params },
      hosts.relay,
      { properties: COMPILED },
    );
  const providers = [
    await register(WAYS.mtls, hosts.provider1, PORT, { "security.istio.io/tlsMode": "istio" }),
    await register(WAYS.plain, hosts.provider2, PORT + 1),
  ];
  const options = { version: "1.0.0", registry: callers.trestle.registry, payload: 8_388_608 };
  const consumer = await startConsumer("2.7", { ...options, group: WAYS.mtls }, COMPILED);
  await consumer.refer(WAYS.plain, { ...options, group: WAYS.plain });
  return {
    consumer,
    callees,
    applications: [consumer.peer.pid, ...providers.map(({ pid }) => pid)],
    proxies: [callers, callees].flatMap(({ trestle }) => [trestle.peer.pid, ...trestle.workers()]),
  };
}

/** Calls one of the providers for so long by as many threads; resolves to how many calls there were. */
async function calls(consumer: Consumer, way: keyof typeof WAYS, attach: Readonly<Record<string, string>>, ms: number) {
  const ref = way === "plain" ? { ref: WAYS.plain } : {};
  const loop = await consumer.loop({ methods: "createOrder", threads: THREADS, attach, ...ref });
  await sleep(ms);
  const { calls: made, failed, errors } = await loop.stop();
  if (failed > 0) throw new Error(`${failed} of ${made} calls failed: ${errors[0]?.error}`);
  return made;
}

async function measure(): Promise<readonly WholeCallsRow[]> {
  const { consumer, callees, applications, proxies } = await start();
  const rows = Object.entries(ATTACHMENTS).flatMap(([what, attach]) =>
    (["plain", "mtls"] as const).map((way) => ({
      what,
      attach,
      way,
      applicationsUs: [] as number[],
      proxiesUs: [] as number[],
    })),
  );
  for (const { way, attach } of rows) await calls(consumer, way, attach, WARM_MS / rows.length);
  const handshakes = await callees.metric("trestle_proxy_tls_handshakes");
  if (handshakes === 0) throw new Error("nothing went by mutual TLS");
  for (let round = 0; round < rounds; round++) {
    for (const row of rows) {
      const before = [cpuUs(applications), cpuUs(proxies)] as const;
      const made = await calls(consumer, row.way, row.attach, SLICE_MS);
      row.applicationsUs.push((cpuUs(applications) - before[0]) / made);
      row.proxiesUs.push((cpuUs(proxies) - before[1]) / made);
    }
  }
  if ((await callees.metric("trestle_proxy_tls_handshakes")) !== handshakes)
    throw new Error("connections were not warm");
  return rows.map(({ attach: _, ...row }) => row);
}

requireNamespace();
try {
  process.stdout.write(JSON.stringify(await measure()));
} finally {
  await stopAll();
}
