import { expect, test } from "vitest";
import { Http2Stream } from "../../../../../src/codecs/http2/stream.ts";
import { HELD_MS, HeldCalls, type Pending } from "../../../../../src/registry-sync/facades/nacos/held-calls.ts";

function pending(id: number, sinceMs = 0, bytes = 10): Pending {
  const stream = new Http2Stream(id, 0, 0);
  const payload = { type: "ServiceQueryRequest", headers: new Map(), clientIp: "", body: Buffer.alloc(0) };
  return { call: { stream, fields: [], sinceMs, message: Buffer.alloc(bytes) }, payload, server: undefined };
}

test("calls come out in their order, once", () => {
  const held = new HeldCalls();
  const calls = [pending(1), pending(3), pending(5)];
  for (const call of calls) expect(held.hold(call)).toBe(true);
  held.cancel(calls[1]!.call.stream);
  expect(held.size).toBe(2);
  expect(held.take()).toEqual([calls[0], calls[2]]);
  expect(held.take()).toEqual([]);
});

test("those that have waited too long are given up", () => {
  const held = new HeldCalls();
  held.hold(pending(1, 0));
  held.hold(pending(3, 1_000));
  expect(held.expire(HELD_MS - 1)).toEqual([]);
  expect(held.expire(HELD_MS).map(({ call }) => call.stream.id)).toEqual([1]);
  expect(held.size).toBe(1);
});

test.each([
  ["calls", 1_024, 10],
  ["bytes", 4, 8 * 1024 * 1024],
])("only so many %s may wait, and room comes back", (_name, most, bytes) => {
  const held = new HeldCalls();
  for (let i = 0; i < most; i++) expect(held.hold(pending(i, 0, bytes))).toBe(true);
  expect(held.hold(pending(9_999, 0, bytes))).toBe(false);
  held.take();
  expect(held.hold(pending(9_999, 0, bytes))).toBe(true);
});
