import { expect, test } from "vitest";
import { Latest } from "../../../src/base/latest.ts";

test("a watcher sees the newest value and may miss those between", async () => {
  const latest = new Latest(1);
  const seen: number[] = [];
  const watching = (async () => {
    for await (const value of latest.watch()) {
      seen.push(value);
      if (value === 1) {
        latest.set(2);
        latest.set(3);
      }
    }
  })();
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  latest.close();
  await watching;
  expect(seen).toEqual([1, 3]);
});

test("an equal value wakes nobody", async () => {
  const latest = new Latest({ n: 1 }, (a, b) => a.n === b.n);
  const first = latest.get();
  latest.set({ n: 1 });
  expect(latest.get()).toBe(first);
});

test("a watch ends at its signal", async () => {
  const latest = new Latest(0);
  const stop = new AbortController();
  const watching = (async () => {
    let count = 0;
    for await (const _ of latest.watch(stop.signal)) count++;
    return count;
  })();
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  expect(await watching).toBe(1);
});
