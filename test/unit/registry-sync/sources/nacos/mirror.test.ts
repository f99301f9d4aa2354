import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { TransientError } from "../../../../../src/base/errors.ts";
import { NamingMirror, type NamingServer } from "../../../../../src/registry-sync/sources/nacos/mirror.ts";
import { settle } from "../../../../support/fake-nacos.ts";
import { nacosHost } from "../../../../support/fake-nacos-grpc.ts";

/** A server in memory; `ports` of each service. */
class Server implements NamingServer {
  pushes = true;
  isOpen = true;
  timeMs = 1;
  readonly services = new Map<string, number[]>();
  /** Names that are listed; all unless told. */
  listed: readonly string[] | undefined;
  count: number | undefined;
  readonly asked: string[] = [];
  readonly failing = new Set<string>();

  async list(group: string, pageNo: number, pageSize: number) {
    this.asked.push(`list ${group} ${pageNo}`);
    if (this.failing.has("list")) throw new TransientError("no list");
    const names = this.listed ?? [...this.services.keys()];
    return { count: this.count ?? names.length, names: names.slice((pageNo - 1) * pageSize, pageNo * pageSize) };
  }

  /** Of services that have one of their own. */
  readonly holders = new Map<string, object>();

  holderOf(_: string, name: string) {
    return this.holders.get(name) ?? this;
  }

  async read(group: string, name: string) {
    this.asked.push(`read ${name}`);
    if (this.failing.has(name)) throw new TransientError(`no ${name}`);
    return this.info(name, group);
  }

  forget(_: string, name: string) {
    this.asked.push(`forget ${name}`);
  }

  info(name: string, groupName = "DEFAULT_GROUP", lastRefTime = ++this.timeMs) {
    const hosts = (this.services.get(name) ?? []).map((port) => nacosHost("a", port));
    return { name, groupName, lastRefTime, hosts };
  }
}

function mirroring(groups: readonly string[] = ["DEFAULT_GROUP"], maxServices = 100) {
  const clock = new ManualClock();
  const server = new Server();
  const told: string[] = [];
  const mirror = new NamingMirror({
    ...{ groups, clusters: [], limits: { maxServices, maxInstances: 1_000 }, clock },
    onService: (key, info) => void told.push(`${key.split("@@")[1]}=${info?.hosts.map(({ port }) => port) ?? "gone"}`),
    onRound: () => void told.push("round"),
  });
  const ending = new AbortController();
  const runs: Promise<void>[] = [];
  const run = (from: NamingServer = server) => {
    const running = mirror.run(from, ending.signal);
    runs.push(running.catch(() => {}));
    return running;
  };
  onTestFinished(async () => {
    ending.abort();
    clock.advance(60_000);
    await Promise.all(runs);
  });
  const round = async (ms = 1_000) => {
    clock.advance(ms);
    await settle();
  };
  return { server, mirror, run, round, take: () => told.splice(0), asked: () => server.asked.splice(0) };
}

test("all names are listed and read once; then names alone are asked for, and pushes say what changed", async () => {
  const { server, mirror, run, round, take, asked } = mirroring();
  server.services.set("x", [1]).set("y", []);
  void run();
  await settle();
  expect([asked(), take(), mirror.isRead]).toEqual([
    ["list DEFAULT_GROUP 1", "read x", "read y"],
    ["x=1", "y=", "round"],
    true,
  ]);
  server.services.set("y", [2, 3]);
  mirror.push(server.info("y"));
  mirror.push(server.info("unknown"));
  mirror.push("rubbish");
  expect(take()).toEqual(["y=2,3"]);
  server.services.set("z", [4]);
  await round();
  expect([asked(), take()]).toEqual([
    ["list DEFAULT_GROUP 1", "read z"],
    ["z=4", "round"],
  ]);
});

