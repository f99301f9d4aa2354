import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type Consumer,
  type ConsumerOptions,
  type DubboLine,
  startConsumer,
  startProvider,
  surprises,
} from "../support/dubbo.ts";
import { knownDifferences } from "../support/known-differences.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { restRule } from "../support/rest-rule.ts";
import { type SpringPeer, startSpring } from "../support/spring.ts";
import { runTrestle } from "../support/trestle.ts";

// An unmodified Dubbo consumer and a Spring Boot application that know nothing of each other's protocols, joined by one rule.
let mesh: Mesh;
let spring: SpringPeer;

const timeoutRule = `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders, namespace: shop}
spec:
  hosts: [com.acme.OrderService]
  http:
  - match: [{method: {exact: notes}, headers: {fault: {exact: "on"}}}]
    fault: {abort: {httpStatus: 503, percentage: {value: 100}}}
    route: [{destination: {host: com.acme.OrderService}}]
  - match: [{method: {exact: sleep}, headers: {short: {exact: "on"}}}]
    timeout: 0.2s
    route: [{destination: {host: com.acme.OrderService}}]
  - route: [{destination: {host: com.acme.OrderService}}]
`;

/** Checks of the suite that fail since the far side is a REST service, each with its reason. */
const REST_DIFFERENCES: Readonly<Record<string, string>> = {
  ...knownDifferences("2.7", "2.7", true),
  cycle: "JSON has no cycles: the call is refused",
  "graph of 300": "JSON has no references: the call is refused",
  "object that is a Long": "JSON has one kind of whole number",
  "object that is an enum": "JSON names no classes",
  "object that is an Order": "JSON names no classes",
  "list of mixed": "JSON has one kind of fraction: a BigDecimal comes back as a Double",
  "exception checked": "its message names the HTTP status",
  "exception checked-cause": "its message names the HTTP status, and JSON has no cause",
  "exception runtime": "a status has no class",
  "exception runtime-cause": "this REST service has other errors",
  "exception rejected": "its message names the HTTP status",
  "exception null-message": "a status has no class, and Spring puts a message where there is none",
  attachments: "Tomcat takes headers for Latin-1",
  "callback parameter": "REST has no callbacks",
};

beforeAll(async () => {
  requireNamespace();
  [mesh, spring] = await Promise.all([
    startMesh(),
    startSpring({ host: hosts.provider1, label: "spring", target: `http://${hosts.trestle}:50051` }),
  ]);
});

afterAll(async () => {
  await stopAll();
});

