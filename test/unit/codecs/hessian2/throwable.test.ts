import { expect, test } from "vitest";
import { decodeHessian2 } from "../../../../src/codecs/hessian2/reader.ts";
import { exceptionValue, isThrowable, throwableView } from "../../../../src/codecs/hessian2/throwable.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { listValue, mapValue, type ObjectValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import { hessianVectors } from "../../../support/hessian-vectors.ts";
import { hexOf } from "./attacks.ts";

function recorded(name: string): ObjectValue {
  const vector = hessianVectors("3.2.13").find((row) => row.name === name)!;
  return decodeHessian2(Buffer.from(vector.hex, "hex")) as ObjectValue;
}

test("an exception whose cause is itself has none", () => {
  const view = throwableView(recorded("RuntimeException"));
  expect(view).toEqual({
    exceptionClass: "java.lang.RuntimeException",
    message: "boom",
    cause: null,
    stackTrace: ["com.acme.Shop.buy(Shop.java:12)"],
    fields: new Map(),
  });
});

test("a checked exception keeps its cause and its own fields", () => {
  const view = throwableView(recorded("checked exception with a cause"));
  expect(view.message).toBe("outer");
  expect([...view.fields]).toEqual([
    ["detail", "extra"],
    ["code", 42],
  ]);
  expect(throwableView(view.cause!)).toMatchObject({
    exceptionClass: "java.lang.IllegalArgumentException",
    message: "inner",
    cause: null,
  });
});

test("an exception without a message has null for one", () => {
  expect(throwableView(recorded("exception without a message")).message).toBeNull();
});

test("the smallest exception is a class of one field", () => {
  const hex = hexOf("43 1a 'java.lang.RuntimeException' 91 0d 'detailMessage' 60 0f 'trestle: denied'");
  expect(encodeHessian2(exceptionValue("trestle: denied")).toString("hex")).toBe(hex);
  expect(isThrowable(decodeHessian2(Buffer.from(hex, "hex")))).toBe(true);
});

test.each<readonly [name: string, value: Value, throwable: boolean]>([
  [
    "an exception by its stack trace",
    objectValue("com.acme.Oops", [
      ["detailMessage", "x"],
      ["stackTrace", null],
    ]),
    true,
  ],
  ["an exception by its name", objectValue("com.acme.OopsException", [["detailMessage", "x"]]), true],
  ["an object with such a field", objectValue("com.acme.Mail", [["detailMessage", "x"]]), false],
  ["an object named so without the field", objectValue("com.acme.OopsException", [["x", 1]]), false],
  ["a map", mapValue([["detailMessage", "x"]], "com.acme.OopsException"), false],
  ["a string", "java.lang.RuntimeException", false],
])("%s: whether that is one", (_name, value, throwable) => {
  expect(isThrowable(value)).toBe(throwable);
});

test("frames are shown as Java prints them, and only as many as asked for", () => {
  const frame = (fields: Record<string, Value>): ObjectValue =>
    objectValue("java.lang.StackTraceElement", Object.entries(fields));
  const error = objectValue("E", [
    ["detailMessage", 5],
    ["cause", "x"],
    [
      "stackTrace",
      listValue([
        frame({ declaringClass: "A", methodName: "m", fileName: "A.java", lineNumber: 7 }),
        frame({ declaringClass: "A", methodName: "m", fileName: "A.java", lineNumber: -1 }),
        frame({ declaringClass: "A", methodName: "m", fileName: null, lineNumber: -2 }),
        frame({ declaringClass: "A", methodName: "m", fileName: null, lineNumber: -1 }),
        frame({}),
        "no frame",
      ]),
    ],
  ]);
  const view = throwableView(error);
  expect(view.stackTrace).toEqual([
    "A.m(A.java:7)",
    "A.m(A.java)",
    "A.m(Native Method)",
    "A.m(Unknown Source)",
    "?.?(Unknown Source)",
  ]);
  expect([view.message, view.cause]).toEqual([null, null]);
  expect(throwableView(error, 1).stackTrace).toEqual(["A.m(A.java:7)"]);
});
