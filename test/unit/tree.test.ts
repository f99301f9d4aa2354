import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { checkTree, maxLines, readTree } from "../support/tree.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

test("the tree keeps its import table, its pure folders, its file lengths, its doc comments and its mirror of unit tests", () => {
  expect(checkTree(readTree(root))).toEqual([]);
});

// The tests of the other unit files share their modules: one that stands in for another would be what they get, too.
test("unit tests that put modules in place of others are the ones that have modules of their own", () => {
  const mocking = [...readTree(root)].filter(([, text]) => /^vi\.(?:do)?mock\(/m.test(text)).map(([path]) => path);
  const config = readFileSync(join(root, "vitest.config.ts"), "utf8");
  expect(mocking.toSorted()).toEqual(config.match(/test\/unit\/[\w/-]+\.test\.ts/g)?.toSorted());
});

interface Case {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: "a clean file with its test",
    files: { "src/model/a.ts": "/** a */ export const a = 1;\n", "test/unit/model/a.test.ts": "" },
    faults: [],
  },
  {
    name: "a file of types needs no test",
    files: { "src/model/a.ts": "/** a */ export type A = string;\n" },
    faults: [],
  },
  {
    name: "an import against the table",
    files: {
      "src/bridge-proxy/a.ts": 'import type { B } from "../control/b.ts";\n/** a */ export type A = B;\n',
      "src/control/b.ts": "/** a */ export type B = 1;\n",
    },
    faults: ["src/bridge-proxy/a.ts: bridge-proxy may not import control (src/control/b.ts)"],
  },
  {
    name: "an import type expression against the table",
    files: {
      "src/base/a.ts": '/** a */ export type A = import("../model/b.ts").B;\n',
      "src/model/b.ts": "/** a */ export type B = 1;\n",
    },
    faults: ["src/base/a.ts: base may not import model (src/model/b.ts)"],
  },
  {
    name: "an import of what is not there",
    files: { "src/model/a.ts": '/** a */ export type { B } from "./b.ts";\n' },
    faults: ["src/model/a.ts: imports src/model/b.ts, which is not a source file"],
  },
  {
    name: "accessors that cost each call, and one that does not",
    files: {
      "src/codecs/a.ts": `/** a */ export type A = { b: number };
const plain = class { #c = 1; get c() { return this.#c; } };
const literal = { get b() { return 1; } };
const hidden = class { get #d() { return 1; } };
`,
      "src/model/a.ts": "const a = { get b() { return 1; } };\n",
      "test/unit/codecs/a.test.ts": "",
      "test/unit/model/a.test.ts": "",
    },
    faults: [
      "src/codecs/a.ts: accessor #d in line 4 is private: make it a method",
      "src/codecs/a.ts: accessor b in line 3 is an object literal's: make it a class",
    ],
  },
  {
    name: "a cycle",
    files: {
      "src/model/a.ts": 'import type { B } from "./b.ts";\n/** a */ export type A = B;\n',
      "src/model/b.ts": 'import type { A } from "./a.ts";\n/** a */ export type B = A;\n',
    },
    faults: ["src/model/a.ts: imports itself by src/model/a.ts -> src/model/b.ts -> src/model/a.ts"],
  },
  {
    name: "input and output in a pure folder",
    files: {
      "src/codecs/x/a.ts":
        'import { connect } from "node:net";\n/** a */ export const a = () => [connect, Date.now(), new Date(), setTimeout(f, 1), process.env];\n',
      "test/unit/codecs/x/a.test.ts": "",
    },
    faults: [
      "src/codecs/x/a.ts: is pure, but imports node:net",
      "src/codecs/x/a.ts: is pure, but uses Date.now in line 2",
      "src/codecs/x/a.ts: is pure, but uses new Date() in line 2",
      "src/codecs/x/a.ts: is pure, but uses process.env in line 2",
      "src/codecs/x/a.ts: is pure, but uses setTimeout in line 2",
    ],
  },
  {
    name: "the clock is where time comes in",
    files: {
      "src/base/clock.ts": "/** a */ export const now = () => Date.now();\n",
      "test/unit/base/clock.test.ts": "",
    },
    faults: [],
  },
  {
    name: "a file that is too long",
    files: { "src/model/a.ts": "/** a */ export type A = 1;\n".repeat(maxLines + 1) },
    faults: [`src/model/a.ts: ${maxLines + 1} lines, over ${maxLines}`],
  },
  {
    name: "exports without a doc comment",
    files: {
      "src/model/a.ts": [
        "/** Of the file, not of what follows. */",
        "",
        "export type A = 1;",
        "// no doc comment",
        "export interface B {}",
        "/** One comment for all overloads. */",
        "export function c(x: string): string;",
        "export function c(x: number): number;",
        "type NotExported = A;",
        "/** The first of two. */",
        "export const d = 1;",
        "export const e = 2, f = 3;",
      ].join("\n"),
      "test/unit/model/a.test.ts": "",
    },
    faults: [
      "src/model/a.ts: exports A without a doc comment in line 3",
      "src/model/a.ts: exports B without a doc comment in line 5",
      "src/model/a.ts: exports e, f without a doc comment in line 12",
    ],
  },
  {
    name: "a folder that nobody documented",
    files: { "src/misc/a.ts": "/** a */ export type A = 1;\n" },
    faults: ["src/misc/a.ts: not in a documented folder of src"],
  },
  {
    name: "code without a test and a test without code",
    files: { "src/model/a.ts": "/** a */ export const a = 1;\n", "test/unit/model/b.test.ts": "" },
    faults: [
      "src/model/a.ts: has no unit test test/unit/model/a.test.ts",
      "test/unit/model/b.test.ts: mirrors no file of src",
    ],
  },
];

test.each(cases)("the tree check on $name", ({ files, faults }) => {
  expect(checkTree(new Map(Object.entries(files)), { "cli/": "as in the real tree" })).toEqual(faults);
});