describe("a 2.7 consumer and a REST service", () => {
  let consumer: Consumer;

  beforeAll(async () => {
    // It subscribes before the rule is there: the facade has to tell it.
    consumer = await startConsumer("2.7", { registry: mesh.inside, check: false });
    await expect(consumer.call("getOrder", 1)).rejects.toThrow("No provider available");
    await mesh.rules(restRule(hosts.provider1) + timeoutRule);
    await eventually("the service is called", async () => (await consumer.call("whoAmI")) !== undefined, 10_000, 200);
  });

  afterAll(async () => {
    await consumer?.stop();
  });

  test("all goes through the proxy", async () => {
    const before = await mesh.carried();
    for (let i = 0; i < 10; i++)
      expect(await consumer.call("whoAmI")).toMatchObject({ label: "spring", line: "spring" });
    await eventually("all calls were carried", async () => (await mesh.carried()) - before === 10, 5_000);
  });

  test.each<[string, unknown, unknown]>([
    ["getOrder", 7, { id: 7, customer: "Zoë 🚀 中文", note: "note 7", servedBy: "spring" }],
    ["getOrder", -1, null],
    ["createOrder", 4, { id: 4, customer: "Zoë 🚀 中文", note: "note 4", servedBy: "spring" }],
    ["find", 3, { id: 3, customer: "Zoë 🚀 中文", note: null, servedBy: "spring" }],
    ["find", "a b%c;é", { id: 1, customer: "Zoë 🚀 中文", note: "a b%c;é", servedBy: "spring" }],
    ["laterOrder", 4, { id: 4, customer: "Zoë 🚀 中文", note: "note 4", servedBy: "spring" }],
    ["sayHi", "Zoë 🚀", "hi Zoë 🚀"],
    ["cancelOrder", 77, null],
    ["notes", "cancelled-77", 1],
    ["sleep", 20, "spring"],
  ])("%s of %j", async (method, arg, value) => {
    expect(await consumer.call(method, arg)).toEqual(value);
  });

  test("keep every kind of value that JSON can say", async () => {
    expect(surprises(await consumer.suite(), REST_DIFFERENCES)).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ["fail", "missing", "java.lang.RuntimeException: HTTP 404: no such order"],
    ["fail", "bad", "java.lang.RuntimeException: HTTP 400: bad id"],
    ["fail", "refused", "com.acme.OrderException: HTTP 409: refused by rule 7"],
    ["fail", "checked", "com.acme.OrderException: HTTP 409: no such order"],
    ["fail", "rejected", "com.acme.OrderRejected: HTTP 422: rejected by rule 7"],
    ["fail", "runtime", "java.lang.RuntimeException: HTTP 500: not now"],
    ["createNull", undefined, "com.acme.OrderException: HTTP 400: Required request body is missing"],
    ["fail", "busy", "org.apache.dubbo.rpc.RpcException: Failed to invoke the method fail"],
  ])("%s of %s throws what the status means", async (method, arg, error) => {
    expect((await consumer.ask({ op: "call", method, arg }))["error"]).toContain(error);
  });

  test("a generic call gets maps with classes", async () => {
    const { value } = await consumer.ask({ op: "generic", method: "getOrder", types: ["long"], args: [4] });
    expect(value).toMatchObject({
      class: "com.acme.Order",
      id: 4,
      status: "NEW",
      customer: { class: "com.acme.Customer", age: 4, vip: true },
    });
  });

  test("a generic call in the form bean sends descriptors and gets them", async () => {
    const { value, error } = await consumer.ask({ op: "style", style: "bean", arg: 4 });
    expect([error, value]).toMatchObject([undefined, { id: 4, note: "note 4", servedBy: "spring" }]);
  });

  test("header lines of the answer are its attachments", async () => {
    const { answered } = await consumer.ask({ op: "call", method: "attachments", attach: { "answer-with": "green" } });
    expect(answered).toMatchObject({ "x-answer": "green", answeredby: "spring" });
  });

  test("a call that nobody waits for any more ends at the service", async () => {
    const cancelled = async () => Number(await consumer.call("notes", "slow-cancelled"));
    const before = await cancelled();
    const late = await consumer.ask({ op: "call", method: "sleep", arg: 8_000, attach: { short: "on" } });
    expect(late["error"]).toContain("no answer within 200 ms");
    await eventually("the service saw it", async () => (await cancelled()) > before, 5_000, 200);
  });

  test("attachments are headers, and one with a line end is refused", async () => {
    expect(await consumer.call("attachments", undefined, { "x-user": "u 1" })).toMatchObject({ "x-user": "u 1" });
    const injected = await consumer.ask({ op: "call", method: "attachments", attach: { "x-user": "u\r\nx-admin: 1" } });
    expect(injected["error"]).toContain("control character 0x0d");
  });

  test("a call's time-out holds, and the connections that it cost are made anew", async () => {
    await consumer.refer("hurried", { registry: mesh.inside, timeout: 300 });
    const before = Date.now();
    const late = await consumer.ask({ op: "call", method: "sleep", arg: 5_000, ref: "hurried" });
    expect(late["error"]).toContain("timeout");
    expect(Date.now() - before).toBeLessThan(4_000);
    const again = () => consumer.ask({ op: "call", method: "sleep", arg: 1, ref: "hurried" });
    await eventually("it answers within 300 ms", async () => (await again())["value"] === "spring", 10_000, 100);
  });

  test("rules hold for it: a time-out and a fault", async () => {
    const late = await consumer.ask({ op: "call", method: "sleep", arg: 3_000, attach: { short: "on" } });
    expect(late["error"]).toContain("no answer within 200 ms");
    const fault = await consumer.ask({ op: "call", method: "notes", arg: "x", attach: { fault: "on" } });
    expect(fault["error"]).toContain("RpcException");
    expect(await consumer.call("notes", "x")).toBe(0);
  });

  test.each(["both", "up", "down"])("7 MB: %s", async (way) => {
    const { ok, error } = await consumer.ask({ op: "big", size: 7_000_000, way });
    expect([ok, error]).toEqual([true, undefined]);
  });

  test("50 calls wait at once", async () => {
    const { ok, failed, tookMs, errors } = await consumer.burst(50, 300);
    expect(errors).toEqual([]);
    expect([ok, failed]).toEqual([50, 0]);
    expect(tookMs).toBeLessThan(10_000);
  });

  test("nobody is there: the call fails at once, and the service is called again when it is back", async () => {
    await spring.peer.stop(5_000);
    const gone = await consumer.ask({ op: "call", method: "notes", arg: "x" });
    expect(gone["error"]).toContain("RpcException");
    spring = await startSpring({ host: hosts.provider1, label: "spring", target: `http://${hosts.trestle}:50051` });
    await eventually("it answers", async () => (await consumer.call("notes", "x")) === 0, 15_000, 200);
  });
});

