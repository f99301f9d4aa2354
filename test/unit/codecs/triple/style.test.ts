import { expect, test } from "vitest";
import { saysNoJson, saysProtobuf, saysWrapper } from "../../../../src/codecs/triple/style.ts";

test.each<[string, Record<string, string>, "protobuf" | "wrapper" | "unknown"]>([
  ["a Java interface", { interface: "com.acme.A", side: "provider" }, "wrapper"],
  [
    "a Java interface that reads Hessian2 and fastjson2",
    { interface: "a.A", "prefer.serialization": "hessian2" },
    "wrapper",
  ],
  ["a stub of a .proto file", { interface: "a.A", proxy: "nativestub" }, "protobuf"],
  ["a dubbo-go service of a .proto file", { interface: "a.A", "IDL-mode": "IDL" }, "protobuf"],
  ["a dubbo-go service without one", { interface: "a.A", "IDL-mode": "", serialization: "hessian2" }, "wrapper"],
  ["one that serializes by protobuf", { interface: "a.A", serialization: "protobuf" }, "protobuf"],
  ["an endpoint of no Dubbo registry", { version: "v1" }, "unknown"],
])("%s", (_, params, expected) => {
  expect(saysProtobuf(params) ? "protobuf" : saysWrapper(params) ? "wrapper" : "unknown").toBe(expected);
});

test.each([
  ["3.0.15", true],
  ["3.2.18", true],
  ["3.2", true],
  ["3.3.6", false],
  ["3.20.0", false],
  ["4.0.0", false],
  ["dubbo-golang-3.3.2", true],
  [undefined, false],
])("release %s takes no JSON: %s", (release, expected) => {
  expect(saysNoJson(release === undefined ? {} : { release })).toBe(expected);
});

test("dubbo-go takes JSON for services of .proto files", () => {
  expect(saysNoJson({ release: "dubbo-golang-3.3.2", "IDL-mode": "IDL" })).toBe(false);
});
