import { expect, test } from "vitest";
import { DEFAULT_MESH, namespaceOf, parseLocality, printLocality } from "../../../src/model/mesh.ts";

test.each([
  { text: "region", parts: ["region", "", ""] },
  { text: "region/zone", parts: ["region", "zone", ""] },
  { text: "region/zone/sub/rack", parts: ["region", "zone", "sub/rack"] },
])("$text is read and printed", ({ text, parts }) => {
  const locality = parseLocality(text)!;
  expect([locality.region, locality.zone, locality.subZone]).toEqual(parts);
  expect(printLocality(locality)).toBe(text);
});

test("an empty text is no locality", () => {
  expect(parseLocality("")).toBeUndefined();
});

test("what names no namespace is in the mesh's", () => {
  expect(namespaceOf({}, DEFAULT_MESH)).toBe("default");
  expect(namespaceOf({ namespace: "shop" }, DEFAULT_MESH)).toBe("shop");
});
