import { expect, test } from "vitest";
import { whenWorldKnown } from "../../../../src/cli/mesh/world-known.ts";
import type { SyncState } from "../../../../src/registry-sync/contracts.ts";

test("nothing is known while a registry was not read, and while rules were not", async () => {
  const stop = new AbortController();
  let silent = new Set(["zookeeper"]);
  let loaded = false;
  let isKnown = false;
  let flushed = 0;
  const store = {
    snapshots: { get: () => ({ entries: [{}] }) } as never,
    flush: () => {
      flushed++;
    },
  };
  const state = () => ({ silent, restored: new Set(), entries: [{}] }) as unknown as SyncState;
  const done = whenWorldKnown({ state, store, rules: () => ({ loaded }) }, stop.signal).then(() => {
    isKnown = true;
  });
  const later = () => new Promise((resolve) => setTimeout(resolve, 60));
  await later();
  silent = new Set();
  await later();
  expect([isKnown, flushed]).toEqual([false, 0]);
  loaded = true;
  await done;
  expect(flushed).toBe(1);
});
