import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LineCounter, parseDocument } from "yaml";
import { REST_MAPPING, readRestSpec } from "../../../../../src/control/rules/kinds/rest-mapping.ts";
import { readNode } from "../../../../../src/control/rules/schema.ts";
import type { RestMethod } from "../../../../../src/model/schema.ts";
import { restRule } from "../../../../support/rest-rule.ts";

type Read = { readonly spec: unknown } | undefined;

function read(text: string): { readonly rule: Read; readonly said: readonly string[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const said: string[] = [];
  const report = (code: string, { line }: { readonly line: number }, message: string) =>
    said.push(`${code} ${line} ${message}`);
  const context = { document, file: "a.yaml", lines, report, budget: 10_000 };
  return { rule: readNode(document.contents, REST_MAPPING, "RestMapping", context) as Read, said };
}

function withSpec(spec: string): string {
  return `apiVersion: trestle.io/v1alpha1\nkind: RestMapping\nmetadata: {name: m}\nspec:\n${spec}`;
}

const somewhere = "  interface: com.acme.Orders\n  endpoints: [{address: 10.0.0.7, port: 8080}]\n";
const withMethod = (method: string) => withSpec(`${somewhere}  methods:\n  - ${method}`);

function methodOf(method: string): RestMethod | undefined {
  const { rule, said } = read(withMethod(method));
  expect(said).toEqual([]);
  return readRestSpec(rule?.spec).mapping.methods[0];
}

describe("a RestMapping", () => {
  test("is read whole", () => {
    const { rule, said } = read(restRule("10.0.0.7"));
    expect(said).toEqual([]);
    const { service, host, endpoints, mapping } = readRestSpec(rule?.spec);
    expect(service).toEqual({ interface: "com.acme.OrderService", group: "", version: "" });
    expect(host).toBeUndefined();
    expect(endpoints).toMatchObject([{ address: "10.0.0.7", port: 8080 }]);
    expect(mapping.dates).toBe("iso");
    expect(mapping.methods[0]).toEqual({
      name: "getOrder",
      verb: "GET",
      path: "/orders/{id}",
      parameterTypes: ["long"],
      returnType: "com.acme.Order",
      parameters: [{ name: "id", in: "path" }],
      notFound: "null",
      exceptions: {},
    });
    expect(mapping.methods[1]?.exceptions).toEqual({ "400": "com.acme.OrderException" });
    expect(mapping.types["com.acme.OrderStatus"]).toEqual({ enums: ["NEW", "PAID", "SHIPPED", "CANCELLED"] });
    expect(mapping.types["com.acme.OrderException"]).toEqual({ properties: { code: "int" } });
  });

  test("is read as docs/rest.md has it", () => {
    const text = readFileSync(join(import.meta.dirname, "../../../../../docs/rest.md"), "utf8");
    const examples = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => read(yaml!));
    expect(examples.map(({ said }) => said)).toEqual([[], []]);
    expect(readRestSpec(examples[1]!.rule?.spec).mapping.openapi?.tag).toBe("order-controller");
    expect(readRestSpec(examples[0]!.rule?.spec).mapping.methods.map(({ parameters }) => parameters.length)).toEqual([
      1, 1, 2,
    ]);
  });

  test("takes a host in place of endpoints, in lower case", () => {
    const { rule } = read(
      withSpec(
        "  interface: A\n  group: g\n  version: 0.0.0\n  host: Stock.Shop\n  methods: [{name: a, http: GET /a}]",
      ),
    );
    expect(readRestSpec(rule?.spec)).toMatchObject({
      service: { group: "g", version: "" },
      host: "stock.shop",
      endpoints: [],
    });
  });

  test.each<[string, string, RestMethod["parameters"]]>([
    [
      "the path's names in their order",
      '{name: a, http: "GET /{x}/{y}"}',
      [
        { name: "x", in: "path" },
        { name: "y", in: "path" },
      ],
    ],
    [
      "a body for what a POST's path leaves",
      '{name: a, http: "POST /{x}", parameterTypes: [long, B]}',
      [
        { name: "x", in: "path" },
        { name: "body", in: "body" },
      ],
    ],
    [
      "none of a POST that has none",
      '{name: a, http: "POST /{x}", parameterTypes: [long]}',
      [{ name: "x", in: "path" }],
    ],
    [
      "the query for other names of a GET",
      '{name: a, http: "GET /{x}", parameters: [{name: q}, {name: x}]}',
      [
        { name: "q", in: "query" },
        { name: "x", in: "path" },
      ],
    ],
    [
      "the body for other names of a PUT",
      '{name: a, http: "PUT /{x}", parameters: [{name: x}, {name: b}]}',
      [
        { name: "x", in: "path" },
        { name: "b", in: "body" },
      ],
    ],
    [
      "what they say",
      "{name: a, http: POST /, parameters: [{name: h, in: header}, {name: q, in: query}]}",
      [
        { name: "h", in: "header" },
        { name: "q", in: "query" },
      ],
    ],
  ])("has %s for parameters", (_, method, parameters) => {
    expect(methodOf(method)?.parameters).toEqual(parameters);
  });

  test.each<[string, string]>([
    [
      "{name: a, http: get /a}",
      'TR0209 8 RestMapping.spec.methods[0].http is "get /a"; it must be one of GET, POST, PUT, PATCH, DELETE, a blank and a path, such as "GET /orders/{id}"',
    ],
    ["{name: a, http: GET a}", 'TR0209 8 RestMapping.spec.methods[0].http is "GET a": path does not start with /'],
    ['{name: a, http: "GET /{"}', 'TR0209 8 RestMapping.spec.methods[0].http is "GET /{": path has a { without its }'],
    [
      '{name: a, http: "POST /{x}"}',
      "TR0208 8 RestMapping.spec.methods[0].parameters is missing: the path /{x} does not name all arguments of a",
    ],
    [
      '{name: a, http: "GET /{x}", parameterTypes: [long, int]}',
      "TR0208 8 RestMapping.spec.methods[0].parameters is missing: the path /{x} does not name all arguments of a",
    ],
    [
      "{name: a, http: GET /a, parameterTypes: [int], parameters: [{name: x}, {name: y}]}",
      "TR0209 8 RestMapping.spec.methods[0].parameters has 2 elements, parameterTypes has 1",
    ],
    [
      '{name: a, http: "GET /{x}", parameters: [{name: y}]}',
      "TR0209 8 RestMapping.spec.methods[0].http has {x}, but no parameter in path has that name",
    ],
    [
      "{name: a, http: GET /a, parameters: [{name: x, in: path}]}",
      'TR0209 8 RestMapping.spec.methods[0].parameters has "x" in path, but the path is /a',
    ],
    [
      "{name: a, http: GET /a, parameters: [{name: x}, {name: x}]}",
      'TR0209 8 RestMapping.spec.methods[0].parameters has "x" in query twice',
    ],
    [
      "{name: a, http: GET /a, parameters: [{name: x, in: body}]}",
      'TR0209 8 RestMapping.spec.methods[0].parameters has "x" in body, which a GET has none of',
    ],
    [
      "{name: a, http: GET /a, parameters: [{name: Content-Length, in: header}]}",
      'TR0209 8 RestMapping.spec.methods[0].parameters has "Content-Length" in header, which is no header that an argument may set',
    ],
    [
      '{name: a, http: GET /a, parameters: [{name: "a\\nb", in: header}]}',
      'TR0209 8 RestMapping.spec.methods[0].parameters has "a\\nb" in header, which is no header that an argument may set',
    ],
    [
      "{name: a, http: GET /a, parameters: [{name: x, in: cookie}]}",
      'TR0209 8 RestMapping.spec.methods[0].parameters[0].in is "cookie"; it must be one of path, query, header, body',
    ],
    [
      "{name: a, http: GET /a, returns: 'List<'}",
      'TR0209 8 RestMapping.spec.methods[0].returns is "List<", which is no java type such as "long" or "java.util.List<com.acme.Order>"',
    ],
    [
      "{name: a, http: GET /a, exceptions: {200: E}}",
      'TR0209 8 key "200" of RestMapping.spec.methods[0].exceptions must be an HTTP status from 300 to 599, or "default"',
    ],
    [
      "{name: a-b, http: GET /a}",
      'TR0209 8 RestMapping.spec.methods[0].name is "a-b", which is no java name such as "com.acme.OrderService"',
    ],
    ["{name: a, http: GET /a, method: GET}", 'TR0206 8 unknown field "method" in RestMapping.spec.methods[0]'],
  ])("with the method %s is told", (method, finding) => {
    expect(read(withMethod(method)).said).toEqual([finding]);
  });

  test.each<[string, string, string]>([
    [
      "neither host nor endpoints",
      "  interface: A\n  methods: [{name: a, http: GET /a}]",
      "TR0208 5 RestMapping.spec needs host or endpoints: where the service is",
    ],
    [
      "both",
      `${somewhere}  host: a.b\n  methods: [{name: a, http: GET /a}]`,
      "TR0213 6 RestMapping.spec has both host and endpoints; only one of them may stand",
    ],
    ["no methods", `${somewhere}  methods: []`, "TR0208 7 RestMapping.spec.methods needs at least 1 element"],
    [
      "overloads that nothing tells apart",
      `${somewhere}  methods:\n  - {name: a, http: "GET /{x}"}\n  - {name: a, http: "GET /b/{x}", parameterTypes: [int]}`,
      "TR0214 7 RestMapping.spec.methods has a with 1 parameters twice; parameterTypes must tell overloads apart",
    ],
    [
      "a type that is both",
      `${somewhere}  methods: [{name: a, http: GET /a}]\n  types: {a.B: {enums: [X], properties: {x: int}}}`,
      "TR0213 8 RestMapping.spec.types.a.B has both properties and enums; only one of them may stand",
    ],
  ])("with %s is told", (_, spec, finding) => {
    const { rule, said } = read(withSpec(spec));
    expect(said).toEqual([finding]);
    expect(rule).toBeUndefined();
  });
});

