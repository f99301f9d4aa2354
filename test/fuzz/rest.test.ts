import { expect, test } from "vitest";
import { CallError, ProtocolError } from "../../src/base/errors.ts";
import { decodeRestAnswer } from "../../src/codecs/rest/answer.ts";
import { restServiceOf } from "../../src/codecs/rest/mapping.ts";
import { encodeRestRequest } from "../../src/codecs/rest/request.ts";
import { parseTemplate, printPath } from "../../src/codecs/rest/template.ts";
import fc from "../support/fast-check.ts";
import { restMethod, restSchema } from "../support/rest-schema.ts";

const TYPES = [
  "int",
  "java.lang.String",
  "byte[]",
  "java.util.Date",
  "com.acme.Order",
  "java.util.List<com.acme.Order>",
  "java.util.Map<java.lang.Long,com.acme.State>",
  "java.lang.Object",
  "java.time.LocalDateTime",
];
const service = restServiceOf(
  restSchema(
    [
      ...TYPES.map((returnType, i) =>
        restMethod(`m${i}`, "GET /", [], {
          returnType,
          notFound: i % 2 === 0 ? "null" : "exception",
          exceptions: { default: "com.acme.E" },
        }),
      ),
      restMethod("untyped", "GET /", []),
    ],
    {
      types: {
        "com.acme.Order": { properties: { id: "long", state: "com.acme.State", next: "com.acme.Order" } },
        "com.acme.State": { enums: ["NEW"] },
        "com.acme.E": { properties: { code: "int" } },
      },
    },
  ),
)!;
const operations = [...TYPES.map((_, i) => `m${i}`), "untyped"].map((name) => service.find(name, 0, [])!);

/** Throws what is neither a fault of the peer nor of the call. */
function tolerated(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ProtocolError || error instanceof CallError)) throw error;
  }
}

const member = fc.constantFrom("id", "state", "next", "code", "message", "class", "__proto__", "x");
const json = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, 0, -1.5, 9007199254740991, "NEW", "2024-01-01T00:00:00Z", "", "\u0000"),
    fc.array(tie("node"), { maxLength: 3 }),
    fc.dictionary(member, tie("node"), { maxKeys: 4 }),
  ),
})).node;

test("any answer is an outcome or a fault", () => {
  const body = fc.oneof(
    json.map((value) => Buffer.from(JSON.stringify(value))),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: "binary", maxLength: 64 }).map((text) => Buffer.from(text)),
  );
  const contentType = fc.oneof(
    fc.constantFrom(
      "",
      "application/json",
      "application/problem+json;charset=UTF-8",
      "text/plain",
      "text/html",
      "image/png",
    ),
    fc.string({ maxLength: 40 }),
  );
  const status = fc.oneof(fc.constantFrom(200, 204, 302, 404, 409, 500, 503, 504), fc.integer({ min: 100, max: 999 }));
  fc.assert(
    fc.property(fc.constantFrom(...operations), status, contentType, body, (operation, code, type, bytes) => {
      tolerated(() => {
        const answer = { status: code, contentType: type, contentEncoding: "", body: bytes };
        const outcome = decodeRestAnswer(service, operation, answer);
        expect(["value", "exception", "unavailable", "timeout"]).toContain(outcome.type);
      });
    }),
    { numRuns: 3_000 },
  );
});

test("no argument makes a path, a query or a header of another shape", () => {
  const operation = restServiceOf(
    restSchema([
      restMethod("m", "PUT /a/{p}/b", [
        { name: "p", in: "path" },
        { name: "q", in: "query" },
        { name: "h", in: "header" },
        { name: "b", in: "body" },
      ]),
    ]),
  )!.find("m", 4, undefined)!;
  const text = fc.string({ unit: "binary", maxLength: 30 });
  fc.assert(
    fc.property(text, text, text, text, text, text, (p, q, h, b, name, value) => {
      tolerated(() => {
        const attachments: [string, string][] = [[name, value]];
        const { target, fields, body } = encodeRestRequest({
          operation,
          args: [p, q, h, b],
          attachments,
          dates: "iso",
          generic: false,
          isBean: () => false,
        });
        const [path, query] = target.split("?") as [string, string];
        expect(path.split("/")).toHaveLength(4);
        expect(decodeURIComponent(path.split("/")[2]!)).toBe(p);
        expect(query.split("&")).toHaveLength(1);
        expect(decodeURIComponent(query.slice(2))).toBe(q);
        expect(target).toMatch(/^[!-~]+$/);
        for (const [field, said] of fields) {
          expect(field).toMatch(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/);
          expect(said).not.toMatch(/[\r\n\0]/);
        }
        expect(JSON.parse(body!.toString("utf8"))).toBe(b);
      });
    }),
    { numRuns: 3_000 },
  );
});

test("any text is a template or a fault, and a template prints a path", () => {
  const part = fc.constantFrom("/", "{", "}", "a", "{id}", "{x:[0-9]{2}}", "?", "&", "%20", "..", " ");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      tolerated(() => {
        const template = parseTemplate(parts.join(""));
        expect(template.texts).toHaveLength(template.names.length + 1);
        expect(printPath(template, () => "v")).toMatch(/^\/[!-~]*$/);
      });
    }),
    { numRuns: 3_000 },
  );
});
