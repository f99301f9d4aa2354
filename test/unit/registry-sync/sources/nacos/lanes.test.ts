import { expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { TransientError } from "../../../../../src/base/errors.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import { failure, type NacosMessage, success } from "../../../../../src/codecs/nacos/messages.ts";
import { spreadNaming } from "../../../../../src/registry-sync/sources/nacos/lanes.ts";
import type { NacosConnection } from "../../../../../src/registry-sync/sources/nacos/session.ts";
import { settle } from "../../../../support/fake-nacos.ts";
import { FakeNacosGrpc, nacosHost } from "../../../../support/fake-nacos-grpc.ts";

/** A main connection made by hand, and further ones to a server of its own. */
function spread(services: number) {
  const clock = new ManualClock();
  const further = new FakeNacosGrpc();
  const asked: string[] = [];
  const pushed: NacosMessage[] = [];
  const renewed: string[] = [];
  const main = {
    server: "a:8848",
    isOpen: true as boolean,
    async request({ type, body }: NacosMessage) {
      asked.push(`${type} ${body["serviceName"]} ${body["groupName"]} ${body["namespace"]} ${body["subscribe"] ?? ""}`);
      if (type === "ServiceListRequest") return success("", { count: services, serviceNames: ["x"] }).body;
      if (body["subscribe"] === false) throw new TransientError("lost");
      return success("", { serviceInfo: { name: body["serviceName"] } }).body;
    },
  } satisfies NacosConnection;
  const naming = spreadNaming(main, {
    ...{ namespace: "dev", labels: {}, openTransport: further.open, clock, log: silentLogger },
    token: async () => undefined,
    onDenied() {},
    onService: (message) => void pushed.push(message),
    onRenewed: () => void renewed.push("renewed"),
  });
  onTestFinished(async () => {
    const closed = naming.close();
    clock.advance(60_000);
    await closed;
  });
  const names = Array.from({ length: 64 }, (_, i) => `service${i}`);
  const take = () => [asked.splice(0), further.asked.splice(0)] as const;
  /** Answers as time passes: sessions are set up. */
  const during = async <T>(promise: Promise<T>): Promise<T> => {
    await settle();
    clock.advance(50);
    await settle();
    clock.advance(3_000);
    return await promise;
  };
  return { clock, further, main, naming, names, pushed, renewed, take, during };
}

test("what is read of few services is subscribed to over the one connection, until it is forgotten", async () => {
  const { naming, main, further, take } = spread(31);
  expect([naming.isOpen, naming.pushes]).toEqual([true, true]);
  expect(await naming.list("G", 1, 10)).toEqual({ count: 31, names: ["x"] });
  expect(naming.holderOf("G", "x")).toBe(main);
  expect(await naming.read("G", "x")).toEqual({ name: "x" });
  naming.forget("G", "x");
  expect(take()).toEqual([
    ["ServiceListRequest  G dev ", "SubscribeServiceRequest x G dev true", "SubscribeServiceRequest x G dev false"],
    [],
  ]);
  expect(further.connected).toEqual([]);
  main.isOpen = false;
  expect(naming.isOpen).toBe(false);
});

test("many services are spread over eight connections, and pushes of all are told", async () => {
  const { naming, main, further, names, pushed, take, during } = spread(32);
  await during(naming.list("G", 1, 10));
  expect(further.connected).toEqual(Array.from({ length: 7 }, () => "a:9848"));
  const holders = new Map<object, number>();
  for (const name of names) {
    const holder = naming.holderOf("G", name);
    holders.set(holder, (holders.get(holder) ?? 0) + 1);
  }
  expect(holders.size).toBe(8);
  expect(Math.max(...holders.values())).toBeLessThanOrEqual(16);
  take();
  for (const name of names) await naming.read("G", name);
  const [overMain, overOthers] = take();
  expect([overMain.length, overMain.length + overOthers.length]).toEqual([holders.get(main), 64]);
  const other = names.find((name) => naming.holderOf("G", name) !== main)!;
  further.put(other, [nacosHost("h", 1)], "G");
  expect(pushed.map(({ type }) => type)).toEqual(["NotifySubscriberRequest"]);
  naming.forget("G", other);
  await settle();
  expect(take()).toEqual([[], ["> NotifySubscriberResponse", `SubscribeServiceRequest ${other}`]]);
});

test("a service whose connection is lost is the main one's until that stands again; then it is subscribed to once", async () => {
  const { clock, naming, main, further, names, renewed, take, during } = spread(32);
  await during(naming.list("G", 1, 10));
  const other = names.find((name) => naming.holderOf("G", name) !== main)!;
  expect(renewed).toEqual([]);
  const before = naming.holderOf("G", other);
  await naming.read("G", other);
  further.isUp = false;
  further.drop();
  await settle();
  expect(naming.holderOf("G", other)).toBe(main);
  take();
  await naming.read("G", other);
  expect(take()[0]).toEqual([`SubscribeServiceRequest ${other} G dev true`]);
  further.isUp = true;
  for (let i = 0; i < 5; i++) {
    clock.advance(1_000);
    await settle();
  }
  expect(renewed).toHaveLength(7);
  const after = naming.holderOf("G", other);
  expect([after === before, after === main]).toEqual([false, false]);
  take();
  await naming.read("G", other);
  expect(take()).toEqual([[`SubscribeServiceRequest ${other} G dev false`], [`SubscribeServiceRequest ${other}`]]);
});

test("a server that takes no further connection is read over the one", async () => {
  const { naming, main, further, names, during } = spread(32);
  further.isUp = false;
  await during(naming.list("G", 1, 10));
  expect(new Set(names.map((name) => naming.holderOf("G", name)))).toEqual(new Set([main]));
  expect(await naming.read("G", names[0]!)).toEqual({ name: names[0] });
});

test("a subscription that another connection took only when asked again is the old one's no more", async () => {
  const { naming, main, further, names, take, during } = spread(32);
  for (const name of names) await naming.read("G", name);
  await during(naming.list("G", 1, 10));
  const other = names.find((name) => naming.holderOf("G", name) !== main)!;
  further.refused.set(`SubscribeServiceRequest ${other}`, failure(500, "busy"));
  await expect(naming.read("G", other)).rejects.toThrow("busy");
  further.refused.clear();
  take();
  await naming.read("G", other);
  expect(take()).toEqual([[`SubscribeServiceRequest ${other} G dev false`], [`SubscribeServiceRequest ${other}`]]);
});
