import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import { type DocumentAnswer, OpenapiDocuments } from "../../../../../src/cli/mesh/schemas/openapi-documents.ts";
import type { DocumentNeed } from "../../../../../src/cli/mesh/schemas/openapi-needs.ts";
import type { OpenapiPairing, ServiceSchema } from "../../../../../src/model/schema.ts";
import { turn } from "../../../../support/recording-logger.ts";

const pairing: OpenapiPairing = { path: "/v3/api-docs", package: "com.acme", classes: {}, methods: [] };
const need = (hosts: readonly string[], more: Partial<DocumentNeed> = {}): DocumentNeed => ({
  ...{ name: "a.A", pairing, file: undefined, own: [], at: "rules.yaml:3:1" },
  endpoints: hosts.map((address) => ({ address, port: 8080 })),
  ...more,
});
const documentOf = (...ids: string[]): DocumentAnswer => ({
  type: "document",
  document: { openapi: "3.0.1", paths: Object.fromEntries(ids.map((id) => [`/${id}`, { get: { operationId: id } }])) },
});
const FAILED: DocumentAnswer = { type: "failed", why: "refused" };

function start(answer: (place: string, nth: number) => DocumentAnswer) {
  const clock = new ManualClock();
  const startMs = clock.now();
  const asked: string[] = [];
  const told: (readonly ServiceSchema[])[] = [];
  let open = 0;
  const reply = async (place: string): Promise<DocumentAnswer> => {
    open++;
    expect(open).toBe(1);
    asked.push(`${(clock.now() - startMs) / 1000} ${place}`);
    await turn();
    open--;
    return answer(place, asked.length);
  };
  const documents = new OpenapiDocuments({
    ...{ clock, log: silentLogger },
    onSchemas: (schemas) => told.push(schemas),
    ask: ({ address, port }, path) => reply(`${address}:${port}${path}`),
    read: (file, stamp) => reply(stamp === undefined ? file : `${file} ${stamp}`),
  });
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      clock.advance(1000);
      await turn();
      await turn();
    }
  };
  return { documents, asked, told, pass, clock };
}

test("a document is asked for at once, one endpoint at a time, and again after five minutes", async () => {
  const { documents, asked, told, pass } = start(() => documentOf("get"));
  documents.setNeeds([need(["h1"]), need(["h2"], { name: "b.B" })]);
  await pass(299);
  expect(asked).toEqual(["0 h1:8080/v3/api-docs", "1 h2:8080/v3/api-docs"]);
  expect(told.at(-1)).toMatchObject([
    { name: "a.A", published: { methods: [{ name: "get", path: "/get" }], types: {} } },
    { name: "b.B" },
  ]);
  const before = told.length;
  await pass(10);
  expect(asked).toHaveLength(4);
  expect(told).toHaveLength(before);
  expect(documents.findings()).toEqual([]);
});

test("other endpoints, and another pairing, are asked at once; the same are not", async () => {
  const { documents, asked, pass } = start(() => documentOf("get"));
  documents.setNeeds([need(["h1"])]);
  await pass(5);
  documents.setNeeds([need(["h1"])]);
  await pass(5);
  expect(asked).toHaveLength(1);
  documents.setNeeds([need(["h2"])]);
  await pass(5);
  documents.setNeeds([need(["h2"], { pairing: { ...pairing, tag: "orders" } })]);
  await pass(5);
  expect(asked.map((one) => one.split(" ")[1])).toEqual(["h1", "h2", "h2"].map((host) => `${host}:8080/v3/api-docs`));
});

test("a failure is a finding, and another endpoint is asked, ever more slowly", async () => {
  const { documents, asked, told, pass } = start(() => FAILED);
  documents.setNeeds([need(["h1", "h2"])]);
  await pass(200);
  expect(asked.map((one) => one.split(":")[0])).toEqual([
    "0 h1",
    "2 h2",
    "4 h1",
    "8 h2",
    "16 h1",
    "32 h2",
    "64 h1",
    "124 h2",
    "184 h1",
  ]);
  expect(told).toEqual([]);
  expect(documents.findings()).toEqual([
    {
      ...{ code: "TR0320", severity: "warning", at: "rules.yaml:3:1" },
      message: "the OpenAPI document of a.A can't be used (refused); no published method is known",
    },
  ]);
});

