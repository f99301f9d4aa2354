import { expect, test } from "vitest";
import { argumentText } from "../../../../src/bridge-proxy/dubbo/argument-text.ts";
import { headerLookup } from "../../../../src/bridge-proxy/dubbo/header-lookup.ts";
import { toBeanForm } from "../../../../src/codecs/bean-form.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import {
  dateValue,
  doubleValue,
  listValue,
  mapValue,
  type ObjectValue,
  objectValue,
  type Value,
} from "../../../../src/codecs/value.ts";
import { serviceKey } from "../../../../src/model/service.ts";

function headOf(args: readonly Value[], attachments: Record<string, Value> = {}): RequestHead {
  const frame = encodeRequest({
    idHigh: 0,
    idLow: 1,
    twoWay: true,
    interface: "com.acme.A",
    group: "g",
    version: "1.0.0",
    method: "m",
    descriptor: "Ljava/lang/Object;".repeat(args.length),
    args,
    attachments,
  });
  const head = new RequestHead();
  head.scan(frame, HEADER_BYTES, frame.length);
  return head;
}

const order = objectValue("com.acme.Order", [
  ["id", 9_007_199_254_740_993n],
  ["Sku", "lower wins by exact case only"],
  ["sku", "abc"],
  ["price", objectValue("java.math.BigDecimal", [["value", "1.10"]])],
  ["state", objectValue("com.acme.State", [["name", "PAID"]])],
  ["when", dateValue(894_621_091_000)],
  ["items", listValue([objectValue("com.acme.Item", [["count", 3]]), null])],
  ["nothing", null],
]);

test.each<[string, string | undefined]>([
  ["0.id", "9007199254740993"],
  ["0.sku", "abc"],
  ["0.Sku", "lower wins by exact case only"],
  ["0.SKU", "abc"],
  ["0.price", "1.10"],
  ["0.state", "PAID"],
  ["0.when", "1998-05-08T09:51:31.000Z"],
  ["0.items.0.count", "3"],
  ["0.items.1", undefined],
  ["0.items.7.count", undefined],
  ["0.items", undefined],
  ["0.nothing", undefined],
  ["0.none.deeper", undefined],
  ["0", undefined],
  ["1", "true"],
  ["2", "2.5"],
  ["3.key", "value"],
  ["3.KEY", "value"],
  ["9", undefined],
  ["x", undefined],
])("argument %s is seen as %j", (path, text) => {
  const head = headOf([order, true, doubleValue(2.5), mapValue([["key", "value"]])]);
  expect(argumentText(head, path)).toBe(text);
});

test("arguments of a generic call in the form bean are seen as what their descriptors stand for", () => {
  const head = headOf([toBeanForm(order), toBeanForm("a")]);
  expect(["0.price", "0.items.0.count", "1"].map((path) => argumentText(head, path))).toEqual(["1.10", "3", "a"]);
});

test("a tree of descriptors is read once for all that rules ask of it", () => {
  const descriptor = toBeanForm(order) as ObjectValue;
  const head = { effectiveArgument: () => descriptor };
  expect(argumentText(head, "0.price")).toBe("1.10");
  descriptor.values.fill(null);
  expect(argumentText(head, "0.items.0.count")).toBe("3");
});

test("headers are attachments in any case, and Dubbo's own names", () => {
  const head = headOf([7], { "X-User": "ann", "remote.application": "shop", count: 5 });
  const header = headerLookup(head, serviceKey("com.acme.A", "g", "1.0.0"), "registered");
  expect(
    ["x-user", "count", "dubbo-group", "dubbo-version", "dubbo-application", "dubbo-arg-0", "none"].map(header),
  ).toEqual(["ann", "5", "g", "1.0.0", "shop", "7", undefined]);
});

test("a caller that does not say who it is is known by its registration, and a service without group has none", () => {
  const header = headerLookup(headOf([]), serviceKey("com.acme.A"), "registered");
  expect([header("dubbo-application"), header("dubbo-group"), header("dubbo-version")]).toEqual([
    "registered",
    undefined,
    undefined,
  ]);
  expect(headerLookup(headOf([]), serviceKey("com.acme.A"), undefined)("dubbo-application")).toBeUndefined();
});
