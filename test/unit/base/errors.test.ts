import { expect, test } from "vitest";
import { CallError, CODES, ConfigError, ProtocolError } from "../../../src/base/errors.ts";

test("codes stand at gRPC's numbers", () => {
  expect(CODES.length).toBe(17);
  expect([
    CODES.indexOf("ok"),
    CODES.indexOf("unimplemented"),
    CODES.indexOf("unavailable"),
    CODES.indexOf("unauthenticated"),
  ]).toEqual([0, 12, 14, 16]);
});

test("errors carry what their handlers need", () => {
  expect(new ProtocolError("dubbo2", "bad", 7)).toMatchObject({ protocol: "dubbo2", offset: 7, message: "bad" });
  expect(new ProtocolError("dubbo2", "bad").offset).toBe(-1);
  expect(new CallError("unavailable", "reset", "gone")).toMatchObject({ code: "unavailable", reason: "reset" });
  const position = { file: "a.yaml", line: 3, column: 5 };
  expect(new ConfigError("spec.http", "wrong", position)).toMatchObject({ path: "spec.http", position });
});
