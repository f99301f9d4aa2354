import { validate } from "@readme/openapi-parser";
import { expect, test } from "vitest";
import { describeRoutes, MAX_OPERATIONS } from "../../../../src/codecs/openapi/document.ts";
import type { ClusterService } from "../../../../src/codecs/xds/cluster.ts";
import type { Route } from "../../../../src/codecs/xds/route.ts";
import type { JavaDefinition, ServiceSchema } from "../../../../src/model/schema.ts";

const service: ClusterService = { interface: "com.acme.Orders", group: "g", version: "1", host: "h", subset: "" };
const java: JavaDefinition = {
  methods: [
    { name: "ping", parameterTypes: [], returnType: "void" },
    { name: "getOrder", parameterTypes: ["long"], returnType: "com.acme.Order", parameterNames: ["id"] },
    { name: "add", parameterTypes: ["com.acme.Order", "java.util.Map<java.lang.String,int>"], returnType: "boolean" },
    {
      name: "find",
      parameterTypes: ["java.util.List<java.lang.String>"],
      returnType: "java.util.List<com.acme.Order>",
    },
    { name: "find", parameterTypes: ["com.acme.Order"], returnType: "java.util.concurrent.CompletableFuture<long[]>" },
  ],
  types: { "com.acme.Order": { properties: { id: "long", next: "com.acme.Order", at: "java.util.Date" } } },
};

function documentOf(routes: readonly Route[], schema: ServiceSchema | undefined = { name: service.interface, java }) {
  const parts = { title: "shop", routes, schemaOf: () => schema };
  const document = describeRoutes({ ...parts, serviceOf: (name) => (name === "c" ? service : undefined) });
  return document as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>>;
  } & typeof document;
}

const route = (match: Route["match"], prefixRewrite?: string): Route => ({
  match,
  route: { cluster: "c", ...(prefixRewrite !== undefined && { prefixRewrite }) },
});
const get = { headers: [{ name: ":method", stringMatch: { exact: "GET" } }] };

/** What the validator says; it changes what it is given. */
const check = (document: object) => validate(structuredClone(document) as unknown as Parameters<typeof validate>[0]);

test("the document is valid by OpenAPI 3.1's own schema", async () => {
  const document = documentOf([
    route({ prefix: "/orders/" }),
    route({ path: "/alive", ...get }, "/ping"),
    route({ prefix: "/q/", ...get }),
  ]);
  expect(await check(document)).toMatchObject({ valid: true });
  const none = documentOf([]);
  expect(await check(none)).toMatchObject({ valid: true });
});

test("the validator finds what is wrong", async () => {
  const document = { ...documentOf([route({ prefix: "/orders/" })]), info: {} };
  expect(await check(document)).toMatchObject({ valid: false });
});

test("each method has a path, its arguments and its value", () => {
  const { paths } = documentOf([route({ prefix: "/orders/" })]);
  expect(Object.keys(paths)).toEqual(["/orders/add", "/orders/find", "/orders/getOrder", "/orders/ping"]);
  const order = { $ref: "#/components/schemas/com.acme.Order" };
  expect(paths["/orders/getOrder"]!["post"]).toEqual({
    operationId: "com.acme.Orders.getOrder",
    summary: "getOrder(long)",
    tags: ["com.acme.Orders"],
    requestBody: {
      required: true,
      content: {
        "application/json": {
          schema: {
            anyOf: [
              { type: ["integer", "string"], format: "int64" },
              {
                type: "array",
                description: "The arguments of getOrder(long)",
                prefixItems: [{ title: "id", type: ["integer", "string"], format: "int64" }],
                minItems: 1,
                maxItems: 1,
              },
              {
                type: "object",
                description: "The arguments by name",
                properties: { id: { title: "id", type: ["integer", "string"], format: "int64" } },
                required: ["id"],
              },
            ],
          },
        },
      },
    },
    responses: {
      "200": {
        description: "The method's value.",
        content: { "application/json": { schema: { anyOf: [order, { type: "null" }] } } },
      },
      default: { $ref: "#/components/responses/Error" },
    },
  });
  expect(paths["/orders/ping"]!["post"]).toMatchObject({
    requestBody: { required: false, content: { "application/json": { schema: { type: "array", maxItems: 0 } } } },
  });
  expect(paths["/orders/find"]!["post"]).toMatchObject({
    summary: "find(java.util.List<java.lang.String>) or find(com.acme.Order)",
    responses: { "200": { content: { "application/json": { schema: { anyOf: [{}, { type: ["array", "null"] }] } } } } },
  });
});