describe("a RestMapping with an OpenAPI document", () => {
  const spec = (more: string) => withSpec(`${somewhere}${more}`);

  test("needs nothing but the place of the service", () => {
    const { rule, said } = read(spec("  openapi: {}"));
    expect(said).toEqual([]);
    expect(readRestSpec(rule?.spec).mapping).toEqual({
      ...{ methods: [], types: {}, dates: "iso" },
      openapi: { path: "/v3/api-docs", package: "com.acme", classes: {}, methods: [] },
    });
  });

  test("says where the document is, what of it counts, and what it cannot know", () => {
    const { rule, said } = read(
      spec(`  openapi: {file: shop.json, basePath: /shop/, tag: orders, package: org.x, classes: {Line: org.x.OrderLine}}
  methods:
  - {name: get, operation: getOrder, parameterTypes: [long], returns: org.x.Order, notFound: null, exceptions: {409: org.x.E}}
  - {name: list}
  - {name: own, http: GET /own}`),
    );
    expect(said).toEqual([]);
    const { methods, openapi } = readRestSpec(rule?.spec).mapping;
    expect(methods.map(({ name }) => name)).toEqual(["own"]);
    expect(openapi).toEqual({
      ...{ path: "/v3/api-docs", file: "shop.json", basePath: "/shop", tag: "orders", package: "org.x" },
      classes: { Line: "org.x.OrderLine" },
      methods: [
        {
          ...{ name: "get", operation: "getOrder", parameterTypes: ["long"], returnType: "org.x.Order" },
          ...{ notFound: "null", exceptions: { 409: "org.x.E" } },
        },
        { name: "list", operation: "list", notFound: "exception", exceptions: {} },
      ],
    });
  });

  test("of an interface without a package has classes without one", () => {
    const { rule } = read(withSpec("  interface: Orders\n  host: orders\n  openapi: {}"));
    expect(readRestSpec(rule?.spec).mapping.openapi?.package).toBe("");
  });

  test.each([
    ["no methods", "", "TR0208 5 RestMapping.spec needs methods or openapi: how its methods are requests"],
    [
      "a method without http",
      "  methods: [{name: a}]",
      "TR0208 7 RestMapping.spec.methods[0].http is missing, and there is no openapi",
    ],
    [
      "a published method twice",
      "  openapi: {}\n  methods: [{name: a}, {name: a, operation: b}]",
      "TR0214 8 RestMapping.spec.methods has the published method a twice",
    ],
    [
      "a method both ways",
      "  openapi: {}\n  methods: [{name: a, operation: b}, {name: a, http: GET /a}]",
      "TR0214 8 RestMapping.spec.methods has the published method a twice",
    ],
    [
      "parameters of a published method",
      "  openapi: {}\n  methods: [{name: a, parameters: []}]",
      "TR0209 8 RestMapping.spec.methods[0].parameters is said beside no http: a published method has the document's",
    ],
    [
      "a path that is none",
      "  openapi: {path: v3}",
      'TR0209 7 RestMapping.spec.openapi.path is "v3", which is no path such as "/v3/api-docs"',
    ],
  ])("is refused with %s", (_, more, text) => {
    expect(read(spec(more)).said).toContain(text);
  });

  test.each([
    ["http and operation", "  openapi: {}\n  methods: [{name: a, http: GET /a, operation: a}]"],
    ["path and file", "  openapi: {path: /a, file: a.json}"],
  ])("is refused with both %s", (_, more) => {
    expect(read(spec(more)).said.join()).toContain("TR0213");
  });
});
