import type { FourLetterWord } from "../../codecs/zookeeper/frame.ts";
import type { Registry } from "./registry.ts";

/**
 * Answers to four-letter words, in the words of a standalone ZooKeeper 3.8, so that probes and monitors written for it work.
 * Words that would need its files or its machine (`hash`, `gtmk`, `stmk`) get an empty answer.
 */

/** What a server is beside its data. */
export interface WordContext {
  readonly registry: Registry;
  readonly port: number;
  readonly tickMs: number;
  readonly connections: number;
  readonly startedMs: number;
  readonly nowMs: number;
}

/** The first line of `srvr`; monitors take the version from it. */
const VERSION = "3.8.0-trestle-embedded, built on 2022-02-25 08:49 UTC";

/** The text to answer with, before closing. */
export function answerWord(word: FourLetterWord, context: WordContext): string {
  const { registry } = context;
  switch (word) {
    case "ruok":
      return "imok";
    case "isro":
      return "rw";
    case "srvr":
      return `Zookeeper version: ${VERSION}\n${serverLines(context)}`;
    case "stat":
      return `Zookeeper version: ${VERSION}\nClients:\n${clientLines(registry)}\n${serverLines(context)}`;
    case "cons":
      return `${clientLines(registry)}\n`;
    case "mntr":
      return monitorLines(context);
    case "conf":
      return lines([
        `clientPort=${context.port}`,
        "secureClientPort=-1",
        `tickTime=${context.tickMs}`,
        "maxClientCnxns=0",
        `minSessionTimeout=${registry.limits.minTimeoutMs}`,
        `maxSessionTimeout=${registry.limits.maxTimeoutMs}`,
        "clientPortListenBacklog=-1",
        "serverId=0",
      ]);
    case "envi":
      return lines(["Environment:", `zookeeper.version=${VERSION}`]);
    case "dirs":
      return lines(["datadir_size: 0", "logdir_size: 0"]);
    case "dump":
      return dumpLines(registry);
    case "wchs": {
      const paths = registry.watches.byPath();
      const watchers = new Set([...paths.values()].flatMap((peers) => [...peers]));
      return lines([
        `${watchers.size} connections watching ${paths.size} paths`,
        `Total watches:${registry.watches.count}`,
      ]);
    }
    case "wchp":
      return `${lines([...registry.watches.byPath()].flatMap(([path, peers]) => [path, ...idLines(registry, peers)]))}\n`;
    case "wchc":
      return `${lines(watchesByConnection(registry))}\n`;
    case "crst":
      return "Connection stats reset.\n";
    case "srst":
      return "Server stats reset.\n";
    case "gtmk":
    case "stmk":
    case "hash":
      return "";
    default:
      return word satisfies never;
  }
}

function serverLines({ registry, connections }: WordContext): string {
  return lines([
    "Latency min/avg/max: 0/0.0/0",
    `Received: ${registry.traffic.received}`,
    `Sent: ${registry.traffic.sent}`,
    `Connections: ${connections}`,
    "Outstanding: 0",
    `Zxid: 0x${registry.zxid.toString(16)}`,
    "Mode: standalone",
    `Node count: ${registry.tree.nodeCount}`,
  ]);
}

function monitorLines({ registry, connections, startedMs, nowMs }: WordContext): string {
  const values = {
    zk_version: VERSION,
    zk_server_state: "standalone",
    zk_ephemerals_count: registry.tree.ephemeralCount,
    zk_num_alive_connections: connections,
    zk_avg_latency: "0.0",
    zk_min_latency: 0,
    zk_max_latency: 0,
    zk_outstanding_requests: 0,
    zk_znode_count: registry.tree.nodeCount,
    zk_global_sessions: registry.sessions.count,
    zk_local_sessions: 0,
    zk_packets_sent: registry.traffic.sent,
    zk_packets_received: registry.traffic.received,
    zk_watch_count: registry.watches.count,
    zk_approximate_data_size: registry.tree.bytes,
    zk_uptime: nowMs - startedMs,
  };
  return lines(Object.entries(values).map(([name, value]) => `${name}\t${value}`));
}

function clientLines(registry: Registry): string {
  return lines([...registry.attached()].map(([peer]) => ` /${peer.address}[1](queued=0,recved=0,sent=0)`));
}

function dumpLines(registry: Registry): string {
  const owners = registry.tree.ephemeralOwners();
  return lines([
    "SessionTracker dump:",
    `Session Sets (1)/(${registry.sessions.count}):`,
    ...[...registry.sessions.all()].map(({ id }) => `\t${hex(id)}`),
    "ephemeral nodes dump:",
    `Sessions with Ephemerals (${owners.length}):`,
    ...owners.flatMap((id) => [`${hex(id)}:`, ...registry.tree.ephemeralsOf(id).map((path) => `\t${path}`)]),
  ]);
}

function watchesByConnection(registry: Registry): string[] {
  const paths = [...registry.watches.byPath()];
  return [...registry.attached()].flatMap(([peer, session]) => {
    const watched = paths.filter(([, peers]) => peers.has(peer)).map(([path]) => `\t${path}`);
    return watched.length === 0 ? [] : [hex(session), ...watched];
  });
}

function idLines(registry: Registry, peers: ReadonlySet<unknown>): string[] {
  return [...registry.attached()].filter(([peer]) => peers.has(peer)).map(([, session]) => `\t${hex(session)}`);
}

function hex(id: bigint): string {
  return `0x${id.toString(16)}`;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}
