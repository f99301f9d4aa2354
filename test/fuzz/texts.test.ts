import { readFileSync } from "node:fs";
import { inspect, isDeepStrictEqual } from "node:util";
import { deflateSync, gzipSync } from "node:zlib";
import { inflated } from "../../src/bridge-proxy/bridge/compression.ts";
import { type JsonNode, JsonNumber, jsonToPlain, parseJson, printJson } from "../../src/codecs/json-text.ts";
import { readPublished } from "../../src/codecs/openapi/published.ts";
import { fuzz } from "../support/fuzz.ts";

/** Decoders of texts and of compressed messages: seeded mutants of what means something. */

const texts = [
  '{"a":[1,-2.5e3,true,false,null,"\\u0041\\n\\ud83d\\ude00"],"__proto__":{"b":{}},"1":9007199254740993}',
  '[{"orderId":42,"lines":[{"sku":"x","quantity":1}],"note":"\u00e9"}]',
  '"text"',
];
/** Documents as services publish them, with their first paths: mutants of them are made soon. */
const documents = ["springdoc-2.8.17.json", "dubbo-3.3.6.json"].map((name) => {
  const document = JSON.parse(readFileSync(`fixtures/rest/${name}`, "utf8"));
  const paths = Object.fromEntries(Object.entries(document.paths).slice(0, 4));
  return Buffer.from(JSON.stringify({ ...document, paths }));
});
const said = { operation: "getOrder", name: "get", notFound: "null", exceptions: {} } as const;
const message = Buffer.from("a message that is long enough to be worth it, worth it, worth it".repeat(20));

/** JSON.parse's value of a text; undefined where it takes none. */
function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Whether two trees are the same to JSON.parse: it keeps no digits, and its objects have a prototype. */
function isSame(node: JsonNode, value: unknown): boolean {
  const plain = JSON.parse(JSON.stringify(jsonToPlain(node)));
  return isDeepStrictEqual(plain, JSON.parse(JSON.stringify(value)));
}

const ODD: readonly unknown[] = [
  ...[null, 0, -1, "", "x", "array", "object", "string", [], {}, true, "\u0000", "a/../b", "{id}", 1e99],
  ...[
    { $ref: "#" },
    { $ref: "#/components/schemas/Order" },
    { $ref: "http://evil/" },
    { allOf: [{ $ref: "#/paths" }] },
  ],
  { type: "object", properties: { __proto__: { type: "string" } } },
];

/** The document with places in it changed: each gets an odd value, or that of another place. */
function edited(document: unknown, edits: number, below: (n: number) => number): { readonly root: unknown } {
  const holder = { root: structuredClone(document) };
  const places: { readonly at: Record<string, unknown>; readonly name: string }[] = [];
  const visit = (at: Record<string, unknown>): void => {
    for (const name of Object.keys(at)) {
      places.push({ at, name });
      if (typeof at[name] === "object" && at[name] !== null) visit(at[name] as Record<string, unknown>);
    }
  };
  visit(holder);
  for (let i = 0; i < edits; i++) {
    const { at, name } = places[below(places.length)]!;
    const from = places[below(places.length)]!;
    at[name] = below(3) === 0 ? structuredClone(from.at[from.name]) : ODD[below(ODD.length)];
  }
  return holder;
}

fuzz([
  {
    name: "json text",
    corpus: texts.map((text) => Buffer.from(text)),
    telling: [...Buffer.from('{}[]",:\\u0-+.eE tn'), 0x00, 0x0a, 0x80, 0xc3, 0xff],
    run: (bytes) => {
      const text = bytes.toString("utf8");
      const other = parsed(text);
      let node: JsonNode | undefined;
      try {
        node = parseJson(text, { maxDepth: 64 });
      } catch (error) {
        if (other !== undefined && !/nested/.test((error as Error).message)) throw new Error(`refused: ${text}`);
        throw error;
      }
      if (other === undefined) throw new Error(`taken: ${text}`);
      if (!isSame(node, other.value)) throw new Error(`read as ${inspect(node)}`);
      const again = parseJson(printJson(node));
      if (!isDeepStrictEqual(again, node)) throw new Error(`printed as ${printJson(node)}`);
      if (node instanceof JsonNumber && node.text !== text.trim()) throw new Error(`digits lost: ${node.text}`);
    },
  },
  {
    name: "published openapi",
    corpus: documents,
    telling: [],
    run: (bytes, below) => {
      // Of mutants that are no JSON, places of the document as it is are changed.
      const document =
        parsed(bytes.toString("utf8"))?.value ?? JSON.parse(documents[below(documents.length)]!.toString());
      const { root } = edited(document, 1 + below(6), below);
      readPublished(root, { path: "/v3/api-docs", package: "com.acme", classes: {}, methods: [], tag: "published" });
      readPublished(root, { path: "/v3/api-docs", package: "com.acme", classes: {}, methods: [said] });
    },
  },
  {
    name: "compressed message",
    corpus: [gzipSync(message), deflateSync(message)],
    telling: [0x1f, 0x8b, 0x78, 0x9c, 0x00, 0x03, 0xff],
    run: (bytes, below) => {
      const limit = below(2_000);
      const plain = inflated(bytes, below(2) === 0 ? "gzip" : "deflate", limit);
      if (plain.length > Math.max(1, limit)) throw new Error(`${plain.length} bytes, over the limit of ${limit}`);
    },
  },
]);
