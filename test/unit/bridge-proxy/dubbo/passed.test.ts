import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { rulingOf } from "../../../../src/bridge-proxy/dubbo/guard.ts";
import { headerLookup } from "../../../../src/bridge-proxy/dubbo/header-lookup.ts";
import { asksOf, createLane, type Lane } from "../../../../src/bridge-proxy/dubbo/lanes.ts";
import { PassedCalls, passedCalls } from "../../../../src/bridge-proxy/dubbo/passed.ts";
import { encodeRequest } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import type { Value } from "../../../../src/codecs/value.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";
import { policyText } from "../../../support/policies.ts";
import { seededRandom } from "../../../support/random.ts";

const KEY = "com.acme.A:1.0.0";
const peer = peerFrom("10.0.0.1");
const context = { limits: { maxCallMs: 600_000 } } as unknown as ProxyContext;
const byUser = policyText("u", "{action: DENY, rules: [{when: [{key: 'request.headers[user]', values: [bob]}]}]}");
const byApp = policyText(
  "app",
  "{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-application]', values: [bad]}]}]}",
);
const usual = { path: "com.acme.A", "remote.application": "shop", version: "1.0.0", user: "ann" };

function frameOf(attachments: Record<string, Value>, method = "get", args: readonly Value[] = ["x"]): Buffer {
  const parts = { idHigh: 1, idLow: 2, twoWay: true, interface: "com.acme.A", group: "", version: "1.0.0" };
  return encodeRequest({ ...parts, method, descriptor: "Ljava/lang/String;", args, attachments });
}

function headOf(frame: Buffer): RequestHead {
  const head = new RequestHead();
  head.scan(frame, HEADER_BYTES, frame.length);
  return head;
}

/** A lane of a service under policies, and what it says of a frame in full, having learnt from those that pass. */
function laneUnder(policies: readonly string[]): { lane: Lane; judge: (frame: Buffer) => boolean } {
  const config = guardedConfig({ [KEY]: { policies } });
  const lane = createLane(config, context, headOf(frameOf(usual)), peer);
  const judge = (frame: Buffer): boolean => {
    const head = headOf(frame);
    const header = headerLookup(head, lane.host!.host.key, undefined);
    const parts = { config, peer, decision: lane.host!, route: lane.route!, nowMs: 0, known: lane.checkpoints };
    const passed = rulingOf({ ...parts, head, header }) === undefined;
    if (passed) lane.passed!.add(head, asksOf(lane));
    return passed;
  };
  return { lane, judge };
}

const has = (lane: Lane, frame: Buffer) => lane.passed!.has(frame, HEADER_BYTES + lane.prefix.length, frame.length);

test("a call like one that passed passes, whatever nobody asks of it; one that says otherwise is read in full", () => {
  const { lane, judge } = laneUnder([byUser, byApp]);
  expect(has(lane, frameOf(usual))).toBe(false);
  expect(judge(frameOf(usual))).toBe(true);
  expect(has(lane, frameOf(usual))).toBe(true);
  expect(has(lane, frameOf({ traceid: "77", ...usual }, "get", ["another"]))).toBe(true);
  for (const other of [{ user: "bob" }, { user: "amy" }, { path: "com.acme.B" }, { "remote.application": "bad" }])
    expect(has(lane, frameOf({ ...usual, ...other }))).toBe(false);
  expect(has(lane, frameOf({ ...usual, USER: "bob" }))).toBe(false);
  expect(has(lane, frameOf({ ...usual, group: "g" }))).toBe(false);
});

test("methods of one name are remembered by their arguments", () => {
  const { lane, judge } = laneUnder([byUser]);
  const parts = { idHigh: 1, idLow: 2, twoWay: true, interface: "com.acme.A", group: "", version: "1.0.0" };
  const overload = encodeRequest({ ...parts, method: "get", descriptor: "I", args: [7], attachments: usual });
  expect([judge(frameOf(usual)), judge(overload)]).toEqual([true, true]);
  expect([has(lane, frameOf(usual)), has(lane, overload)]).toEqual([true, true]);
});

