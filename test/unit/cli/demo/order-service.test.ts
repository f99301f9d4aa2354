import { expect, test } from "vitest";
import { answerOrder, ORDER_DESCRIPTORS, ORDER_METHODS } from "../../../../src/cli/demo/order-service.ts";
import { GENERIC_DESCRIPTOR, splitTypes } from "../../../../src/codecs/dubbo2/head.ts";
import { valueToJson } from "../../../../src/codecs/hessian2/json.ts";
import { printJson } from "../../../../src/codecs/json-text.ts";
import { listValue, type Value } from "../../../../src/codecs/value.ts";

function shown(method: string, args: readonly Value[], descriptor = ""): string {
  const outcome = answerOrder("v1", method, descriptor, args);
  return `${outcome.type} ${printJson(valueToJson(outcome.value))}`;
}

test("every method answers with the provider's label", () => {
  expect(shown("sayHello", ["bob"])).toBe('value "hello bob from v1"');
  expect(shown("getOrder", [42n])).toBe(
    'value {"id":42,"item":"teapot","quantity":1,"status":"SHIPPED","servedBy":"v1"}',
  );
  expect(shown("createOrder", ["pot", 2])).toMatch(
    /^value \{"id":\d+,"item":"pot","quantity":2,"status":"NEW","servedBy":"v1"\}$/,
  );
  expect(shown("createOrder", ["pot", 2])).toBe(shown("createOrder", ["pot", 2]));
});

test("generic calls mean the same and get maps with their class", () => {
  const generic = (method: Value, values: Value) => shown("$invoke", [method, null, values], GENERIC_DESCRIPTOR);
  expect(generic("sayHello", listValue(["bob"]))).toBe('value "hello bob from v1"');
  expect(generic("getOrder", listValue([42]))).toMatch(/"servedBy":"v1","class":"com\.acme\.Order"\}$/);
  expect(() => generic(null, null)).toThrow("a generic call names a method");
  expect(() => generic("$invoke", null)).toThrow("a generic call names a method");
});

test("an order that cannot be is an exception, a method that is not there an error", () => {
  expect(answerOrder("v1", "getOrder", "J", [-1n]).type).toBe("exception");
  expect(() => answerOrder("v1", "nosuch", "", [])).toThrow("No such method nosuch in class com.acme.OrderService");
  expect(() => answerOrder("v1", "$invoke", "", ["getOrder"])).toThrow("No such method $invoke");
  expect(() => shown("sayHello", [])).toThrow(
    "No such method sayHello with 0 arguments in class com.acme.OrderService",
  );
  expect(() => shown("$invoke", ["sayHello", null, listValue(["a", "b"])], GENERIC_DESCRIPTOR)).toThrow("2 arguments");
  expect(shown("$echo", ["ping"])).toBe('value "ping"');
});

test("arguments of odd types do not break it", () => {
  for (const method of ORDER_METHODS) {
    for (const value of [null, true, 1, 2n, "x", listValue([])]) {
      const args = splitTypes(ORDER_DESCRIPTORS[method]).map(() => value);
      expect(["value", "exception"]).toContain(answerOrder("v1", method, ORDER_DESCRIPTORS[method], args).type);
    }
    expect(splitTypes(ORDER_DESCRIPTORS[method]).length).toBeGreaterThan(0);
  }
});
