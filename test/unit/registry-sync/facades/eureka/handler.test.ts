import type { IncomingMessage } from "node:http";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { encodeEurekaBody } from "../../../../../src/codecs/eureka/body.ts";
import type { ApplicationsDocument, EurekaDocument } from "../../../../../src/codecs/eureka/document.ts";
import { parseEurekaJson } from "../../../../../src/codecs/eureka/json.ts";
import { EurekaMirror } from "../../../../../src/codecs/eureka/mirror.ts";
import { parseEurekaXml } from "../../../../../src/codecs/eureka/xml.ts";
import { createCounters } from "../../../../../src/registry-sync/facades/eureka/counters.ts";
import { EurekaHandler } from "../../../../../src/registry-sync/facades/eureka/handler.ts";
import { RegistryLists } from "../../../../../src/registry-sync/facades/eureka/lists.ts";
import type { FacadeRequest } from "../../../../../src/registry-sync/facades/eureka/request.ts";
import { createPresentContext, type FacadeClient } from "../../../../../src/registry-sync/present/context.ts";
import { type GivenInstance, listBody, rawInstance } from "../../../../support/eureka-documents.ts";

const orders: GivenInstance = { app: "orders", host: "10.0.0.1", port: 8080 };
const stock: GivenInstance = { app: "stock", host: "10.0.0.2", port: 8081 };
const json = { accept: "application/json", "user-agent": "j" };

/** A handler before a registry that holds `given.instances`; `ordersAt` is where orders are led. */
function stage(isPassed: (client: FacadeClient) => boolean = () => false) {
  const clock = new ManualClock();
  const given = {
    instances: [orders, stock] as readonly GivenInstance[],
    status: 200,
    passStatus: 200,
    until: Promise.resolve(),
  };
  const passed: string[] = [];
  const removed: string[] = [];
  const counters = createCounters();
  const contextOf = (ordersAt: string | undefined) =>
    createPresentContext({
      addresses: ["10.0.0.9:20880"],
      httpAddresses: new Map(ordersAt === undefined ? [] : [["orders", ordersAt]]),
      passesClient: isPassed,
    });
  const lists = new RegistryLists({
    path: "/eureka/apps",
    maxAgeMs: 0,
    clock,
    ask: async () => ({
      answer: {
        statusCode: given.status,
        headers: { "content-type": "application/json" },
      } as unknown as IncomingMessage,
      body: given.status === 200 ? listBody(given.instances) : Buffer.from("no"),
    }),
  });
  const handler = new EurekaHandler({
    context: contextOf("10.0.0.9:31000"),
    ...{ lists, counters, clock, basePath: "/base" },
    async pass({ method }, path) {
      passed.push(`${method} ${path}`);
      await given.until;
      return { statusCode: given.passStatus, headers: {} } as unknown as IncomingMessage;
    },
    ask: () => Promise.reject(new Error("nothing is asked")),
    onRemoval: (instances) => removed.push(...instances),
  });
  const handle = (url: string, more: Partial<FacadeRequest> = {}) =>
    handler.handle({ method: "GET", url, headers: json, body: Buffer.alloc(0), address: "10.1.0.1", ...more });
  const ask = async (url: string, more: Partial<FacadeRequest> = {}): Promise<EurekaDocument> => {
    const answer = await handle(url, more);
    if (answer.kind !== "made" || answer.status !== 200) throw new Error(`${url}: ${JSON.stringify(answer)}`);
    return parseEurekaJson(answer.body.toString());
  };
  const list = async (url: string, more: Partial<FacadeRequest> = {}) => (await ask(url, more)) as ApplicationsDocument;
  return { clock, given, passed, removed, counters, handler, contextOf, handle, ask, list };
}

const places = ({ applications }: ApplicationsDocument) =>
  applications.flatMap(({ instances }) =>
    instances.map(
      (raw) => `${raw["instanceId"]} ${raw["hostName"]}:${(raw["port"] as { $: number }).$} ${raw["actionType"]}`,
    ),
  );

const LED = "trestle:orders 10.0.0.9:31000 ADDED";
const STOCK = "10.0.0.2:stock:8081 10.0.0.2:8081 ADDED";

test.each(["/eureka/apps", "/eureka/apps/", "/eureka/v2/apps/"])("%s shows what is led at the proxy", async (url) => {
  const { list, counters } = stage();
  const document = await list(url);
  expect([places(document), document.hashcode, counters.rewritten]).toEqual([[LED, STOCK], "UP_2_", 1]);
});

test("answers come in XML, in gzip and compact where they are wanted so", async () => {
  const { handle } = stage();
  const xml = await handle("/eureka/apps", { headers: { accept: "*/*" } });
  if (xml.kind !== "made") throw new Error(xml.kind);
  expect(xml.headers).toEqual({ "content-type": "application/xml" });
  expect(parseEurekaXml(xml.body.toString())).toMatchObject({ hashcode: "UP_2_" });
  const zipped = await handle("/eureka/apps", {
    headers: { ...json, "accept-encoding": "gzip", "x-eureka-accept": "compact" },
  });
  if (zipped.kind !== "made") throw new Error(zipped.kind);
  expect(zipped.headers).toEqual({ "content-type": "application/json", "content-encoding": "gzip" });
  expect(gunzipSync(zipped.body).toString()).not.toContain("leaseInfo");
});

