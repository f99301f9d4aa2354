import { expect, test } from "vitest";
import { Outbox } from "../../../../../src/registry-sync/facades/zookeeper/outbox.ts";

const bytes = (...values: number[]) => Uint8Array.of(...values);

test("packets come out in the order they went in", () => {
  const outbox = new Outbox();
  outbox.add(bytes(1));
  outbox.add(bytes(2));
  expect(outbox.take()).toEqual([bytes(1), bytes(2)]);
  expect(outbox.take()).toEqual([]);
});

test("an open slot holds back what is behind it, and counts it", () => {
  const outbox = new Outbox();
  const slot = outbox.reserve();
  outbox.add(bytes(2, 3));
  expect(outbox.take()).toEqual([]);
  expect(outbox.heldBytes).toBe(2);
  outbox.fill(slot, [bytes(1)]);
  expect(outbox.take()).toEqual([bytes(1), bytes(2, 3)]);
  expect(outbox.heldBytes).toBe(0);
});

test("a slot that is filled with nothing lets the rest go", () => {
  const outbox = new Outbox();
  outbox.fill(outbox.reserve(), []);
  outbox.add(bytes(1));
  expect(outbox.take()).toEqual([bytes(1)]);
});

test("a later slot that is filled first waits for the earlier one", () => {
  const outbox = new Outbox();
  const first = outbox.reserve();
  const second = outbox.reserve();
  outbox.fill(second, [bytes(2)]);
  expect(outbox.take()).toEqual([]);
  outbox.fill(first, [bytes(1)]);
  expect(outbox.take()).toEqual([bytes(1), bytes(2)]);
});

test("an urgent packet goes past an open slot", () => {
  const outbox = new Outbox();
  outbox.reserve();
  outbox.addUrgent(bytes(9));
  expect(outbox.take()).toEqual([bytes(9)]);
});
