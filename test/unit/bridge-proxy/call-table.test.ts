import { expect, test } from "vitest";
import { CallTable } from "../../../src/bridge-proxy/call-table.ts";

test("an id of a call that is over names no call, even when its slot is used again", () => {
  const table = new CallTable<object, object, object>(10);
  const slot = table.allocate();
  table.callees[slot] = {};
  const generation = table.generations[slot]!;
  expect(table.find(generation, slot)).toBe(slot);
  table.release(slot);
  expect(table.find(generation, slot)).toBe(-1);
  const again = table.allocate();
  table.callees[again] = {};
  expect(again).toBe(slot);
  expect(table.find(generation, slot)).toBe(-1);
  expect(table.find(table.generations[slot]!, slot)).toBe(slot);
});

test("ids that a peer makes up name no call", () => {
  const table = new CallTable<object, object, object>(10);
  table.allocate();
  for (const low of [-1, 0, 5, 0x7fffffff, -0x80000000]) expect(table.find(0, low)).toBe(-1);
});

test("no more than maxCalls wait at once", () => {
  const table = new CallTable<object, object, object>(3);
  expect([table.allocate(), table.allocate(), table.allocate(), table.allocate()]).toEqual([0, 1, 2, -1]);
  table.release(1);
  expect(table.size).toBe(2);
  expect(table.allocate()).toBe(1);
});

test("columns grow and keep what they hold", () => {
  const table = new CallTable<object, object, object>(5_000);
  for (let i = 0; i < 5_000; i++) {
    const slot = table.allocate();
    table.idLow[slot] = i;
    table.startMs[slot] = i / 2;
  }
  expect([table.idLow[0], table.idLow[1_023], table.idLow[1_024], table.idLow[4_999]]).toEqual([
    0, 1_023, 1_024, 4_999,
  ]);
  expect(table.startMs[4_999]).toBe(2_499.5);
  expect(table.end).toBe(5_000);
});