test.each<[Route["match"], string | undefined, string[]]>([
  [{ prefix: "/" }, undefined, ["/add", "/find", "/getOrder", "/ping"]],
  [{ prefix: "/o" }, undefined, ["/o/add", "/o/find", "/o/getOrder", "/o/ping"]],
  [{ prefix: "/o" }, "/com.acme.Orders/", ["/o/add", "/o/find", "/o/getOrder", "/o/ping"]],
  [{ prefix: "/o/" }, "/x/", ["/o/add", "/o/find", "/o/getOrder", "/o/ping"]],
  [{ prefix: "/o/" }, "/x/get", ["/o/Order"]],
  [{ path: "/o" }, "/x/getOrder", ["/o"]],
  [{ path: "/x/ping" }, undefined, ["/x/ping"]],
  [{ path: "/o" }, "/x/gone", []],
  [{ safeRegex: { regex: "/.*" } }, "/x/getOrder", []],
  [{ prefix: "/{tenant}/" }, undefined, []],
  [{ prefix: "/o/", ...get }, undefined, ["/o/getOrder", "/o/ping"]],
  [{ prefix: "/", headers: [{ name: ":method", stringMatch: { prefix: "P" } }] }, undefined, []],
])("of a route by %j rewritten to %s the paths are %j", (match, rewrite, paths) => {
  expect(Object.keys(documentOf([route(match, rewrite)]).paths)).toEqual(paths);
});

test("a GET has its arguments in the query where all can stand there", () => {
  const { paths } = documentOf([route({ prefix: "/o/", ...get })]);
  expect(paths["/o/getOrder"]!["get"]).toMatchObject({
    summary: "getOrder(long)",
    parameters: [{ name: "id", in: "query", required: true, schema: { type: ["integer", "string"], format: "int64" } }],
  });
  expect(paths["/o/ping"]!["get"]).not.toHaveProperty("parameters");
});

test("the first route of a path counts, and what leads nowhere is left out", () => {
  const direct: Route = { match: { prefix: "/x/" }, directResponse: { status: 404 } };
  const elsewhere: Route = { match: { prefix: "/y/" }, route: { cluster: "unknown" } };
  const weighted: Route = {
    match: { prefix: "/w/" },
    route: {
      weightedClusters: {
        clusters: [
          { name: "unknown", weight: 1 },
          { name: "c", weight: 9 },
        ],
      },
    },
  };
  const { paths } = documentOf([direct, elsewhere, weighted, route({ path: "/w/ping" }, "/getOrder")]);
  expect(Object.keys(paths)).toHaveLength(4);
  expect(paths["/w/ping"]!["post"]!["summary"]).toBe("ping()");
});

test("of a service without types the registry's methods are described, without either nothing", () => {
  const parts = { title: "t", routes: [route({ prefix: "/o/" })], schemaOf: () => undefined };
  const named = describeRoutes({ ...parts, serviceOf: () => ({ ...service, methods: ["a", "b"] }) });
  expect(Object.keys(named["paths"] as object)).toEqual(["/o/a", "/o/b"]);
  expect(describeRoutes({ ...parts, serviceOf: () => service })["paths"]).toEqual({});
});

test("operations are bounded, and the document says so", () => {
  const methods = Array.from({ length: MAX_OPERATIONS + 3 }, (_, i) => `m${i}`);
  const document = describeRoutes({
    title: "t",
    routes: [route({ prefix: "/o/" })],
    schemaOf: () => undefined,
    serviceOf: () => ({ ...service, methods }),
  });
  expect(Object.keys(document["paths"] as object)).toHaveLength(MAX_OPERATIONS);
  expect(document["info"]).toMatchObject({ description: expect.stringContaining("3 more than 5000 are left out") });
});
