import { expect, test } from "vitest";
import { editFrame, editsFor } from "../../../../src/bridge-proxy/dubbo/edits.ts";
import type { Target } from "../../../../src/bridge-proxy/route.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { serviceKey } from "../../../../src/model/service.ts";

const key = serviceKey("com.acme.A", "g", "1.0.0");
const target = (service: object, mutations?: Target["mutations"]): Target =>
  ({ cluster: { service: { ...key, ...service } }, upTo: 1, mutations }) as unknown as Target;

test("nothing is changed for the service's own cluster without mutations", () => {
  expect(editsFor(key, "get", { mutations: undefined, target: target({}) })).toBeUndefined();
  const frame = Buffer.from("dabbc200", "hex");
  expect(editFrame(frame, undefined)).toBe(frame);
});

test("another service's names are written in whole", () => {
  expect(editsFor(key, "get", { mutations: undefined, target: target({ version: "2.0.0" }) })).toMatchObject({
    service: "com.acme.A",
    group: "g",
    version: "2.0.0",
  });
});

test("the destination's mutations come after the route's", () => {
  const edits = editsFor(key, "get", {
    mutations: { set: [["a", "1"]], add: [], remove: ["x"] },
    target: target({}, { set: [["a", "2"]], add: [["b", "3"]], remove: ["y"] }),
  });
  expect(edits).toEqual({
    set: [
      ["a", "1"],
      ["a", "2"],
    ],
    add: [["b", "3"]],
    remove: ["x", "y"],
  });
});

test("a rewrite names interface and method, whatever the destination's are; group and version are the destination's", () => {
  const named = { interface: "com.acme.B", method: "find" };
  const to = (service: object) => editsFor(key, "get", { mutations: undefined, target: target(service), named });
  expect(to({})).toMatchObject({ service: "com.acme.B", group: "g", version: "1.0.0", method: "find" });
  expect(to({ interface: "com.acme.C", group: "" })).toMatchObject({
    service: "com.acme.B",
    group: "",
    method: "find",
  });
  const same = { interface: "com.acme.A", method: "get" };
  expect(editsFor(key, "get", { mutations: undefined, target: target({}), named: same })).toBeUndefined();
});

test("what cannot be read is not changed", () => {
  const frame = encodeRequest({
    idHigh: 0,
    idLow: 0,
    twoWay: true,
    interface: "A",
    group: "",
    version: "",
    method: "m",
    descriptor: "I",
    args: [1],
    attachments: {},
  });
  const edits = { set: [["a", "1"]] as const };
  expect(editFrame(frame, edits)!.length).toBe(frame.length + 4);
  const kryo = Buffer.from(frame);
  kryo[2] = 0xc8;
  expect(editFrame(kryo, edits)).toBeUndefined();
  expect(editFrame(frame.subarray(0, 40), edits)).toBeUndefined();
});