describe("others reach it too", () => {
  test.each<[string, DubboLine, ConsumerOptions]>([
    ["2.6", "2.6", {}],
    ["3.2", "3.2", {}],
    ["3.3 in Triple", "3.3", { protocol: "tri" }],
  ])("a consumer of %s", async (_, line, options) => {
    const consumer = await startConsumer(line, { registry: mesh.inside, ...options });
    onTestFinished(() => consumer.stop());
    expect(await consumer.call("whoAmI")).toMatchObject({ label: "spring" });
    expect(await consumer.call("createOrder", 4)).toMatchObject({ id: 4, servedBy: "spring" });
    expect(await consumer.call("getOrder", -1)).toBeNull();
    const thrown = await consumer.ask({ op: "call", method: "fail", arg: "refused" });
    expect(thrown["error"]).toContain("HTTP 409: refused by rule 7");
  });

  test("a caller with JSON", async () => {
    expect(await spring.call("client", "getOrder", [7])).toMatchObject({ value: { id: 7, servedBy: "spring" } });
    expect(await spring.call("client", "sayHi", ["x"])).toEqual({ value: "hi x" });
    const { status, error } = await spring.call("client", "fail", ["bad"]);
    expect([status, JSON.parse(error ?? "")]).toMatchObject([500, { message: "HTTP 400: bad id" }]);
    expect(await spring.call("client", "sleep", [10])).toEqual({ value: "spring" });
  });
});

