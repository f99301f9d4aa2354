import { expect, test } from "vitest";
import { createMemorySource } from "../../../../src/registry-sync/sources/memory.ts";
import { turn } from "../../../support/recording-logger.ts";
import { entry } from "../../../support/worlds.ts";

test("worlds are yielded under the source's name, of several set in one go the last, until the signal", async () => {
  const source = createMemorySource("demo");
  const stop = new AbortController();
  const seen: string[] = [];
  const done = (async () => {
    for await (const world of source.watch(stop.signal))
      seen.push(`${world.name} ${world.entries.map((one) => one.host)}`);
  })();
  await turn();
  expect(seen).toEqual([]);
  for (const name of ["a.A", "b.B"]) source.set({ entries: [entry(name, [])], consumers: [], findings: [] });
  await turn();
  expect(seen).toEqual(["demo b.b"]);
  stop.abort();
  await done;
});
