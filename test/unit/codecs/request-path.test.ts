import { expect, test } from "vitest";
import { barePath, isAmbiguous, loosePath, plainPath } from "../../../src/codecs/request-path.ts";

test("what nobody needed to encode is decoded, all else stays", () => {
  expect(plainPath("/%61%2D%7e/%2f%20")).toBe("/a-~/%2f%20");
});

test("servers that drop parameters, blanks and what is behind the last name read less", () => {
  expect(loosePath("/a;b=1/%20c%21/")).toBe("/a/c!/");
  expect(barePath("/a;b=1/c;d/")).toBe("/a/c");
  expect(barePath("///")).toBe("/");
});

test.each(["/a//b", "/a/../b", "/a%2fb", "/a\\b", "/a/;x/b", "/%00"])("%s is read in several ways", (path) => {
  expect(isAmbiguous(path)).toBe(true);
  expect(isAmbiguous("/a/b;c")).toBe(false);
});
