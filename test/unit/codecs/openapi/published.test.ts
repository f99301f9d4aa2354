import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readPublished } from "../../../../src/codecs/openapi/published.ts";
import type { OpenapiPairing } from "../../../../src/model/schema.ts";

const pairing = (more: Partial<OpenapiPairing> = {}): OpenapiPairing => ({
  ...{ path: "/v3/api-docs", package: "com.acme", classes: {}, methods: [] },
  ...more,
});
const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, "../../../../fixtures/rest", name), "utf8"));
const plain = { notFound: "exception", exceptions: {} } as const;
const long = { type: "integer", format: "int64" };

describe("springdoc's document", () => {
  const document = fixture("springdoc-2.8.17.json");
  const read = readPublished(
    document,
    pairing({ tag: "published", classes: { "Order.status": "com.acme.OrderStatus" } }),
  );
  const methodsOf = (name: string) => read.methods.filter((method) => method.name === name);

  test("has a method for each operation with the tag", () => {
    expect([...new Set(read.methods.map(({ name }) => name))].sort()).toEqual(
      "cancelOrder createOrder fail find getOrder listOrders notes ordersByKey sayHi whoAmI".split(" "),
    );
    expect(methodsOf("getOrder")).toEqual([
      {
        ...{
          name: "getOrder",
          verb: "GET",
          path: "/shop/orders/{id}",
          parameters: [{ name: "id", in: "path" }],
          ...plain,
        },
        likely: { parameterTypes: ["java.lang.Long"], returnType: "com.acme.Order" },
      },
    ]);
    expect(methodsOf("createOrder")).toMatchObject([
      { verb: "POST", parameters: [{ name: "body", in: "body" }], likely: { parameterTypes: ["com.acme.Order"] } },
    ]);
    expect(methodsOf("cancelOrder")).toMatchObject([{ verb: "DELETE", likely: { returnType: "void" } }]);
    expect(methodsOf("listOrders")).toMatchObject([
      { parameters: [{ name: "count", in: "query" }], likely: { returnType: "java.util.List<com.acme.Order>" } },
    ]);
    expect(methodsOf("ordersByKey")).toMatchObject([
      {
        likely: {
          parameterTypes: ["java.util.List<java.lang.String>"],
          returnType: "java.util.Map<java.lang.String,com.acme.Order>",
        },
      },
    ]);
  });

  test("numbers overloads, and methods of other controllers", () => {
    expect(methodsOf("find").map(({ path, likely }) => [path, likely!.parameterTypes[0]])).toEqual([
      ["/shop/notes/{note}/order", "java.lang.String"],
      ["/shop/ids/{id}", "java.lang.Long"],
    ]);
    expect(methodsOf("notes").map(({ path }) => path)).toEqual(["/shop/notes/{key}"]);
  });

  test("describes classes", () => {
    expect(read.types["com.acme.Order"]!.properties).toMatchObject({
      id: "java.lang.Long",
      customer: "com.acme.Customer",
      status: "com.acme.OrderStatus",
      total: "java.math.BigDecimal",
      created: "java.util.Date",
      signature: "byte[]",
      lines: "java.util.List<com.acme.Line>",
    });
    expect([read.unnamed, read.missing]).toEqual([[], []]);
  });

  test("has operations that cannot be methods", () => {
    expect(read.problems).toEqual(["attachments (parameter session in cookie)"]);
  });

  test("says which parameters a request can do without", () => {
    const optionalOf = (tag: string, path: string) =>
      readPublished(document, pairing({ tag })).methods.find((method) => method.path === path)?.likely?.optional;
    expect(optionalOf("orders", "/orders")).toBe(2);
    expect(optionalOf("published", "/shop/orders")).toBeUndefined();
  });

  test("without a tag leaves out the methods of which several controllers have one", () => {
    const all = readPublished(document, pairing());
    expect(all.methods.some(({ name }) => name === "find")).toBe(false);
    expect(all.methods.some(({ name }) => name === "getOrder")).toBe(true);
    expect(all.problems).toContain("find_1 (others have its name and another tag)");
    expect(all.unnamed).toEqual(["Order.status"]);
  });

  test("is paired by names where Java's are others", () => {
    const methods = [
      {
        name: "fetch",
        operation: "getOrder",
        returnType: "org.x.Order",
        parameterTypes: ["long"],
        notFound: "null",
        exceptions: { 409: "org.x.E" },
      },
      { name: "byNote", operation: "find_1", ...plain },
      { name: "gone", operation: "gone", ...plain },
    ] as const;
    const paired = readPublished(document, pairing({ tag: "published", methods }));
    expect(paired.methods.slice(0, 2)).toMatchObject([
      {
        name: "fetch",
        path: "/shop/orders/{id}",
        returnType: "org.x.Order",
        parameterTypes: ["long"],
        notFound: "null",
        exceptions: { 409: "org.x.E" },
      },
      { name: "byNote", path: "/shop/ids/{id}" },
    ]);
    expect(paired.missing).toEqual(["gone"]);
  });
});