test("a client that follows by deltas has the same hash, over registrations, failovers of the list and a bypass", async () => {
  const { list, given, handler, contextOf, clock } = stage();
  const mirror = new EurekaMirror();
  mirror.replace(await list("/eureka/apps"));
  const changes: (() => void)[] = [
    () => {},
    () => (given.instances = [orders, { ...orders, host: "10.0.0.3" }, stock]),
    () => (handler.context = contextOf(undefined)),
    () =>
      (given.instances = [
        { ...orders, host: "10.0.0.3" },
        { ...stock, status: "DOWN" },
      ]),
    () => (handler.context = contextOf("10.0.0.9:31001")),
    () => (given.instances = []),
    () => (given.instances = [orders]),
  ];
  for (const change of changes) {
    change();
    clock.advance(1_000);
    const delta = await list("/eureka/apps/delta");
    mirror.apply(delta);
    expect(mirror.hashcode()).toBe(delta.hashcode);
    expect(mirror.size).toBe((await list("/eureka/apps")).applications.flatMap(({ instances }) => instances).length);
  }
});

test("a client that is not known by its full list is made to take it, with all in the delta as well", async () => {
  const { list, counters } = stage();
  const delta = await list("/eureka/apps/delta");
  expect([places(delta), delta.hashcode, counters.resyncs]).toEqual([[LED, STOCK], "UP_2_RESYNC_1_", 1]);
});

test("a part is answered of what is shown", async () => {
  const { ask, list } = stage();
  expect(await ask("/eureka/apps/ORDERS")).toMatchObject({
    application: { instances: [{ instanceId: "trestle:orders" }] },
  });
  expect(await ask("/eureka/apps/orders/trestle:orders")).toMatchObject({ instance: { hostName: "10.0.0.9" } });
  expect(await ask("/eureka/instances/trestle:orders")).toMatchObject({ instance: { hostName: "10.0.0.9" } });
  expect(places(await list("/eureka/vips/orders"))).toEqual([LED]);
  expect(places(await list("/eureka/svips/ORDERS/"))).toEqual([LED]);
});

test.each([
  ["GET", "/eureka/apps/ORDERS/10.0.0.1:orders:8080", "GET /base/apps/ORDERS/10.0.0.1:orders:8080"],
  ["GET", "/eureka/instances/x", "GET /base/instances/x"],
  ["GET", "/eureka/apps/NOPE", "GET /base/apps/NOPE"],
  ["GET", "/eureka/v2/status", "GET /base/v2/status"],
  ["PUT", "/eureka/apps/A/i?status=UP&lastDirtyTimestamp=1", "PUT /base/apps/A/i?status=UP&lastDirtyTimestamp=1"],
  ["PUT", "/eureka/apps/A/i/status?value=DOWN", "PUT /base/apps/A/i/status?value=DOWN"],
  ["PUT", "/eureka/apps/A/i/metadata?k=v", "PUT /base/apps/A/i/metadata?k=v"],
  ["POST", "/eureka/peerreplication/batch/", "POST /base/peerreplication/batch/"],
])("%s %s is passed on", async (method, url, expected) => {
  const { handle, passed } = stage();
  expect((await handle(url, { method })).kind).toBe("passed");
  expect(passed).toEqual([expected]);
});

test("what nobody can read in this form is left to the server to refuse", async () => {
  const { handle, passed } = stage();
  await handle("/eureka/apps", { headers: { accept: "text/html" } });
  expect(passed).toEqual(["GET /base/apps"]);
});

test("what is not under /eureka is not found", async () => {
  expect(await stage().handle("/lastn")).toMatchObject({ kind: "made", status: 404 });
});

test("what the registry says instead of a list goes to the client", async () => {
  const { handle, given } = stage();
  given.status = 403;
  expect(await handle("/eureka/apps/delta")).toMatchObject({ kind: "made", status: 403, body: Buffer.from("no") });
});

test("an application finds itself at the proxy from its registration on, and other clients do not", async () => {
  const { handle, list, clock } = stage();
  const body = encodeEurekaBody({ kind: "instance", instance: rawInstance(orders) }, "json");
  const headers = { ...json, "content-type": "application/json" };
  const mirror = new EurekaMirror();
  mirror.replace(await list("/eureka/apps"));
  await handle("/eureka/apps/ORDERS", { method: "POST", headers, body });
  clock.advance(1);
  const delta = await list("/eureka/apps/delta");
  mirror.apply(delta);
  expect([mirror.hashcode(), delta.hashcode]).toEqual(["UP_2_", "UP_2_"]);
  expect(places(await list("/eureka/apps"))).toContain("10.0.0.1:orders:8080 10.0.0.9:31000 ADDED");
  expect(places(await list("/eureka/apps", { address: "10.1.0.2" }))).toEqual([LED, STOCK]);
});

