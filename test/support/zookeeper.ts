import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hosts } from "./netns.ts";
import { type Peer, probeText, startProcess } from "./process.ts";
import { sharedClasses } from "./shared-classes.ts";

/** Debian's ZooKeeper 3.8, standalone, on an address of the test network. */
export interface ZooKeeper {
  readonly host: string;
  readonly port: number;
  /** As an application's registry address: zookeeper://host:port */
  readonly address: string;
  readonly peer: Peer;
  /** Ends the server and keeps its data. */
  kill(): Promise<void>;
  /** Starts it again on the same data; sessions live on if their time-out has not passed. */
  restart(): Promise<void>;
  /** A four-letter word's answer. */
  word(word: string): Promise<string>;
  stop(): Promise<void>;
}

/** What differs from server to server. */
export interface ZooKeeperOptions {
  /** Nodes with a time to live, which a server as it is installed refuses. */
  readonly extendedTypes?: boolean;
  /** How often empty containers and nodes whose time is over are looked for; ZooKeeper's own default unless given. */
  readonly expiryCheckMs?: number;
  /** Connections that one address may have; 0 for any number, as it is unless given. */
  readonly maxClientCnxns?: number;
  /** Its Java heap; 128 unless given. */
  readonly heapMb?: number;
}

/** Its jars, as a class path has them. */
export const zookeeperJars = ["zookeeper", "slf4j-log4j12", "log4j-1.2"]
  .map((jar) => `/usr/share/java/${jar}.jar`)
  .join(":");

/** Starts a server and waits until it serves. A tick of 500 ms lets sessions expire in 1 to 10 s. */
export async function startZooKeeper(
  host: string = hosts.registry,
  port = 2181,
  { extendedTypes = true, expiryCheckMs = 60_000, maxClientCnxns = 0, heapMb = 128 }: ZooKeeperOptions = {},
): Promise<ZooKeeper> {
  const dir = await mkdtemp(join(tmpdir(), "trestle-zk-"));
  const config = [
    "tickTime=500",
    "initLimit=10",
    "syncLimit=5",
    `dataDir=${dir}`,
    `clientPortAddress=${host}`,
    `clientPort=${port}`,
    `maxClientCnxns=${maxClientCnxns}`,
    "admin.enableServer=false",
    "4lw.commands.whitelist=*",
    `extendedTypesEnabled=${extendedTypes}`,
  ];
  await writeFile(join(dir, "zoo.cfg"), config.join("\n") + "\n");
  const start = (): Promise<Peer> =>
    startProcess({
      name: "zookeeper",
      command: "java",
      args: [
        `-Xmx${heapMb}m`,
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        ...sharedClasses(zookeeperJars),
        "-cp",
        `${zookeeperJars}:/etc/zookeeper/conf`,
        "-Dzookeeper.root.logger=INFO,CONSOLE",
        `-Dzookeeper.log.dir=${dir}`,
        `-Dzookeeper.extendedTypesEnabled=${extendedTypes}`,
        `-Dznode.container.checkIntervalMs=${expiryCheckMs}`,
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        join(dir, "zoo.cfg"),
      ],
      // `ruok` says imok before sessions are taken; `srvr` names the mode only when it serves.
      ready: async () => (await probeText(host, port, "srvr")).includes("Mode:"),
      deadlineMs: 30_000,
    });
  let peer = await start();
  return {
    host,
    port,
    address: `zookeeper://${host}:${port}`,
    get peer() {
      return peer;
    },
    async kill() {
      await peer.kill();
    },
    async restart() {
      await peer.kill();
      peer = await start();
    },
    word: (word) => probeText(host, port, word),
    async stop() {
      await peer.stop(3_000);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
