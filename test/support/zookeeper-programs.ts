import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import zookeeper from "node-zookeeper-client";
import type { ServerUnderTest } from "./zookeeper-transcript.ts";

/** Unmodified clients, each doing what it can; they return what they were told, without what differs from run to run. */

/** kazoo (Debian's python3-kazoo). */
export async function kazooClient({ host, port }: ServerUnderTest): Promise<string[]> {
  const script = fileURLToPath(new URL("zookeeper-kazoo.py", import.meta.url));
  return (await run("/usr/bin/python3", [script, `${host}:${port}`], "")).split("\n");
}

const jars = ["zookeeper", "zookeeper-jute", "slf4j-log4j12", "log4j-1.2", "commons-cli", "jline2"]
  .map((jar) => `/usr/share/java/${jar}.jar`)
  .join(":");

const javaCommands = `create /j one
create /j again
create -e /j/e x
create -c /j/c
create -s /j/s- x
create -t 1000 /j/ttl x
get /j
ls /j
addWatch -m PERSISTENT /j
addWatch -m PERSISTENT_RECURSIVE /j/s-0000000002
set /j two
set -v 7 /j three
getEphemerals /j
getAllChildrenNumber /j
addauth digest bob:secret
whoami
create /j/mine x auth::cdrwa
getAcl /j/mine
setAcl /j/mine world:anyone:r
set /j/mine no
sync /j
removewatches /j
config
reconfig -remove 1
delete /j/nope
deleteall /j
quit
`;

/** The Java client of ZooKeeper 3.8 (Debian's zkCli). */
export async function javaClient({ host, port }: ServerUnderTest): Promise<string[]> {
  const options = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.root.logger=OFF,CONSOLE"];
  const main = "org.apache.zookeeper.ZooKeeperMain";
  const text = await run(
    "java",
    [...options, "-cp", `/etc/zookeeper/conf:${jars}`, main, "-server", `${host}:${port}`],
    javaCommands,
  );
  return (
    text
      .split("\n")
      // Whether it still says that its session was closed, is chance: it ends itself at the same time.
      .filter((line) => line !== "WATCHER::" && !line.startsWith("WatchedEvent state:Closed"))
      .filter((line) => line !== "" && !/^(Connecting|Welcome|JLine|\[zk|log4j|SLF4J|\d{4}-)/.test(line))
      .map((line) => (line.startsWith("[") ? line.slice(1, -1).split(", ").sort().join(", ") : line))
      .sort()
  );
}

/** npm's node-zookeeper-client, which speaks the 3.4 set. */
export async function nodeClient({ host, port }: ServerUnderTest): Promise<string[]> {
  const client = zookeeper.createClient(`${host}:${port}`, { sessionTimeout: 8000, retries: 0 });
  const lines: string[] = [];
  await new Promise<void>((resolve) => {
    client.once("connected", resolve);
    client.connect();
  });
  const step = (name: string, call: (done: (error: { name: string } | null, value?: unknown) => void) => void) =>
    new Promise<void>((resolve) => {
      call((error, value) => {
        const told = Buffer.isBuffer(value)
          ? value.toString()
          : Array.isArray(value)
            ? [...value].sort().join()
            : value;
        const text = typeof told === "object" && told !== null ? "stat" : String(told);
        lines.push(`${name}: ${error === null ? text : error.name}`);
        resolve();
      });
    });
  const watch = (event: { getName(): string; getPath(): string }) =>
    lines.push(`told ${event.getName()} ${event.getPath()}`);
  await step("create", (done) => client.create("/node", Buffer.from("one"), 0, done));
  await step("create again", (done) => client.create("/node", Buffer.from("one"), 0, done));
  await step("mkdirp", (done) => client.mkdirp("/node/a/b", done));
  await step("ephemeral", (done) => client.create("/node/e", null, 1, done));
  await step("children", (done) => client.getChildren("/node", watch, done));
  await step("sequential", (done) => client.create("/node/s-", null, 2, done));
  await step("get", (done) => client.getData("/node", done));
  await step("set", (done) => client.setData("/node", Buffer.from("two"), done));
  await step("get again", (done) => client.getData("/node", done));
  await step("exists", (done) => client.exists("/node/a", done));
  await step("missing", (done) => client.exists("/node/nope", done));
  await step("not empty", (done) => client.remove("/node", done));
  await step("child of ephemeral", (done) => client.create("/node/e/x", null, 0, done));
  for (const path of ["/node/a/b", "/node/a", "/node/e", "/node/s-0000000002", "/node"]) {
    await step(`remove ${path}`, (done) => client.remove(path, done));
  }
  client.close();
  return lines;
}

function run(command: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(out + err);
      else reject(new Error(`${command} ended with ${code}: ${(out + err).slice(-2000)}`));
    });
    child.stdin.end(input);
  });
}
