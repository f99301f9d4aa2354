import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { type Remembered, SessionMemory } from "../../../../../src/registry-sync/facades/zookeeper/memory.ts";

const one: Remembered = {
  shown: new Map(),
  own: new Set(["/a"]),
  unled: [],
  speaks: new Map(),
  applications: new Set(),
  providers: new Map(),
};

test("a session is remembered once, for whoever takes it up", () => {
  const memory = new SessionMemory(new ManualClock());
  memory.put(1n, one);
  expect(memory.take(2n)).toBeUndefined();
  expect(memory.take(1n)).toBe(one);
  expect(memory.take(1n)).toBeUndefined();
});

test("a session that no server would keep any longer is forgotten", () => {
  const clock = new ManualClock();
  const memory = new SessionMemory(clock);
  memory.put(1n, one);
  clock.advance(40_000);
  expect(memory.take(1n)).toBeUndefined();
});

test("no more than ten thousand are kept, the newest", () => {
  const memory = new SessionMemory(new ManualClock());
  for (let id = 1n; id <= 10_001n; id++) memory.put(id, one);
  expect(memory.take(1n)).toBeUndefined();
  expect(memory.take(2n)).toBe(one);
  expect(memory.take(10_001n)).toBe(one);
});
