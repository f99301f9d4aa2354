import { expect, test } from "vitest";
import { SerializationCheck } from "../../../../src/bridge-proxy/authz/serialization.ts";
import { dubboSubject } from "../../../../src/bridge-proxy/dubbo/subject.ts";
import type { HostDecision } from "../../../../src/bridge-proxy/route.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";

const decision = {
  host: { host: "com.acme.a", key: { interface: "com.acme.A", group: "g", version: "1.0.0" } },
  method: "get",
} as unknown as HostDecision;
const parts = {
  idHigh: 1,
  idLow: 2,
  twoWay: true,
  group: "g",
  version: "1.0.0",
  interface: "com.acme.A",
  method: "get",
  descriptor: "Ljava/lang/String;",
  args: ["x"],
};
const frame = encodeRequest({ ...parts, attachments: { userId: "ann" } });
const call = { frame, serialization: 2, decision, application: "shop", timeLeftMs: 5 };

test("a call is told as a POST with its attachments for headers", () => {
  const { text, header, timeLeftMs } = dubboSubject(call);
  expect(text).toMatchObject({ method: "POST", host: "com.acme.a", protocol: "dubbo", size: frame.length - 16 });
  expect(Object.fromEntries(text.headers)).toMatchObject({
    userid: "ann",
    "dubbo-group": "g",
    "dubbo-version": "1.0.0",
    "dubbo-application": "shop",
  });
  expect([header("userId"), header("dubbo-arg-0"), timeLeftMs]).toEqual(["ann", "x", 5]);
});

test("what several cases of letters say the server is told, and policies behind it do not read", () => {
  const twice = encodeRequest({ ...parts, attachments: { userId: "evil", UserID: "ann" } });
  const { text, header } = dubboSubject({ ...call, frame: twice });
  expect(text.headers.get("userid")).toBe("evil,ann");
  expect(() => header("userId")).toThrow(/several cases/);
});

test("of one that is only carried nothing is told, and nothing can be asked", () => {
  const { text, header, inspect } = dubboSubject({ ...call, serialization: 8 });
  expect(text.headers.size).toBe(0);
  expect(() => header("user")).toThrow(/only carried/);
  const check = new SerializationCheck({ deny: [], allow: [] });
  expect(inspect!(check)).toMatch(/not read/);
  expect(dubboSubject({ ...call, frame: frame.subarray(0, 20) }).text.headers.size).toBe(0);
});