test("what was read last stays in force when a document turns bad, while nobody can be asked, and goes with its rule", async () => {
  const { documents, told, pass } = start((_, nth) =>
    nth === 1 ? documentOf("get") : { type: "document", document: 7 },
  );
  documents.setNeeds([need(["h1"])]);
  await pass(2);
  documents.setNeeds([need([])]);
  await pass(2);
  documents.setNeeds([need(["h2"])]);
  await pass(2);
  expect(told).toHaveLength(1);
  expect(documents.findings()[0]!.message).toBe(
    "the OpenAPI document of a.A can't be used (document is not OpenAPI 3: openapi is missing); what it said last stays in force",
  );
  documents.setNeeds([]);
  expect([told.at(-1), documents.findings()]).toEqual([[], []]);
});

test("files are read again and again, and what changed is told", async () => {
  const { documents, asked, told, pass } = start((_, nth) => documentOf(nth < 3 ? "get" : "put"));
  documents.setNeeds([need([], { file: "/rules/shop.json" })]);
  await pass(6);
  expect(asked).toEqual(["0 /rules/shop.json", "3 /rules/shop.json", "5 /rules/shop.json"]);
  expect(told.map(([schema]) => schema!.published!.methods[0]!.name)).toEqual(["get", "put"]);
});

test.each<[string, DocumentNeed, number]>([
  ["one that is still there counts", need(["h1", "h3"]), 1],
  ["one that is gone does not", need(["h3"]), 0],
  ["one does not count for another pairing", need(["h1", "h3"], { pairing: { ...pairing, tag: "t" } }), 0],
])("of endpoints that change while they are asked %s", async (_name, later, count) => {
  const { documents, asked, told, clock } = start(() => documentOf("get"));
  documents.setNeeds([need(["h1", "h2"])]);
  clock.advance(0);
  documents.setNeeds([later]);
  await turn();
  await turn();
  expect([asked.length, told.length]).toEqual([1, count]);
});

test("a file that is the same stays what it was, good or bad, until it is another", async () => {
  const answers: readonly DocumentAnswer[] = [
    { ...documentOf("get"), stamp: "1" } as DocumentAnswer,
    { type: "same" },
    { type: "failed", why: "no JSON", stamp: "2" },
    { type: "same" },
    { ...documentOf("put"), stamp: "3" } as DocumentAnswer,
  ];
  const { documents, asked, told, pass } = start((_, nth) => answers[Math.min(nth, answers.length) - 1]!);
  documents.setNeeds([need([], { file: "/a.json" })]);
  await pass(4);
  expect([documents.findings().length, told.length]).toEqual([0, 1]);
  await pass(2);
  expect([documents.findings().length, told.length]).toEqual([1, 1]);
  await pass(4);
  expect([documents.findings().length, told.length]).toEqual([0, 2]);
  expect(asked.slice(0, 5).map((one) => one.split(" ").slice(1).join(" "))).toEqual([
    ...["/a.json", "/a.json 1", "/a.json 1", "/a.json 2", "/a.json 2"],
  ]);
  documents.setNeeds([need([], { file: "/a.json", pairing: { ...pairing, tag: "t" } })]);
  await pass(2);
  expect(asked.filter((one) => one.endsWith("/a.json"))).toHaveLength(2);
});

test("findings name methods without an operation, operations without a method, and enums without a class", async () => {
  const order = { type: "object", properties: { state: { type: "string", enum: ["A"] } } };
  const content = { "application/json": { schema: { $ref: "#/components/schemas/Order" } } };
  const { documents, pass } = start(() => ({
    type: "document",
    document: {
      openapi: "3.0.1",
      paths: {
        "/get": { get: { operationId: "get", responses: { 200: { content } } } },
        "/c": { get: { operationId: "c", parameters: [{ name: "s", in: "cookie" }] } },
      },
      components: { schemas: { Order: order } },
    },
  }));
  const methods = [{ name: "x", operation: "lost", notFound: "exception", exceptions: {} }] as const;
  documents.setNeeds([need(["h1"], { pairing: { ...pairing, methods }, own: ["mine"] })]);
  await pass(2);
  const found = documents.findings((name) =>
    name === "a.A" ? ["get", "mine", "b", "b2", "b3", "b4", "b5", "b6"] : [],
  );
  expect(found.map(({ code, severity, message }) => `${code} ${severity} ${message}`)).toEqual([
    "TR0321 warning the OpenAPI document of a.A has no operation lost",
    "TR0321 warning no operation of the OpenAPI document is for b, b2, b3, b4, b5 and others of a.A",
    "TR0322 info operations that no call of a.A can be: c (parameter s in cookie)",
    "TR0323 info enums without a class, given to callers of a.A as texts: Order.state",
  ]);
});

test("nobody is asked after the end", async () => {
  const { documents, asked, pass } = start(() => FAILED);
  documents.setNeeds([need(["h1"])]);
  documents.close();
  await pass(3);
  expect(asked).toEqual([]);
});
