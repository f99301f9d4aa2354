import { describe, expect, test } from "vitest";
import { ClassNameWalker } from "../../../../src/codecs/hessian2/class-names.ts";

function walk(hex: string, count = 1, limits = {}): { names: string[]; behind: number } {
  const bytes = Buffer.from(hex.replace(/\s/g, ""), "hex");
  const names: string[] = [];
  const behind = new ClassNameWalker(limits).walk(bytes, 0, bytes.length, count, (name) => names.push(name));
  return { names, behind };
}
const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]).toString("hex");

describe("names are told of", () => {
  const rows: [string, string, string[]][] = [
    ["a class definition", `43 ${text("a.B")} 91 ${text("f")} 60 90`, ["a.B"]],
    ["one that is used twice", `7a 43 ${text("a.B")} 90 60 60`, ["a.B"]],
    ["one inside another", `43 ${text("a.B")} 91 ${text("f")} 60 43 ${text("c.D")} 90 61`, ["a.B", "c.D"]],
    ["one that nothing is of", `43 ${text("a.B")} 90 91`, ["a.B"]],
    ["a typed map", `4d ${text("a.Map")} 5a`, ["a.Map"]],
    ["a typed list", `71 ${text("[a.B")} 90`, ["[a.B"]],
    ["a typed list of a long form", `56 ${text("[int")} 91 90`, ["[int"]],
    ["a typed list without length", `55 ${text("a.L")} 90 5a`, ["a.L"]],
    ["a type by its number", `7a 71 ${text("a.L")} 90 71 90 91`, ["a.L"]],
    ["a name in chunks", "43 52 0002 612e 01 42 90 60", ["a.B"]],
    ["a type in chunks", "4d 52 0002 612e 01 42 5a", ["a.B"]],
    ["a text that looks like one", `48 ${text("class")} ${text("a.B")} 5a`, []],
  ];
  test.each(rows)("%s", (_, hex, names) => {
    expect(walk(hex).names).toEqual(names);
  });
});

test("values are walked to their end, and what is no value is an error", () => {
  expect(walk(`43 ${text("a.B")} 90 60 91 4e`, 2).behind).toBe(8);
  expect(() => walk("43 05 61")).toThrow();
  expect(() => walk("79 79 79 79 90", 1, { maxDepth: 3 })).toThrow(/deeper than maxDepth 3/);
  expect(() => walk("56 04 5b696e74 49 7fffffff")).toThrow(/announced/);
});
