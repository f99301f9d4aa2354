import { expect, test } from "vitest";
import { CallerWatch } from "../../../../src/bridge-proxy/dubbo/caller-watch.ts";

function calls(count: number) {
  const told: number[] = [];
  const made = Array.from({ length: count }, (_, n) => ({ place: -1, onCallerGone: () => void told.push(n) }));
  return { told, made };
}

test("calls that are still there when their caller goes are told, once", () => {
  const watch = new CallerWatch();
  const { told, made } = calls(5);
  for (const call of made) watch.add(call);
  watch.add(made[0]!);
  expect(watch.size).toBe(5);
  for (const n of [1, 4, 1]) watch.remove(made[n]!);
  expect(made.map(({ place }) => place).sort()).toEqual([-1, -1, 0, 1, 2]);
  watch.end();
  watch.end();
  expect(told.sort()).toEqual([0, 2, 3]);
  expect([watch.size, ...made.map(({ place }) => place)]).toEqual([0, -1, -1, -1, -1, -1]);
});

test("a call may leave while others are told", () => {
  const watch = new CallerWatch();
  const { told, made } = calls(2);
  for (const call of made) watch.add(call);
  watch.add({ place: -1, onCallerGone: () => watch.remove(made[0]!) });
  watch.end();
  expect(told).toEqual([1]);
  expect(watch.size).toBe(0);
});
