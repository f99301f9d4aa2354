import { expect, test } from "vitest";
import { ProtocolError } from "../../../src/base/errors.ts";
import { descriptorOf, parseDescriptors, parseJavaType, printJavaType } from "../../../src/codecs/java-types.ts";

test.each([
  ["", []],
  ["J", ["long"]],
  ["ZBCSIJFDV", ["boolean", "byte", "char", "short", "int", "long", "float", "double", "void"]],
  [
    "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;",
    ["java.lang.String", "java.lang.String[]", "java.lang.Object[]"],
  ],
  ["[[I[BLcom/acme/Outer$Inner;", ["int[][]", "byte[]", "com.acme.Outer$Inner"]],
])("the descriptor %s is %j", (descriptor, names) => {
  const types = parseDescriptors(descriptor);
  expect(types.map(printJavaType)).toEqual(names);
  expect(types.map(descriptorOf).join("")).toBe(descriptor);
});

test.each([
  ["int", "int", "I"],
  ["J", "long", "J"],
  ["Ljava/util/List;", "java.util.List", "Ljava/util/List;"],
  ["[Lcom/acme/A;", "com.acme.A[]", "[Lcom/acme/A;"],
  ["java.lang.String[]", "java.lang.String[]", "[Ljava/lang/String;"],
  ["long [] []", "long[][]", "[[J"],
  [
    "java.util.Map < java.lang.String , java.util.List<int[]> >",
    "java.util.Map<java.lang.String,java.util.List<int[]>>",
    "Ljava/util/Map;",
  ],
  ["java.util.List<?>", "java.util.List<java.lang.Object>", "Ljava/util/List;"],
  ["java.util.List<? extends java.lang.Number>", "java.util.List<java.lang.Number>", "Ljava/util/List;"],
  ["List<String>[]", "List<String>[]", "[LList;"],
  ["com.acme.\u00dcbung", "com.acme.\u00dcbung", "Lcom/acme/\u00dcbung;"],
])("the name %s is %s", (text, name, descriptor) => {
  expect(printJavaType(parseJavaType(text))).toBe(name);
  expect(descriptorOf(parseJavaType(text))).toBe(descriptor);
});

test.each([
  "",
  " ",
  "a b",
  "int long",
  "java..A",
  "List<",
  "List<>",
  "List<int",
  "List<int>>",
  "[]",
  "A]",
  "[A",
  "1A",
  "A;",
  "a,b",
  "? extends",
])("%j is no type", (text) => {
  expect(() => parseJavaType(text)).toThrow(ProtocolError);
  expect(() => parseJavaType(text)).toThrow(`no java type: ${JSON.stringify(text)}`);
});

test.each(["[", "L", "L;", "Ljava/lang/String", "Q", "I ", "[".repeat(256) + "I"])("%j is no descriptor", (text) => {
  expect(() => parseDescriptors(text)).toThrow("no java type");
});

test("hostile names end soon", () => {
  const started = performance.now();
  for (const text of [
    " ".repeat(4096),
    "<".repeat(4096),
    "A<".repeat(2000),
    "? ".repeat(2000),
    "x".repeat(1_000_000),
  ]) {
    expect(() => parseJavaType(text)).toThrow("no java type");
  }
  expect(performance.now() - started).toBeLessThan(1_000);
});
