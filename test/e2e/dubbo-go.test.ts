import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type GoConsumer, type GoConsumerOptions, startGoConsumer, startGoProvider } from "../support/dubbo-go.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";

// dubbo-go 3.3.2 and Dubbo Java 2.7, joined by the facade's address alone; a group for each kind of provider.
let mesh: Mesh;
let java: Consumer;
const version = "1.0.0";

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  const registry = mesh.inside;
  const go = (label: string, host: string, port: number, protocol: "dubbo" | "tri", group: string) =>
    startGoProvider({ registry, host, port, protocol, group, version, label });
  await Promise.all([
    go("go-1", hosts.provider1, 20001, "dubbo", "go"),
    go("go-2", hosts.provider2, 20002, "dubbo", "go"),
    go("go-tri", hosts.provider3, 20003, "tri", "gotri"),
    startProvider("2.7", { registry, host: hosts.provider1, port: 20880, group: "java", version, label: "java" }),
  ]);
  java = await startConsumer("2.7", { registry, group: "go", version });
  await java.refer("go-tri", { registry, group: "gotri", version });
});

afterAll(async () => {
  await stopAll();
});

/** Starts a consumer whose first call has been answered: it looks for providers and registers at the same time, and waits for neither. */
async function consume(options: Omit<GoConsumerOptions, "registry" | "version">): Promise<GoConsumer> {
  const consumer = await startGoConsumer({ registry: mesh.inside, version, ...options });
  onTestFinished(() => consumer.stop());
  const answers = () =>
    consumer.call("sayHi", "x").then(
      () => true,
      () => false,
    );
  await eventually("the first call is answered", answers, 10_000);
  return consumer;
}

const order = (id: number, servedBy: string) => ({
  Id: id,
  Customer: { Name: "Zoë 🚀 中文", Age: id % 100, Vip: id % 2 === 0, Tags: { tier: "gold" } },
  Status: id % 4,
  Signature: "AAH/f4BO",
  Note: `note ${id}`,
  ServedBy: servedBy,
});

describe("a Java 2.7 consumer", () => {
  test.each([
    ["Dubbo2 providers of Go", "", ["go-1", "go-2"], "java.lang.Throwable: no runtime"],
    ["a Triple provider of Go", "go-tri", ["go-tri"], "java.lang.RuntimeException: no runtime"],
  ])("calls %s through the proxy", async (_, ref, labels, thrown) => {
    const before = await mesh.carried();
    expect(await java.call("sayHi", "bob", {}, ref)).toBe("hi bob");
    expect(await java.call("getOrder", 42, {}, ref)).toMatchObject({
      id: 42,
      customer: "Zoë 🚀 中文",
      note: "note 42",
    });
    expect(await java.call("createOrder", 7, {}, ref)).toMatchObject({ id: 7, customer: "Zoë 🚀 中文" });
    expect(await java.call("attachments", undefined, { "x-color": "blue" }, ref)).toMatchObject({ "x-color": "blue" });
    await expect(java.call("fail", "runtime", {}, ref)).rejects.toThrow(thrown);
    const served = new Set<unknown>();
    for (let i = 0; i < 30; i++)
      served.add(((await java.call("whoAmI", undefined, {}, ref)) as { label: string }).label);
    expect([...served].sort()).toEqual(labels);
    await eventually("all were carried", async () => (await mesh.carried()) - before >= 35, 5_000);
  });
});

