import { expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { TransientError } from "../../../src/base/errors.ts";
import { ApiFailure, type KubernetesApi } from "../../../src/kubernetes/api.ts";
import { reflect } from "../../../src/kubernetes/reflector.ts";
import { turn } from "../../support/recording-logger.ts";

const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
const list = (items: readonly object[], resourceVersion: string, next?: string) => ({
  metadata: { resourceVersion, ...(next !== undefined && { continue: next }) },
  items,
});

/** An API server that gives these answers to its gets and watches in order; a watch without an answer stays open. */
function follow(gets: readonly unknown[], watches: readonly (readonly unknown[] | Error | "silent")[], query = "") {
  const clock = new ManualClock();
  const stop = new AbortController();
  const asked: string[] = [];
  const told: string[] = [];
  const answers = [...gets];
  const lines = [...watches];
  const api: KubernetesApi = {
    send: () => Promise.reject(new Error("nothing is sent")),
    async get(path) {
      asked.push(path);
      const answer = answers.shift() ?? new TransientError("nobody there");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    async *lines(path, signal) {
      asked.push(path.replace(/watch=1&allowWatchBookmarks=true&timeoutSeconds=290&/, "watch "));
      const given = lines.shift() ?? "silent";
      if (given instanceof Error) throw given;
      if (given === "silent")
        return await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      for (const one of given) {
        if (one instanceof Error) throw one;
        yield one;
      }
    },
  };
  const done = reflect({
    ...{ api, path: "/s", query, clock, signal: stop.signal },
    onList: (objects) =>
      told.push(`list ${objects.map((one) => (one as ReturnType<typeof object>).metadata.name).join()}`),
    onObject: (one, isDeleted) =>
      told.push(`${isDeleted ? "-" : "+"}${(one as ReturnType<typeof object>).metadata.name}`),
    onAnswer: () => {},
    onFailure: (error) => told.push(`failed: ${(error as Error).message}`),
  });
  return {
    ...{ asked, told },
    async pass(ms: number) {
      for (let i = 0; i < 10; i++) await turn();
      clock.advance(ms);
      for (let i = 0; i < 10; i++) await turn();
    },
    async end() {
      stop.abort();
      await done;
    },
  };
}

test("a list in pages, then a watch from its version on", async () => {
  const run = follow(
    [list([object("a", "1")], "5", "more?"), list([object("b", "2")], "5")],
    [
      [
        { type: "ADDED", object: object("c", "6") },
        { type: "MODIFIED", object: object("a", "7") },
        { type: "DELETED", object: object("b", "8") },
      ],
    ],
    "labelSelector=x",
  );
  await run.pass(0);
  expect(run.told).toEqual(["list a,b", "+c", "+a", "-b"]);
  expect(run.asked).toEqual([
    "/s?limit=500&labelSelector=x",
    "/s?limit=500&labelSelector=x&continue=more%3F",
    "/s?watch resourceVersion=5&labelSelector=x",
    "/s?watch resourceVersion=8&labelSelector=x",
  ]);
  await run.end();
});

test("a watch that ends is taken up where a bookmark moved it", async () => {
  const run = follow([list([], "5")], [[{ type: "BOOKMARK", object: { metadata: { resourceVersion: "90" } } }]]);
  await run.pass(0);
  expect(run.told).toEqual(["list "]);
  expect(run.asked.at(-1)).toBe("/s?watch resourceVersion=90");
  await run.end();
});

test.each([
  ["by an event", [{ type: "ERROR", object: { code: 410, message: "too old" } }]],
  ["by the answer", new ApiFailure("/s", 410, "too old")],
])("a place that is too old, told %s, begins anew with a list", async (_name, watch) => {
  const run = follow([list([object("a", "1")], "5"), list([object("b", "9")], "10")], [watch]);
  await run.pass(0);
  await run.pass(250);
  expect(run.told).toEqual(["list a", "list b"]);
  expect(run.asked.at(-1)).toBe("/s?watch resourceVersion=10");
  await run.end();
});

test("failures are told and tried again, later and later; what was told before an error is not asked for again", async () => {
  const run = follow(
    [new TransientError("refused"), new ApiFailure("/s", 403, "forbidden"), list([], "5")],
    [[{ type: "ADDED", object: object("a", "6") }, new TransientError("reset")]],
  );
  await run.pass(250);
  await run.pass(499);
  expect(run.told).toEqual(["failed: refused", "failed: /s was answered 403: forbidden"]);
  await run.pass(1);
  expect(run.told.slice(2)).toEqual(["list ", "+a", "failed: reset"]);
  expect(run.asked.at(-1)).toBe("/s?watch resourceVersion=6");
  await run.end();
});

test("a watch that brings nothing and ends at once is asked for again after a pause", async () => {
  const run = follow([list([], "5")], [[], [], []]);
  await run.pass(0);
  expect(run.asked.length).toBe(2);
  await run.pass(250);
  expect(run.asked.length).toBe(3);
  await run.end();
});

test("a watch that is silent for long is given up, and taken up again", async () => {
  const run = follow([list([], "5")], ["silent"]);
  await run.pass(0);
  await run.pass(130_000);
  await run.pass(250);
  expect(run.told).toEqual(["list ", "failed: /s said nothing for 130 s"]);
  expect(run.asked.length).toBe(3);
  await run.end();
});

test.each([
  ["no list", { items: {} }, "/s was not answered with a list"],
  ["no version", { items: [], metadata: {} }, "/s was not answered with a list"],
  ["a text", "x", "/s was not answered with a list"],
])("an answer that is %s is a failure", async (_name, answer, message) => {
  const run = follow([answer], []);
  await run.pass(0);
  expect(run.told).toEqual([`failed: ${message}`]);
  await run.end();
});

test("an event without a version is a failure", async () => {
  const run = follow([list([], "5")], [[{ type: "ADDED", object: {} }]]);
  await run.pass(0);
  expect(run.told).toEqual(["list ", "failed: /s told of an object without a resourceVersion"]);
  await run.end();
});
