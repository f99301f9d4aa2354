import { expect, test } from "vitest";
import { realClock } from "../../../../../src/base/clock.ts";
import { silentLogger } from "../../../../../src/base/log.ts";
import { embeddedRegistry } from "../../../../../src/cli/config/registries.ts";
import { openMemory } from "../../../../../src/cli/mesh/registries/memory.ts";

test("a registry in memory is read at once and holds nothing", async () => {
  const connected: boolean[] = [];
  const source = openMemory({
    config: { ...embeddedRegistry(), name: "m", scheme: "memory" },
    hosts: [],
    askMetadata: async () => undefined,
    isOwnAddress: () => false,
    protocols: [],
    onConnected: (now) => connected.push(now),
    onFindings: () => {},
    clock: realClock,
    log: silentLogger,
  });
  const stop = new AbortController();
  for await (const world of source.watch(stop.signal)) {
    expect(world).toMatchObject({ name: "m", entries: [] });
    stop.abort();
  }
  expect(connected).toEqual([true]);
});