test("a service that is read from elsewhere than before is read again, once, and no other is", async () => {
  const { server, run, round, asked } = mirroring();
  server.services.set("x", [1]).set("y", [2]);
  void run();
  await round(0);
  asked();
  server.holders.set("y", {});
  await round();
  expect(asked()).toEqual(["list DEFAULT_GROUP 1", "read y"]);
  await round();
  expect(asked()).toEqual(["list DEFAULT_GROUP 1"]);
});

test("a server that does not push is read again and again", async () => {
  const { server, run, round, take, asked } = mirroring();
  server.pushes = false;
  server.services.set("x", [1]);
  void run();
  await settle();
  server.services.set("x", [2]);
  asked();
  await round(2_000);
  expect([asked(), take()]).toEqual([
    ["list DEFAULT_GROUP 1", "read x"],
    ["x=1", "round", "x=2", "round"],
  ]);
});

test("names come in pages, of several groups", async () => {
  const { server, run, take, asked } = mirroring(["G1", "G2"], 10_000);
  for (let i = 0; i < 2_500; i++) server.services.set(`s${i}`, []);
  void run();
  await settle();
  const lists = asked().filter((one) => one.startsWith("list"));
  expect(lists).toEqual(["list G1 1", "list G1 2", "list G2 1", "list G2 2"]);
  expect(new Set(take()).size).toBe(2_501);
});

test("a server that gives the same page for ever is not asked for ever", async () => {
  const { server, run, asked } = mirroring();
  server.count = 1_000_000;
  server.list = async (_group, pageNo) => {
    server.asked.push(`list ${pageNo}`);
    return { count: 1_000_000, names: ["x"] };
  };
  void run();
  await settle();
  expect(asked()).toEqual(["list 1", "list 2", "read x"]);
});

test("of more services than the limit the rest is counted, not read", async () => {
  const { server, mirror, run, asked } = mirroring(["G1"], 2);
  for (const name of ["a", "b", "c", "d"]) server.services.set(name, []);
  void run();
  await settle();
  expect(asked().filter((one) => one.startsWith("read"))).toHaveLength(2);
  expect(mirror.faults.overServices).toBe(2);
});

test("a name that is missing twice is gone, but not while its service has instances", async () => {
  const { server, run, round, take, asked } = mirroring();
  server.services.set("x", [1]).set("y", []);
  void run();
  await settle();
  take();
  server.listed = [];
  await round();
  expect(take()).toEqual(["round"]);
  asked();
  await round();
  expect([asked(), take()]).toEqual([
    ["list DEFAULT_GROUP 1", "forget y", "read x"],
    ["y=gone", "round"],
  ]);
  server.services.set("x", []);
  await round();
  await round();
  expect(take()).toEqual(["x=", "round", "x=gone", "round"]);
});

test("a list that lacks names which it counts takes nothing away", async () => {
  const { server, run, round, take } = mirroring();
  server.services.set("x", []).set("y", []);
  void run();
  await settle();
  take();
  server.listed = ["x"];
  server.count = 2;
  await round();
  await round();
  await round();
  expect(take()).toEqual(["round", "round", "round"]);
});

test("what could not be read is tried again, and holds the others up three times at most", async () => {
  const { server, mirror, run, round, take } = mirroring();
  server.services.set("x", [1]).set("y", [2]);
  server.failing.add("y");
  void run();
  await settle();
  expect([take(), mirror.isRead]).toEqual([["x=1"], false]);
  await round();
  await round();
  expect([take(), mirror.isRead, mirror.faults]).toMatchObject([["round"], true, { refused: 1, reason: "no y" }]);
  server.failing.clear();
  await round();
  expect([take(), mirror.faults.refused]).toEqual([["y=2", "round"], 0]);
});

test("an answer about another service is none", async () => {
  const { server, mirror, run } = mirroring();
  server.services.set("x", [1]);
  server.read = async () => server.info("other");
  void run();
  await settle();
  expect(mirror.isRead).toBe(false);
});