describe("a 2.7 consumer and a REST service that publishes its requests", () => {
  let consumer: Consumer;
  const openapiRule = (openapi: string) => `apiVersion: trestle.io/v1alpha1
kind: RestMapping
metadata: {name: orders, namespace: shop}
spec:
  interface: com.acme.OrderService
  endpoints: [{address: ${hosts.provider1}, port: 8080}]
  openapi: ${openapi}
`;
  const published = "{tag: published, classes: {Line: com.acme.OrderLine, Order.status: com.acme.OrderStatus}}";
  const findings = async () => (await mesh.trestle.get("/api/v1/findings")).body;

  beforeAll(async () => {
    await mesh.rules(openapiRule(published));
    consumer = await startConsumer("2.7", { registry: mesh.inside });
    await eventually("its requests are known", async () => (await consumer.call("notes", "x")) === 0, 10_000, 200);
  });

  afterAll(async () => {
    await consumer?.stop();
  });

  test.each<[string, unknown, unknown]>([
    ["getOrder", 7, { id: 7, customer: "Zoë 🚀 中文", note: "note 7", servedBy: "spring" }],
    ["createOrder", 4, { id: 4, customer: "Zoë 🚀 中文", note: "note 4", servedBy: "spring" }],
    ["find", 3, { id: 3, customer: "Zoë 🚀 中文", note: null, servedBy: "spring" }],
    ["find", "a b%c;é", { id: 1, customer: "Zoë 🚀 中文", note: "a b%c;é", servedBy: "spring" }],
    ["sayHi", "Zoë 🚀", "hi Zoë 🚀"],
    ["cancelOrder", 78, null],
    ["notes", "cancelled-78", 1],
  ])("%s of %j, of which no rule says a word", async (method, arg, value) => {
    expect(await consumer.call(method, arg)).toEqual(value);
  });

  test("orders, lists and maps of them come back as Java's classes", async () => {
    const rows = await consumer.suite();
    const names = ["POJO", "POJO both ways", "list of POJOs", "map of POJOs", "overload by long", "overload by String"];
    expect(rows.filter(({ check }) => names.includes(check))).toEqual(
      names.map((check) => ({ check, ok: true, said: expect.anything() })),
    );
  });

  test("an exception is what the status means, and a method without an operation is refused", async () => {
    const thrown = await consumer.ask({ op: "call", method: "fail", arg: "refused" });
    expect(thrown["error"]).toContain("java.lang.RuntimeException: HTTP 500: refused by rule 7");
    expect((await consumer.ask({ op: "call", method: "sleep", arg: 1 }))["error"]).toContain("no rest mapping of");
  });

  test("the command line finds a service that no registry has heard of", async () => {
    const quiet = `---
apiVersion: trestle.io/v1alpha1
kind: RestMapping
metadata: {name: quiet}
spec:
  interface: com.acme.Quiet
  endpoints: [{address: ${hosts.provider1}, port: 8080}]
  methods: [{name: hi, http: "GET /hi/{name}", returns: java.lang.String}]
`;
    await mesh.rules(openapiRule(published) + quiet);
    const call = ["call", "com.acme.Quiet.hi", '["you"]', "--registry", mesh.inside];
    const said = async () => (await runTrestle(call)).stdout.trim();
    await eventually("it answers", async () => (await said()) === '"hi you"', 10_000, 200);
  });

  test("a document that is gone leaves what it said in force, and is a finding", async () => {
    expect(await findings()).toContain("attachments (parameter session in cookie)");
    await mesh.rules(openapiRule("{path: /gone, tag: published}"));
    await eventually("it is told", async () => (await findings()).includes("/gone answers 404"), 10_000, 200);
    expect(await findings()).toContain("what it said last stays in force");
    expect(await consumer.call("notes", "x")).toBe(0);
  });
});

describe("a Spring application and a 2.7 provider", () => {
  beforeAll(async () => {
    const place = { registry: mesh.inside, host: hosts.provider2, port: 20880 };
    await startProvider("2.7", { ...place, label: "dubbo-2.7", application: "shop" });
    await eventually(
      "the provider is called in place of the REST service",
      async () => JSON.stringify(await spring.call("client", "whoAmI", [])).includes("dubbo-2.7"),
      15_000,
      200,
    );
  });

  test.each(["feign", "template", "client"] as const)("by %s", async (client) => {
    const order = {
      id: 7,
      status: "CANCELLED",
      note: "note 7",
      servedBy: "dubbo-2.7",
      created: "2023-11-14T22:13:20.130+00:00",
    };
    const got = await spring.call(client, "getOrder", [7]);
    expect(got.value).toMatchObject(order);
    // A generic call: Java makes the order by its own rules, which know no dates and bytes as text.
    const { id, note, status, customer, lines } = got.value as Record<string, unknown>;
    const made = await spring.call(client, "createOrder", [{ id, note, status, customer, lines }]);
    expect(made.value ?? made).toMatchObject({ id, note, status, customer, lines, servedBy: "dubbo-2.7" });
    expect((await spring.call(client, "listOrders", [3])).value).toMatchObject([{ id: 0 }, { id: 1 }, { id: 2 }]);
    const thrown = await spring.call(client, "fail", ["runtime"]);
    expect(thrown.status).toBe(500);
    expect(JSON.parse(thrown.error ?? "")).toMatchObject({
      message: "not now",
      exception: "java.lang.IllegalStateException",
    });
  });

  test("the rule that has no effect now is a finding", async () => {
    const told = async () => (await mesh.trestle.command("rules", "--findings")).stdout;
    await eventually("it is told", async () => (await told()).includes("TR0260"), 10_000, 500);
  });
});
