import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import type { World } from "../../../../../src/model/entry.ts";
import { createEurekaSource } from "../../../../../src/registry-sync/sources/eureka/source.ts";
import { type GivenInstance, listBody } from "../../../../support/eureka-documents.ts";

const one: GivenInstance = { app: "a", host: "10.0.0.1", port: 1 };

/** A watched source; `turn` lets an interval pass. */
function stage() {
  const clock = new ManualClock();
  const stop = new AbortController();
  const seen: string[] = [];
  const worlds: World[] = [];
  const given: { answer: Buffer | number; asked: number } = { answer: listBody([one]), asked: 0 };
  const source = createEurekaSource({
    name: "e",
    servers: [{ host: "s", port: 8761 }],
    openLink: () => ({
      close: () => seen.push("closed"),
      get: async (_, path) => {
        given.asked++;
        const { answer } = given;
        if (typeof answer === "number" || path.endsWith("delta"))
          return { status: 403, headers: {}, body: Buffer.alloc(0) };
        return { status: 200, headers: { "content-type": "application/json" }, body: answer };
      },
    }),
    onConnected: (connected) => seen.push(connected ? "connected" : "lost"),
    onFindings: (findings) => seen.push(`findings ${findings.length}`),
    clock,
  });
  const done = (async () => {
    for await (const world of source.watch(stop.signal, () => seen.push("disturbed"))) worlds.push(world);
  })();
  const settle = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  const turn = async () => {
    await settle();
    clock.advance(5_000);
    await settle();
  };
  return { source, stop, seen, worlds, given, done, turn, settle };
}

test("worlds are yielded when they change, and only then", async () => {
  const { worlds, given, turn, settle, stop, done } = stage();
  await settle();
  await turn();
  expect(worlds.map(({ entries }) => entries.length)).toEqual([1]);
  given.answer = listBody([one, { ...one, app: "b" }]);
  await turn();
  expect(worlds.map(({ entries }) => entries.length)).toEqual([1, 2]);
  expect(worlds[1]!.entries[0]).toBe(worlds[0]!.entries[0]);
  stop.abort();
  await done;
});

test("a registry that may not be read yields nothing, is told of, and is back without a new start", async () => {
  const { source, worlds, given, turn, settle, seen, stop, done } = stage();
  expect(source.status?.()).toEqual({ state: "connecting", errors: 0 });
  await settle();
  given.answer = 403;
  await turn();
  await turn();
  const lastError = "eureka server s:8761 lets no list be read";
  expect(source.status?.()).toEqual({ state: "lost", errors: 2, lastError });
  expect(seen).toEqual(["connected", "disturbed", "lost", "findings 1", "disturbed"]);
  seen.length = 0;
  given.answer = listBody([one, { ...one, host: "10.0.0.2" }]);
  await turn();
  expect(seen).toEqual(["connected", "findings 0", "disturbed"]);
  expect(source.status?.()).toEqual({ state: "connected", errors: 2, lastError });
  expect(worlds.map(({ entries }) => entries[0]!.endpoints.length)).toEqual([1, 2]);
  stop.abort();
  await done;
});

test("an empty registry is a world, and said to be one that may be recovering", async () => {
  const { worlds, given, turn, settle, seen, stop, done } = stage();
  await settle();
  given.answer = listBody([]);
  await turn();
  expect(worlds.map(({ entries }) => entries.length)).toEqual([1, 0]);
  expect(seen).toEqual(["connected", "disturbed"]);
  stop.abort();
  await done;
});

test("the signal ends it and closes its connections", async () => {
  const { given, settle, seen, stop, done } = stage();
  await settle();
  stop.abort();
  await done;
  const { asked } = given;
  await settle();
  expect(given.asked).toBe(asked);
  expect(seen).toContain("closed");
});