describe("Dubbo 3.3's document", () => {
  const read = readPublished(fixture("dubbo-3.3.6.json"), pairing({ package: "not.used" }));

  test("names Java's classes", () => {
    expect(Object.keys(read.types)).toEqual(
      "Customer Node Order OrderLine OrderStatus Times WhoAmI".split(" ").map((name) => `com.acme.${name}`),
    );
    expect(read.methods.find(({ name }) => name === "echoLongKeys")!.likely).toEqual({
      parameterTypes: ["java.util.Map<java.lang.Long,java.lang.String>"],
      returnType: "java.util.Map<java.lang.Long,java.lang.String>",
    });
  });

  test("has methods without a parameter, by bodies without content", () => {
    expect(read.methods.find(({ name }) => name === "whoAmI")).toMatchObject({
      ...{ verb: "POST", path: "/com.acme.OrderService/whoAmI", parameters: [] },
    });
  });
});

describe("an operation", () => {
  const document = (operation: object, path = "/o/{id}", more: object = {}) => ({
    openapi: "3.0.1",
    paths: { [path]: { get: { operationId: "m", responses: { 200: { description: "" } }, ...operation } } },
    ...more,
  });
  const inPath = { name: "id", in: "path", required: true, schema: long };
  const inQuery = (more: object) =>
    document({ parameters: [inPath, { name: "q", in: "query", schema: { type: "string" }, ...more }] });
  const post = (content: object) => ({
    openapi: "3.1.0",
    paths: { "/o": { post: { operationId: "m", requestBody: { content }, responses: {} } } },
  });
  const list = { type: "array", items: { type: "string" } };

  test.each<[string, unknown, string]>([
    ["a cookie", document({ parameters: [inPath, { name: "c", in: "cookie", schema: {} }] }), "parameter c in cookie"],
    ["an object in the query", inQuery({ schema: { type: "object" } }), "parameter q in query is an object"],
    ["another style", inQuery({ style: "deepObject" }), "parameter q in query has style deepObject"],
    ["a list in one text", inQuery({ schema: list, explode: false }), "parameter q in query is a list in one text"],
    [
      "a list in the path",
      document({ parameters: [{ ...inPath, schema: list }] }),
      "parameter id in path is a list in one text",
    ],
    ["content in the query", inQuery({ schema: undefined, content: {} }), "parameter q in query has no schema"],
    [
      "a framing header",
      document({ parameters: [inPath, { name: "Host", in: "header", schema: {} }] }),
      "parameter Host in header is no header that an argument may set",
    ],
    ["a path name that nobody gives", document({ parameters: [] }), "path has {id} and no parameter of that name"],
    [
      "a parameter that the path has not",
      document({ parameters: [inPath, { ...inPath, name: "x" }] }),
      "parameter x in path is not in the path",
    ],
    [
      "no name",
      document({ parameters: [inPath, { in: "query" }] }),
      "parameter  in query has no name that a request can carry",
    ],
    ["a path that is none", document({}, "/o{"), "path has a { without its }"],
    [
      "a form",
      post({ "application/x-www-form-urlencoded": { schema: {} } }),
      "body is application/x-www-form-urlencoded",
    ],
    ["a file", post({ "multipart/form-data": { schema: {} } }), "body is multipart/form-data"],
    [
      "a GET with a body",
      document({ parameters: [inPath], requestBody: { content: { "application/json": {} } } }),
      "a GET with a body",
    ],
    [
      "a stream",
      document({ parameters: [inPath], responses: { 200: { content: { "text/event-stream": {} } } } }),
      "answers a stream",
    ],
    [
      "too many parameters",
      document({
        parameters: [inPath, ...Array.from({ length: 32 }, (_, i) => ({ name: `p${i}`, in: "query", schema: {} }))],
      }),
      "more than 32 parameters",
    ],
  ])("with %s is no method", (_, node, problem) => {
    const read = readPublished(node, pairing());
    expect([read.methods, read.problems]).toEqual([[], [`m (${problem})`]]);
  });

  test("has its path's parameters too, and its own before those", () => {
    const shared = {
      openapi: "3.0.1",
      paths: {
        "/o/{id}": {
          parameters: [inPath, { name: "x", in: "header", schema: { type: "string" } }],
          put: {
            operationId: "m",
            parameters: [{ name: "x", in: "header", schema: long }],
            requestBody: { $ref: "#/components/requestBodies/B" },
            responses: {},
          },
        },
      },
      components: {
        requestBodies: { B: { content: { "application/vnd.acme+json; v=1": { schema: { type: "boolean" } } } } },
      },
    };
    expect(readPublished(shared, pairing()).methods).toMatchObject([
      {
        parameters: [
          { name: "id", in: "path" },
          { name: "x", in: "header" },
          { name: "body", in: "body" },
        ],
        likely: { parameterTypes: ["java.lang.Long", "java.lang.Long", "java.lang.Boolean"], returnType: "void" },
      },
    ]);
  });

  test.each<[string, object, Partial<OpenapiPairing>, string]>([
    [
      "of the first server",
      { servers: [{ url: "https://api.acme.com:8443/shop/v1/" }, { url: "/b" }] },
      {},
      "/shop/v1/o/{id}",
    ],
    ["of a server without a host", { servers: [{ url: "/shop" }] }, {}, "/shop/o/{id}"],
    ["of none with variables", { servers: [{ url: "https://{host}/{base}" }] }, {}, "/o/{id}"],
    ["of the rule", { servers: [{ url: "/shop" }] }, { basePath: "/x" }, "/x/o/{id}"],
  ])("stands behind the path %s", (_, more, said, path) => {
    const read = readPublished(document({ parameters: [inPath] }, "/o/{id}", more), pairing(said));
    expect(read.methods.map((method) => method.path)).toEqual([path]);
  });

  test("with other parameterTypes than it has parameters is no method", () => {
    const methods = [{ name: "m", operation: "m", parameterTypes: ["long", "long"], ...plain }];
    const { problems } = readPublished(document({ parameters: [inPath] }), pairing({ methods }));
    expect(problems).toEqual(["m (has 1 parameters, and the rule 2 parameterTypes)"]);
  });
});

