import { expect, test, vi } from "vitest";
import { parse, stringify } from "yaml";
import { toServiceEntry } from "../../../../src/registry-sync/entries/service-entry.ts";
import { printYaml, readYaml } from "../../../../src/registry-sync/sinks/plain-yaml.ts";
import fc from "../../../support/fast-check.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

vi.mock("yaml", async (original) => {
  const yaml = await original<typeof import("yaml")>();
  return { ...yaml, parse: vi.fn(yaml.parse) };
});

const OPTIONS = { lineWidth: 0, aliasDuplicateObjects: false, compat: "yaml-1.1" } as const;

const texts: readonly string[] = [
  ...[
    "",
    "plain",
    "a.b/c-d_e",
    "true",
    "No",
    "null",
    "~",
    "1",
    "-1",
    "1.5",
    "0x10",
    "1e5",
    "1.0.0",
    "10.0.0.1",
    "zookeeper-10.77.0.1:2181",
    "a:b:",
    "a::b",
    "a,b",
    "a b",
  ],
  ...[
    "a: b",
    "a #b",
    "#a",
    "- a",
    "-",
    "?",
    ":",
    "[a]",
    "{a}",
    "'a'",
    '"a"',
    "a'b",
    'a"b',
    "a\\b",
    " a",
    "a ",
    "\ta",
    "@a",
    "`a",
    "|",
    ">",
  ],
  ...[
    "杭州",
    "a\u0000b",
    "a\u2028b",
    "\ufeff",
    "a\nb",
    "a\n",
    "\na",
    "a\n\nb",
    " a\nb",
    "a\n b",
    "a \nb",
    "a\r\nb",
    '{"a":[\n"b"\n]}',
    "%a",
    "&a",
    "*a",
    "!a",
  ],
  ...["2001-01-01", "12:30", ".inf", "Infinity", "__proto__", "<<", "x".repeat(2_000), "=", "y", "on"],
];

test.each(texts.map((text) => [JSON.stringify(text).slice(0, 40), text]))(
  "a text is written and read as by the package: %s",
  (_, text) => {
    for (const value of [
      { k: text },
      { k: { l: text } },
      { k: [text, "b"] },
      { k: [{ a: text, b: "c" }, { a: 1 }] },
      { [text]: "v" },
    ]) {
      const written = stringify(value, OPTIONS);
      expect(printYaml(value)).toBe(written);
      expect(readYaml(written)).toEqual(parse(written, { maxAliasCount: 0 }));
    }
  },
);

test("an entry is written and read as by the package", () => {
  const one = entry("g/com.acme.OrderService:1.0.0", [
    endpoint("10.0.0.1", {
      params: { application: "shop", methods: "a,b", timestamp: "1700000000000", "a b": "no label" },
    }),
    endpoint("10.0.0.2:20881", { weight: 5, tag: "gray", params: { application: "shop", region: "杭州" } }),
  ]);
  for (const value of [one, entry("a.A", []), { ...one, endpoints: [one.endpoints[0]!] }].map((each) =>
    toServiceEntry(each, "me"),
  )) {
    const written = stringify(value, OPTIONS);
    expect(printYaml(value)).toBe(written);
    expect(readYaml(written)).toEqual(value);
  }
});

test("an ordinary entry is read without the package", () => {
  const one = entry("g/com.acme.OrderService:1.0.0", [
    endpoint("10.0.0.1", {
      origin: "zookeeper-10.77.0.1:2181",
      params: {
        application: "shop",
        methods: "a,b",
        timestamp: "1700000000000",
        deprecated: "false",
        release: "2.7.23",
      },
    }),
  ]);
  const written = printYaml(toServiceEntry(one, "trestle"));
  vi.mocked(parse).mockClear();
  expect(readYaml(written)).toEqual(toServiceEntry(one, "trestle"));
  expect(parse).not.toHaveBeenCalled();
});

const scalar = fc.oneof(
  fc.string(),
  fc.constantFrom(...texts),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const tree = fc.letrec((tie) => ({
  node: fc.oneof({ depthSize: "small" }, scalar, tie("map"), tie("list")),
  map: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("a", "b.c", "d/e")), tie("node"), {
    maxKeys: 5,
    noNullPrototype: true,
  }),
  list: fc.array(tie("node"), { maxLength: 4 }),
}));

test("any tree is written as by the package, and read as by it", () => {
  fc.assert(
    fc.property(tree.map, (value) => {
      const written = stringify(value, OPTIONS);
      expect(printYaml(value as object)).toBe(written);
      expect(readYaml(written)).toEqual(parse(written, { maxAliasCount: 0 }));
    }),
  );
});

const line = fc.tuple(
  fc.nat(8),
  fc.constantFrom(
    "a:",
    "a: b",
    "- a: b",
    "- a",
    "-",
    "- - a",
    "a: |-",
    "a: >",
    "b: 1",
    "c: [",
    "d: {}",
    "# x",
    "",
    "---",
    "a: &x 1",
    "a: *x",
    "text",
  ),
);

test("any lines are read as by the package, or refused as by it", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const text = lines.map(([indent, rest]) => `${" ".repeat(indent)}${rest}\n`).join("");
      const read = (how: () => unknown) => {
        try {
          return { value: how() };
        } catch {
          return "refused";
        }
      };
      expect(read(() => readYaml(text))).toEqual(read(() => parse(text, { maxAliasCount: 0, logLevel: "silent" })));
    }),
    { numRuns: 500 },
  );
});

test.each(["yes", "NO", "on", "12:30", "1_000", "2024-01-01", "010"])(
  "%s is a text for readers of YAML 1.1 too",
  (text) => {
    expect(printYaml({ k: text })).toBe(`k: "${text}"\n`);
    expect(parse(printYaml({ k: text }), { version: "1.1" })).toEqual({ k: text });
  },
);
