import { expect, test } from "vitest";
import { isReadWhole, JsonView } from "../../../../src/bridge-proxy/triple/json-view.ts";
import { compileJava } from "../../../../src/codecs/java-schema.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { ordersJava } from "../../../support/proto-fixtures.ts";

const java = compileJava(ordersJava);
const headOf = (path: string, contentType = "application/json") =>
  parseRequestHead([":path", path, "content-type", contentType]);
const view = (method: string, text: string, contentType?: string, types: typeof java | undefined = undefined) => {
  const path = `/com.acme.OrderService/${method}`;
  const parts = { java: types, path, contentType: contentType ?? "application/json" };
  return new JsonView(headOf(path.split("?")[0]!, contentType), Buffer.from(text), parts);
};

test.each([
  ["application/json", true],
  ["application/x-www-form-urlencoded", true],
  ["application/grpc", false],
  ["application/proto", false],
])("whether all content of type %s is read: %s", (type, whole) => {
  expect(isReadWhole(headOf("/com.acme.A/get", type))).toBe(whole);
});

test("an array has the arguments, anything else is the only one, nothing is none", () => {
  expect(view("find", '[42, "a"]').effectiveArgument(1)).toBe("a");
  expect(view("find", '"a"').effectiveArgument(0)).toBe("a");
  expect(view("find", "").effectiveArgument(0)).toBeUndefined();
  expect(view("find", "[1]").effectiveArgument(1)).toBeUndefined();
  expect(view("find", "[1]")).toMatchObject({ isGeneric: false, effectiveMethod: "find" });
});

test("where Java's types are known it is they that say what arguments are", () => {
  expect(view("getOrder", "[42]", undefined, java).effectiveArgument(0)).toBe(42n);
  expect(view("getOrder?id=42", "", "application/x-www-form-urlencoded", java).effectiveArgument(0)).toBe(42n);
});

test("what is no JSON, and generic calls, are refused", () => {
  expect(() => view("find", "[")).toThrow(expect.objectContaining({ name: "ProtocolError" }));
  expect(() => view("$invoke", '["find", [], [1]]')).toThrow("generic call");
});
