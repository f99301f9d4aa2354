import { expect, test } from "vitest";
import type { CalleePort, CallerPort } from "../../../src/bridge-proxy/context.ts";
import { type LateCall, LateCalls } from "../../../src/bridge-proxy/late.ts";

type Late = LateCall<CallerPort, CalleePort>;

const callee = (): CalleePort => ({
  firstCall: -1,
  host: { address: "127.0.0.1", port: 1, active: 0, isPassedOver: false, setDraining() {} },
});
const [a, b] = [callee(), callee()];

function call(idLow: number, changes: Partial<Late> = {}): Late {
  const caller = { closed: false, deliver() {}, answer() {} };
  return { caller, callee: a, idHigh: 0, idLow, serialization: 2, untilMs: 1_000, ...changes };
}

test("a late call is taken once, by the id that its callee knows it by", () => {
  const late = new LateCalls<CallerPort, CalleePort>(10);
  const kept = call(7);
  late.add(3, 4, kept);
  expect(late.take(a, 3, 5)).toBeUndefined();
  expect(late.take(a, 2, 4)).toBeUndefined();
  expect(late.take(a, 3, 4)).toBe(kept);
  expect(late.take(a, 3, 4)).toBeUndefined();
});

test("another callee cannot answer it", () => {
  const late = new LateCalls<CallerPort, CalleePort>(10);
  late.add(3, 4, call(7));
  expect(late.take(b, 3, 4)).toBeUndefined();
  expect(late.size).toBe(1);
});

test("over the limit the oldest goes", () => {
  const late = new LateCalls<CallerPort, CalleePort>(2);
  for (let id = 0; id < 3; id++) late.add(0, id, call(id));
  expect(late.size).toBe(2);
  expect(late.take(a, 0, 0)).toBeUndefined();
  expect(late.take(a, 0, 2)?.idLow).toBe(2);
});

test("those of one callee are taken together", () => {
  const late = new LateCalls<CallerPort, CalleePort>(10);
  late.add(0, 1, call(1));
  late.add(0, 2, call(2, { callee: b }));
  late.add(0, 3, call(3));
  expect(late.takeAllOf(a).map(({ idLow }) => idLow)).toEqual([1, 3]);
  expect(late.size).toBe(1);
});

test("those that nobody can wait for are let go", () => {
  const late = new LateCalls<CallerPort, CalleePort>(10);
  late.add(0, 1, call(1, { untilMs: 500 }));
  late.add(0, 2, call(2, { caller: { closed: true, deliver() {}, answer() {} } }));
  late.add(0, 3, call(3));
  late.prune(500);
  expect(late.size).toBe(1);
  expect(late.take(a, 0, 3)).toBeDefined();
});