test("where policies go by more than headers, each call is read", () => {
  const audit = policyText("audit", "{action: AUDIT, rules: [{}]}");
  const trial = policyText("t", "{action: DENY, rules: [{}]}", { annotations: '{istio.io/dry-run: "true"}' });
  const byArgument = policyText(
    "arg",
    "{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-arg-0]', values: [y]}]}]}",
  );
  for (const policy of [audit, trial, byArgument]) {
    const { lane, judge } = laneUnder([policy]);
    expect(judge(frameOf(usual))).toBe(true);
    expect(has(lane, frameOf(usual))).toBe(false);
  }
});

test("calls that are never alike are not looked at twice for long", () => {
  const { lane, judge } = laneUnder([byUser]);
  judge(frameOf(usual));
  for (let i = 0; i < 16; i++) expect(has(lane, frameOf({ ...usual, user: `u${i}` }))).toBe(false);
  expect(has(lane, frameOf(usual))).toBe(false);
  for (let i = 0; i < 999; i++) has(lane, frameOf(usual));
  expect(has(lane, frameOf(usual))).toBe(true);
});

test("what is let through unasked would be let through if it were asked", () => {
  const random = seededRandom(6);
  const { lane, judge } = laneUnder([byUser, byApp]);
  judge(frameOf(usual));
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  let unasked = 0;
  for (let i = 0; i < 20_000; i++) {
    const attachments = Object.fromEntries(
      Array.from({ length: Math.floor(random() * 8) }, () => [
        pick(["path", "Path", "version", "user", "User", "group", "remote.application", "trace"]),
        pick<Value>(["com.acme.A", "com.acme.B", "1.0.0", "ann", "bob", "shop", "bad", "", 7, null]),
      ]),
    );
    const frame = frameOf(random() < 0.5 ? { ...usual, ...attachments } : { ...attachments, ...usual });
    const from = HEADER_BYTES + lane.prefix.length;
    if (random() < 0.7) frame[from + Math.floor(random() * (frame.length - from))] = Math.floor(random() * 256);
    // Looked at by itself, so that a row of misses does not stop it.
    const known = new PassedCalls();
    known.add(headOf(frameOf(usual)), asksOf(lane));
    if (!known.has(frame, from, frame.length)) continue;
    unasked++;
    let passed: boolean | string;
    try {
      passed = judge(frame);
    } catch (error) {
      passed = error instanceof ProtocolError ? error.message : String(error);
    }
    expect(passed, frame.toString("latin1")).toBe(true);
  }
  expect(unasked).toBeGreaterThan(1_000);
});

test("what a call of a peer said counts for all its connections, and for nobody else's", () => {
  const { routes } = guardedConfig({ [KEY]: { policies: [byUser] } });
  const [get, set] = [Buffer.from("get"), Buffer.from("set")];
  const one = passedCalls(routes, peer, get);
  expect(passedCalls(routes, peerFrom("10.0.0.1"), Buffer.from("get"))).toBe(one);
  const other = guardedConfig({ [KEY]: { policies: [byUser] } }).routes;
  const others = [
    passedCalls(routes, peer, set),
    passedCalls(routes, peerFrom("10.0.0.2"), get),
    passedCalls(other, peer, get),
  ];
  for (const not of others) expect(not).not.toBe(one);
  const unnamed = Buffer.alloc(0);
  expect(passedCalls(routes, peer, unnamed)).not.toBe(passedCalls(routes, peer, unnamed));
  for (let i = 0; i < 512; i++) passedCalls(routes, peer, Buffer.from(`m${i}`));
  expect(passedCalls(routes, peer, get)).not.toBe(one);
  expect(passedCalls(routes, peer, set, "g")).not.toBe(passedCalls(routes, peer, set));
  // Nobody's long names are kept.
  const long = Buffer.alloc(513, "m");
  expect(passedCalls(routes, peer, long)).not.toBe(passedCalls(routes, peer, long));
});