test("a push that is older than what is known has the service read again", async () => {
  const { server, mirror, run, round, take, asked } = mirroring();
  server.services.set("x", [1]);
  void run();
  await settle();
  take();
  asked();
  mirror.push({ ...server.info("x"), lastRefTime: 1, hosts: [] });
  expect(take()).toEqual([]);
  await round();
  expect(asked()).toEqual(["list DEFAULT_GROUP 1", "read x"]);
});

test("a list that is refused rejects, and what was known stands when another server answers", async () => {
  const { server, run, take } = mirroring();
  server.services.set("x", [1]).set("y", [2]);
  void run();
  await settle();
  take();
  server.isOpen = false;
  const other = new Server();
  other.failing.add("list");
  await expect(run(other)).rejects.toThrow("no list");
  other.failing.clear();
  other.services.set("x", [1]).set("y", [2, 3]);
  void run(other);
  await settle();
  expect(take()).toEqual(["y=2,3", "round"]);
});

test("on a new connection lists do not shrink for 6 s: clients register again only then", async () => {
  const { server, run, round, take, mirror } = mirroring();
  server.services.set("x", [1]).set("y", [2]).set("z", [3]);
  void run();
  await settle();
  take();
  server.isOpen = false;
  const anew = new Server();
  anew.services.set("x", []).set("y", [4]);
  void run(anew);
  await settle();
  expect(take()).toEqual(["y=4,2", "round"]);
  anew.services.set("x", [1]);
  mirror.push(anew.info("x"));
  for (let second = 1; second < 6; second++) await round();
  expect(take().filter((told) => told !== "round")).toEqual([]);
  await round();
  await round();
  await round();
  expect(take().filter((told) => told !== "round")).toEqual(["y=4", "z=", "z=gone"]);
});

test("lists do not shrink for 6 s where a further connection stands anew, but before all was read they may", async () => {
  const { server, run, round, take, mirror } = mirroring();
  server.services.set("x", [1, 2]);
  mirror.renewed();
  void run();
  await settle();
  take();
  server.services.set("x", [1]);
  mirror.push(server.info("x"));
  expect(take()).toEqual(["x=1"]);
  mirror.renewed();
  server.services.set("x", []);
  mirror.push(server.info("x"));
  for (let second = 1; second < 6; second++) await round();
  expect(take().filter((told) => told !== "round")).toEqual([]);
  await round();
  await round();
  expect(take().filter((told) => told !== "round")).toEqual(["x="]);
});

test("connections that follow each other closely keep what is gone for half a minute, not for ever", async () => {
  const { server, run, round, take } = mirroring();
  server.services.set("x", [1, 2]);
  void run();
  await settle();
  take();
  let last = server;
  const others: string[] = [];
  const anew = async () => {
    last.isOpen = false;
    last = new Server();
    last.services.set("x", [1]);
    void run(last);
    await settle();
    for (let second = 0; second < 4; second++) await round();
    others.push(...take().filter((told) => told !== "round"));
  };
  for (let i = 0; i < 7; i++) await anew();
  expect(others).toEqual([]);
  for (let i = 0; i < 2; i++) await anew();
  expect(others).toEqual(["x=1"]);
});

test("a server that is of no use any more is let go", async () => {
  const { server, run, round } = mirroring();
  const running = run();
  await settle();
  server.isOpen = false;
  await round();
  await expect(running).resolves.toBeUndefined();
});

test("after a push that cannot be read all services are read again, at most each half minute", async () => {
  const { server, mirror, run, round, take, asked } = mirroring();
  server.services.set("x", [1]).set("y", [2]);
  void run();
  await settle();
  take();
  asked();
  const reads = () => asked().filter((one) => one.startsWith("read"));
  server.services.set("x", [3]);
  mirror.doubt();
  await round();
  expect([take(), reads()]).toEqual([
    ["x=3", "round"],
    ["read x", "read y"],
  ]);
  mirror.doubt();
  for (let i = 0; i < 28; i++) await round();
  expect(reads()).toEqual([]);
  await round();
  await round();
  expect(reads()).toEqual(["read x", "read y"]);
});
