import { expect, test } from "vitest";
import { cleanText, firstLine } from "../../../src/base/clean-text.ts";

test("control characters are shown as question marks", () => {
  expect(cleanText("a\u001b[31mb\r\n\u0085é中")).toBe("a?[31mb???é中");
});

test.each([
  ["a  \nb", "a"],
  ["a\r\nb", "a"],
  ["", ""],
  ["\u0007x", "?x"],
])("the first line of %j is %j", (text, line) => {
  expect(firstLine(text)).toBe(line);
});
