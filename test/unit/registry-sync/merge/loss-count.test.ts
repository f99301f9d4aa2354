import { expect, test } from "vitest";
import { LossCount } from "../../../../src/registry-sync/merge/loss-count.ts";

function filled(count: number): LossCount {
  const loss = new LossCount();
  for (let id = 0; id < count; id++) loss.come(String(id), 0, true);
  return loss;
}

test("goings are counted against what was there", () => {
  const loss = filled(4);
  loss.go("0", 1, false);
  loss.go("1", 2, false);
  expect([loss.netLost(), loss.sizeBefore()]).toEqual([2, 4]);
});

test("newcomers make up for goings and do not count as having been there", () => {
  const loss = filled(4);
  loss.go("0", 1, false);
  loss.come("9", 2, false);
  expect([loss.netLost(), loss.sizeBefore()]).toEqual([0, 4]);
});

test("what comes back was not lost", () => {
  const loss = filled(4);
  loss.go("0", 1, false);
  loss.come("0", 2, false);
  expect([loss.netLost(), loss.sizeBefore()]).toEqual([0, 4]);
});

test("a newcomer that goes again was neither", () => {
  const loss = filled(1);
  loss.come("9", 1, false);
  loss.go("9", 2, false);
  expect([loss.netLost(), loss.sizeBefore()]).toEqual([0, 1]);
});

test("an explicit or settled going is no loss", () => {
  const loss = filled(3);
  loss.go("0", 1, true);
  loss.go("1", 1, false);
  loss.settle("1");
  expect([loss.netLost(), loss.sizeBefore()]).toEqual([0, 1]);
});

test("what is long past is forgotten", () => {
  const loss = filled(3);
  loss.go("0", 1, false);
  loss.go("1", 5, false);
  loss.come("9", 1, false);
  loss.forget(4);
  expect([loss.netLost(), loss.sizeBefore()]).toEqual([1, 3]);
});