test("where an address has several instances none of them is its clients' own, and who was told of one is told so", async () => {
  const { handle, list, given, clock } = stage();
  given.instances = [orders, { ...orders, host: "10.0.0.3" }, stock];
  const renew = (id: string) => handle(`/eureka/apps/ORDERS/${id}?status=UP`, { method: "PUT" });
  await renew("10.0.0.1:orders:8080");
  const mirror = new EurekaMirror();
  mirror.replace(await list("/eureka/apps"));
  expect(places(await list("/eureka/apps"))).not.toContain(LED);
  await renew("10.0.0.3:orders:8080");
  clock.advance(1);
  expect(places(await list("/eureka/apps"))).toEqual([LED, STOCK]);
  const delta = await list("/eureka/apps/delta");
  mirror.apply(delta);
  expect([mirror.hashcode(), mirror.size]).toEqual([delta.hashcode, 2]);
});

test("an application among others of its address is not passed for its name alone", async () => {
  const { handle } = stage(({ application }) => application === "stock");
  await handle("/eureka/apps/STOCK/i", { method: "PUT" });
  await handle("/eureka/apps/ORDERS/i", { method: "PUT" });
  expect((await handle("/eureka/apps")).kind).toBe("made");
});

test("an instance that is renewed is its client's own, one that the server does not know is not", async () => {
  const { handle, list, given } = stage();
  given.passStatus = 404;
  await handle("/eureka/apps/ORDERS/10.0.0.1:orders:8080?status=UP", { method: "PUT" });
  expect(places(await list("/eureka/apps"))).toEqual([LED, STOCK]);
  given.passStatus = 200;
  await handle("/eureka/apps/ORDERS/10.0.0.1:orders:8080?status=UP", { method: "PUT" });
  expect(places(await list("/eureka/apps"))).not.toContain(LED);
});

test("an instance that is taken out on purpose is told of by its address", async () => {
  const { handle, list, removed, given } = stage();
  await list("/eureka/apps");
  given.passStatus = 404;
  await handle("/eureka/apps/ORDERS/10.0.0.1:orders:8080", { method: "DELETE" });
  given.passStatus = 200;
  await handle("/eureka/apps/ORDERS/10.0.0.1:orders:8080/status", { method: "DELETE" });
  await handle("/eureka/apps/ORDERS/unknown", { method: "DELETE" });
  expect(removed).toEqual([]);
  await handle("/eureka/apps/ORDERS/10.0.0.1:orders:8080", { method: "DELETE" });
  expect(removed).toEqual(["10.0.0.1:8080"]);
});

test.each<readonly [string, (client: FacadeClient) => boolean]>([
  ["address", ({ address }) => address === "10.1.0.1"],
  ["application", ({ application }) => application === "stock"],
])("a client that is passed by its %s is given the registry's own answers", async (_, isPassed) => {
  const { handle, passed } = stage(isPassed);
  await handle("/eureka/apps/STOCK/i", { method: "PUT" });
  for (const url of ["/eureka/apps", "/eureka/apps/delta", "/eureka/apps/ORDERS", "/eureka/vips/orders"]) {
    expect((await handle(url)).kind).toBe("passed");
  }
  expect(passed).toHaveLength(5);
});

test("a client that is passed from now on is made to take the whole list, with real addresses in the delta", async () => {
  let isPassed = false;
  const { list } = stage(() => isPassed);
  await list("/eureka/apps");
  isPassed = true;
  const delta = await list("/eureka/apps/delta");
  expect([places(delta)[0], delta.hashcode]).toEqual(["10.0.0.1:orders:8080 10.0.0.1:8080 ADDED", "UP_2_RESYNC_1_"]);
});

test("registrations, renewals and the end of one instance reach the server in the order in which they came", async () => {
  const { given, passed, handle, clock } = stage();
  let release = () => {};
  given.until = new Promise((resolve) => {
    release = resolve;
  });
  const body = (app: string) =>
    encodeEurekaBody({ kind: "instance", instance: rawInstance({ ...orders, app }) }, "json");
  const headers = { ...json, "content-type": "application/json" };
  const post = (app: string) => handle(`/eureka/apps/${app}`, { method: "POST", headers, body: body(app) });
  const id = `${orders.host}:orders:${orders.port}`;
  const answers = [
    post("orders"),
    handle(`/eureka/apps/ORDERS/${id}?status=UP`, { method: "PUT" }),
    handle(`/eureka/apps/ORDERS/${id}`, { method: "DELETE" }),
    post("stock"),
  ];
  await Promise.resolve();
  expect(passed).toEqual(["POST /base/apps/orders", "POST /base/apps/stock"]);
  release();
  await Promise.all(answers);
  expect(passed.slice(2)).toEqual([`PUT /base/apps/ORDERS/${id}?status=UP`, `DELETE /base/apps/ORDERS/${id}`]);
  given.until = new Promise((resolve) => {
    release = resolve;
  });
  const [first, second] = [post("orders"), post("orders")];
  clock.advance(8_000);
  release();
  await first;
  await expect(second).rejects.toThrow("earlier requests of ORDERS/10.0.0.1:orders:8080 are not answered");
});