describe("a document", () => {
  test.each<[string, unknown, string]>([
    ["that is a text", "x", "document is not OpenAPI 3: openapi is missing"],
    ["that is null", null, "document is not OpenAPI 3: openapi is missing"],
    ["of Swagger 2", { swagger: "2.0" }, "document is not OpenAPI 3: openapi is missing"],
    ["of OpenAPI 4", { openapi: "4.0.0" }, 'document is not OpenAPI 3: openapi is "4.0.0"'],
    [
      "with too many operations",
      {
        openapi: "3.0.0",
        paths: Object.fromEntries(
          Array.from({ length: 2_001 }, (_, i) => [`/${i}`, { get: { operationId: `o${i}` } }]),
        ),
      },
      "document has more than 2000 operations",
    ],
  ])("%s is refused", (_, document, message) => {
    expect(() => readPublished(document, pairing())).toThrow(message);
  });

  test.each<[string, unknown]>([
    ["without paths", {}],
    ["with paths of another kind", { paths: [1, "x", null] }],
    ["with operations of another kind", { paths: { "/a": { get: 7, post: { operationId: 1 } }, "/b": null } }],
    [
      "with parts of another kind",
      {
        paths: { "/a": { get: { operationId: "1 2", parameters: {}, tags: "x", responses: [] } } },
        components: 3,
        servers: 5,
      },
    ],
  ])("%s has no methods", (_, more) => {
    expect(readPublished({ openapi: "3.0.0", ...(more as object) }, pairing()).methods).toEqual([]);
  });
});

describe("a document that is made to be long to read", () => {
  const parameters = Array.from({ length: 30 }, (_, i) => ({
    ...{ name: `q${i}`, in: "query" },
    schema: { $ref: "#/components/schemas/S" },
  }));
  /** Two thousand paths to one operation. */
  const wide = (operation: object, more: object = {}) => ({
    ...{ openapi: "3.0.1", x: { get: { operationId: "find", ...operation } }, ...more },
    paths: Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`/p${i}`, { $ref: "#/x" }])),
  });
  const read = (document: object) => readPublished(document, pairing());

  test.each<[string, object]>([
    ["tags without end", wide({ tags: Array(100_000).fill("a") })],
    ["parameters without end", wide({ parameters: Array(100_000).fill(0) })],
    ["types without end", wide({ parameters }, { components: { schemas: { S: { type: Array(100_000).fill("a") } } } })],
    ["parts without end", wide({ parameters }, { components: { schemas: { S: { oneOf: Array(100_000).fill(1) } } } })],
    [
      "an enum that all use",
      wide({ parameters }, { components: { schemas: { S: { type: "string", enum: Array(9_999).fill("A") } } } }),
    ],
  ])("is read for all that: %s", (_name, document) => {
    const { methods, problems } = read(document);
    expect([methods.length, problems.length]).toEqual([64, 100]);
    expect(problems[0]).toBe("find (more than 64 have its name)");
  });

  test("is refused where its answers have names without end", () => {
    const responses = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`x${i}`, 0]));
    expect(() => read(wide({ responses }))).toThrow("document takes more than 400000 steps to read");
  });

  test("has no base path where the server's URL has no end", () => {
    const document = { openapi: "3.0.1", paths: { "/a": { get: { operationId: "get" } } } };
    const pathOf = (url: string) => read({ ...document, servers: [{ url }] }).methods[0]!.path;
    expect(pathOf(`/${"/".repeat(1_000_000)}x`)).toBe("/a");
    expect(pathOf("http://h/base/")).toBe("/base/a");
  });
});
