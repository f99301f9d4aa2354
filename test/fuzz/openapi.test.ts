import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ProtocolError } from "../../src/base/errors.ts";
import { type ReadDocument, readPublished } from "../../src/codecs/openapi/published.ts";
import { restServiceOf } from "../../src/codecs/rest/mapping.ts";
import type { OpenapiPairing } from "../../src/model/schema.ts";
import fc from "../support/fast-check.ts";
import { restSchema } from "../support/rest-schema.ts";

const pairing: OpenapiPairing = {
  path: "/",
  package: "com.acme",
  classes: { "Order.status": "com.acme.S" },
  methods: [],
};
const fixtures = ["springdoc-2.8.17.json", "dubbo-3.3.6.json"].map((name) =>
  readFileSync(join(import.meta.dirname, "../../fixtures/rest", name), "utf8"),
);

/** What is made of a document can be used; a document that is refused is refused in the one way. */
function readAndUse(document: unknown): void {
  let read: ReadDocument;
  try {
    read = readPublished(document, pairing);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return;
  }
  const service = restServiceOf({ ...restSchema([]), published: read })!;
  for (const { name, likely } of read.methods)
    service.find(name, likely!.parameterTypes.length, likely!.parameterTypes);
  expect(service.java.methods.length).toBe(read.methods.length);
}

const word = fc.constantFrom(
  ...[
    "openapi",
    "3.0.1",
    "paths",
    "/a",
    "/a/{id}",
    "get",
    "post",
    "operationId",
    "m",
    "m_1",
    "parameters",
    "name",
    "in",
    "path",
    "query",
  ],
  ...[
    "schema",
    "$ref",
    "#/components/schemas/A",
    "#/components/schemas/B",
    "#/components",
    "#/",
    "components",
    "schemas",
    "A",
    "B",
  ],
  ...[
    "type",
    "object",
    "array",
    "string",
    "enum",
    "items",
    "properties",
    "allOf",
    "oneOf",
    "additionalProperties",
    "x-java-class",
  ],
  ...[
    "requestBody",
    "content",
    "application/json",
    "responses",
    "200",
    "servers",
    "url",
    "tags",
    "__proto__",
    "constructor",
    "id",
  ],
);
const { node } = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: "medium" },
    word,
    fc.constantFrom(null, true, 7),
    fc.array(tie("node"), { maxLength: 3 }),
    fc.dictionary(word, tie("node"), { maxKeys: 5 }),
  ),
}));

test("documents of any content are read or refused", () => {
  fc.assert(
    fc.property(node, node, node, (paths, components, more) => {
      const others = typeof more === "object" && more !== null ? more : {};
      readAndUse({ ...others, openapi: "3.1.0", paths, components });
      readAndUse({
        openapi: "3.0.1",
        paths: { "/a/{id}": { get: paths, post: more } },
        components: { schemas: { A: components, B: more } },
      });
    }),
    { numRuns: 1_000 },
  );
});

test("real documents with a few words put elsewhere are read or refused", () => {
  const words = fixtures.map((text) => text.match(/"[^"]*"/g)!);
  fc.assert(
    fc.property(fc.nat(1), fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 6 }), (which, swaps) => {
      const list = words[which]!;
      const put = new Map(swaps.map(([at, from]) => [at % list.length, list[from % list.length]!]));
      let nth = 0;
      readAndUse(JSON.parse(fixtures[which]!.replace(/"[^"]*"/g, (one) => put.get(nth++) ?? one)));
    }),
    { numRuns: 300 },
  );
});
