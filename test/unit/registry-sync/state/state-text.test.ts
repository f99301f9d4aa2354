import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  printStateEntry,
  printStateGone,
  printStateHead,
  printStateNoSchema,
  printStateSchema,
  readStateText,
  type StateText,
  stateIdOf,
} from "../../../../src/registry-sync/state/state-text.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const head = printStateHead("legacy");
const a = entry("a.A", [endpoint("10.0.0.1", { token: "t", labels: { lane: "x" }, params: { p: "1" } })]);
const b = { ...entry("g/b.B:1.0", []), writtenHost: "B.B" };
const schema = { name: "a.A", java: { methods: [], types: {} } };
const read = (text: string) => readStateText(text, "legacy") as StateText;

test("what was written is read back, sorted by host", () => {
  const text = head + printStateEntry(b) + printStateEntry(a) + printStateSchema(schema as never);
  const { entries, schemas, lines } = read(text);
  expect([entries, schemas, lines]).toEqual([[a, b], [schema], 4]);
});

test("of lines for one thing the last counts", () => {
  const newer = { ...a, endpoints: [] };
  const text = [
    head,
    printStateEntry(a),
    printStateEntry(b),
    printStateSchema(schema as never),
    printStateEntry(newer),
    printStateGone(stateIdOf(b)),
    printStateNoSchema("a.A"),
  ].join("");
  expect(read(text)).toEqual({ entries: [newer], schemas: [], lines: 7 });
});

test("a last line that was cut off by a crash is left out, at every byte", () => {
  const line = printStateEntry(b);
  for (let length = 0; length < line.length; length++)
    expect(read(head + printStateEntry(a) + line.slice(0, length)).entries).toEqual([a]);
});

describe("a damaged text is refused as a whole", () => {
  const flipped = printStateEntry(a).replace('"10.0.0.1"', '"10.0.0.9"');
  test.each([
    ["nothing", "", "it is empty"],
    ["a bit in the middle", head + flipped + printStateEntry(b), "line 2 is damaged"],
    ["no checksum", `${head}{"entry":{}}\n`, "line 2 is damaged"],
    [
      "another version",
      withSum('{"trestle":"state","version":2,"registry":"legacy"}'),
      "it has version 2, and 1 is read",
    ],
    ["another file", withSum('{"trestle":"audit"}'), "it is no state file"],
    ["another registry's", printStateHead("other"), 'it is of registry "other"'],
    ["an unknown line", head + withSum('{"what":1}'), "line 2 says nothing that is known"],
    ["no entry", head + withSum('{"entry":{"host":"a"}}'), "line 2 says nothing that is known"],
    [
      "an endpoint without a port",
      head + printStateEntry({ ...a, endpoints: [{ ...endpoint("10.0.0.1"), port: undefined as never }] }),
      "line 2 says nothing that is known",
    ],
    [
      "a parameter that is no text",
      head + printStateEntry({ ...a, endpoints: [endpoint("10.0.0.1", { params: { a: 1 as never } })] }),
      "line 2 says nothing that is known",
    ],
  ])("%s", (_name, text, fault) => {
    expect(readStateText(text, "legacy")).toBe(fault);
  });
});

test("any bytes give a state or a fault, never an exception", () => {
  const text = head + printStateEntry(a) + printStateEntry(b);
  for (let at = 0; at < text.length; at += 3) {
    const broken = `${text.slice(0, at)}\u0000${text.slice(at + 1)}`;
    const got = readStateText(broken, "legacy");
    expect(typeof got === "string" || got.entries.length <= 2).toBe(true);
  }
});

/** JSON as a line with the checksum that it should have. */
function withSum(json: string): string {
  return `${createHash("sha256").update(json).digest("hex").slice(0, 8)} ${json}\n`;
}
