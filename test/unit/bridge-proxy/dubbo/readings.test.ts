import { expect, test } from "vitest";
import {
  attachmentsAsked,
  otherReadings,
  policyLookup,
  refuseDoubleNames,
  typesOf,
} from "../../../../src/bridge-proxy/dubbo/readings.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { GENERIC_DESCRIPTOR, RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { listValue, type Value } from "../../../../src/codecs/value.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";

const { routes } = guardedConfig({ "com.acme.A": {}, "g/com.acme.A": {} });

function headOf(more: Partial<Parameters<typeof encodeRequest>[0]>): RequestHead {
  const parts = { idHigh: 0, idLow: 1, twoWay: true, interface: "com.acme.A", group: "", version: "" };
  const frame = encodeRequest({ ...parts, method: "get", descriptor: "", args: [], attachments: {}, ...more });
  const head = new RequestHead();
  head.scan(frame, HEADER_BYTES, frame.length);
  return head;
}

function generic(method: string, types: Value) {
  return headOf({ method: "$invoke", descriptor: GENERIC_DESCRIPTOR, args: [method, types, listValue([])] });
}

const decision = routes.decide("com.acme.A", "", "get")!.byGroup.get("")!;

test.each<[string, RequestHead, string]>([
  ["a group before the interface", headOf({ interface: "g/com.acme.A" }), "names a group"],
  ["a version behind it", headOf({ interface: "com.acme.A:1.0" }), "several ways"],
  ["a class of other letters", headOf({ descriptor: "La/订单;", args: [null] }), "not ASCII"],
  ["a blank in a generic call's name", generic(" drop", null), "is no name"],
])("%s is refused", (_, head, message) => {
  expect(() => refuseDoubleNames(routes, head, decision)).toThrow(message);
});

test("a context path that is no group is not", () => {
  expect(() => refuseDoubleNames(routes, headOf({ interface: "ctx/com.acme.A" }), decision)).not.toThrow();
});

test("what else a call may be", () => {
  expect(otherReadings(headOf({ method: "drop" }))).toEqual([{ method: "Drop", strict: false }]);
  expect(otherReadings(generic("dro", listValue(["pjava.lang.String"])))).toEqual([
    { method: "Dro", strict: false },
    { method: "drop", strict: true },
  ]);
  expect([undefined, null, listValue(["int"]), "x"].map(typesOf)).toEqual([[], [], ["int"], ["x"]]);
});

test("attachments in several cases of letters are not read, nor a group that may stand in the service's name", () => {
  const attachments = { user: "ann", User: "eve", one: "1" };
  const lookup = policyLookup(headOf({ interface: "ctx/com.acme.A", attachments }), (name) => name);
  expect([lookup("one"), lookup("none"), lookup("dubbo-version")]).toEqual(["one", undefined, "dubbo-version"]);
  expect(() => lookup("user")).toThrow("several cases of letters");
  expect(() => lookup("dubbo-group")).toThrow("may stand in the service's name");
});

test("headers that stand for what a service is called, or who calls, are other attachments", () => {
  expect(attachmentsAsked(["user", "dubbo-application", "dubbo-group", "dubbo-version"])).toEqual([
    ...["path", "group", "version", "user", "remote.application"],
  ]);
});