describe("a dubbo-go consumer", () => {
  test.each([
    ["Dubbo2, of Dubbo2 providers of Go", "dubbo", "go", ["go-1", "go-2"]],
    ["Dubbo2, of a Triple provider of Go", "dubbo", "gotri", ["go-tri"]],
    ["Dubbo2, of a Java one", "dubbo", "java", ["java"]],
    ["Triple, of Dubbo2 providers of Go", "tri", "go", ["go-1", "go-2"]],
    ["Triple, of a Triple provider of Go", "tri", "gotri", ["go-tri"]],
    ["Triple, of a Java 2.7 one", "tri", "java", ["java"]],
  ] as const)("makes calls in %s, through the proxy", async (_, protocol, group, labels) => {
    const consumer = await consume({ protocol, group });
    const before = await mesh.carried();
    expect(await consumer.call("sayHi", "bob")).toBe("hi bob");
    expect(labels.map((label) => order(7, label))).toContainEqual(
      expect.objectContaining({ ServedBy: ((await consumer.call("getOrder", 7)) as { ServedBy: string }).ServedBy }),
    );
    expect(await consumer.call("createOrder", 42)).toMatchObject({ ...order(42, ""), ServedBy: expect.any(String) });
    expect(await consumer.call("echoLong", 4_294_967_296)).toBe(4_294_967_296);
    expect(await consumer.call("echoDouble")).toBe(0.1);
    expect(await consumer.call("echoBoolean")).toBe(true);
    expect(await consumer.call("attachments", undefined, { "x-color": "blue" })).toMatchObject({ "x-color": "blue" });
    // A weight of 0 is what Go registers for the default: every provider gets its share.
    const served = new Set<unknown>();
    for (let i = 0; i < 30; i++) served.add(((await consumer.call("whoAmI")) as { Label: string }).Label);
    expect([...served].sort()).toEqual(labels);
    await eventually("all were carried", async () => (await mesh.carried()) - before >= 37, 5_000);
  });

  test.each([
    ["Dubbo2, of a Dubbo2 provider of Go", "dubbo", "go", "java.lang.Throwable - no checked"],
    ["Dubbo2, of a Triple provider of Go", "dubbo", "gotri", "java.lang.RuntimeException - no checked"],
    ["Dubbo2, of a Java one", "dubbo", "java", "no such order"],
    ["Triple, of a Triple provider of Go", "tri", "gotri", "unknown: no checked"],
  ] as const)("sees what a provider throws in %s", async (_, protocol, group, text) => {
    const consumer = await consume({ protocol, group });
    await expect(consumer.call("fail", "checked")).rejects.toThrow(text);
    expect(await consumer.call("sayHi", "again")).toBe("hi again");
  });

  test.each(["dubbo", "tri"] as const)("is answered by %s to both spellings of a method", async (protocol) => {
    const consumer = await consume({ protocol, group: "gotri" });
    expect(await consumer.call("sayHi", "a")).toBe("hi a");
    expect(await consumer.call("SayHi", "b")).toBe("hi b");
  });

  test.each(["dubbo", "tri"] as const)("that looks at both levels finds the proxy, by %s", async (protocol) => {
    const consumer = await consume({ protocol, group: "go", level: "all" });
    const before = await mesh.carried();
    for (let i = 0; i < 10; i++) await consumer.call("whoAmI");
    await eventually("all were carried", async () => (await mesh.carried()) - before >= 10, 5_000);
  });

  test.each(["gotri", "java"])("has its time-out kept by Triple, of group %s", async (group) => {
    const consumer = await consume({ protocol: "tri", group, timeout: 500 });
    const before = Date.now();
    await expect(consumer.call("sleep", 20_000)).rejects.toThrow("deadline_exceeded");
    expect(Date.now() - before).toBeLessThan(15_000);
    expect(await consumer.call("sleep", 1)).toBeTypeOf("string");
  });
});

test.each([
  ["sayHi", '["bob"]', 200, "hi bob"],
  ["getOrder", "[42]", 200, expect.objectContaining({ id: 42, status: "SHIPPED", note: "note 42" })],
  ["createOrder", '[{"id": 5, "note": "n"}]', 200, expect.objectContaining({ id: 5, note: "n" })],
  ["whoAmI", "", 200, expect.objectContaining({ line: "go" })],
  ["fail", '["checked"]', 500, expect.objectContaining({ status: "500", message: "no checked" })],
])("JSON over HTTP/1.1 reaches providers of Go, by Dubbo2 and by Triple: %s", async (method, body, status, value) => {
  for (const group of ["go", "gotri"]) {
    const headers = { "content-type": "application/json", "tri-service-group": group, "tri-service-version": version };
    const url = `http://${hosts.trestle}:50051/com.acme.OrderService/${method}`;
    const answer = await fetch(url, { method: "POST", body, headers });
    expect([group, answer.status, await answer.json()]).toEqual([group, status, value]);
  }
});
