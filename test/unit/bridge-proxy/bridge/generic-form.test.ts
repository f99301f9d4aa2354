import { describe, expect, test } from "vitest";
import { argumentValues, beanAnswer, valueFormOf } from "../../../../src/bridge-proxy/bridge/generic-form.ts";
import { BEAN_DESCRIPTOR, toBeanForm } from "../../../../src/codecs/bean-form.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { GENERIC_DESCRIPTOR, RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { listValue, objectValue, type Value } from "../../../../src/codecs/value.ts";

const ALIBABA = "com.alibaba.dubbo.common.beanutil.JavaBeanDescriptor";

function headOf(method: string, descriptor: string, args: Value[], attachments: Record<string, Value> = {}) {
  const service = { interface: "a.A", group: "", version: "", method, descriptor, args, attachments };
  const frame = encodeRequest({ idHigh: 0, idLow: 1, twoWay: true, ...service });
  const head = new RequestHead();
  head.scan(frame, HEADER_BYTES, frame.length);
  return head;
}

function generic(style: string | undefined, args: Value[]) {
  const attachments: Record<string, Value> = style === undefined ? {} : { generic: style };
  return headOf("$invoke", GENERIC_DESCRIPTOR, ["get", null, listValue(args)], attachments);
}

describe("the form of a call", () => {
  test.each<[string | undefined, string]>([
    [undefined, "generic"],
    ["true", "generic"],
    ["default", "generic"],
    ["raw.return", "raw"],
    ["bean", "bean"],
  ])("%s is %s", (style, form) => {
    expect(valueFormOf(generic(style, []), "protobuf").form).toBe(form);
  });

  test("that is no generic one is typed, whatever attachment it has", () => {
    expect(valueFormOf(headOf("get", "J", [1n], { generic: "bean" }), "rest").form).toBe("typed");
  });

  test.each(["nativejava", "gson", "protobuf-json"])("%s is refused by name", (style) => {
    const text = `a generic call in the form ${style} is not translated to rest`;
    expect(() => valueFormOf(generic(style, []), "rest")).toThrow(text);
  });

  test("has descriptors of the caller's class", () => {
    expect(valueFormOf(generic("bean", [null, toBeanForm("a", ALIBABA)]), "rest").descriptor).toBe(ALIBABA);
    expect(valueFormOf(generic("bean", []), "rest").descriptor).toBe(BEAN_DESCRIPTOR);
  });
});

describe("arguments", () => {
  test("in descriptors are values, others are as they are", () => {
    const order = objectValue("a.Order", [["id", 7]]);
    const head = generic("bean", [toBeanForm(order), null]);
    expect(argumentValues(head, valueFormOf(head, "rest"))).toEqual([order, null]);
    const typed = headOf("get", "J", [1n]);
    expect(argumentValues(typed, valueFormOf(typed, "rest"))).toEqual([1n]);
  });

  test("that ought to be descriptors and are none are refused", () => {
    const head = generic("bean", ["a"]);
    const text = "argument 0 of a generic call in the form bean is no JavaBeanDescriptor";
    expect(() => argumentValues(head, valueFormOf(head, "rest"))).toThrow(text);
  });
});

test("an answer's enums are told by what is known of their class, else by their capitals", () => {
  const form = { form: "bean", descriptor: ALIBABA } as const;
  const named = objectValue("a.B", [["name", "RED"]]);
  const typeOf = (isEnum: boolean | undefined) =>
    (beanAnswer(named, form, () => isEnum) as { values: Value[] }).values[1];
  expect([typeOf(true), typeOf(false), typeOf(undefined)]).toEqual([2, 7, 2]);
  expect(beanAnswer(null, form, () => false)).toBeNull();
});
