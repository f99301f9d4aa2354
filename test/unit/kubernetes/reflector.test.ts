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
  /** What the server is at. */
  const at = { version: "1000" };
  const told: string[] = [];
  const answers = [...gets];
  const lines = [...watches];
  const api: KubernetesApi = {
    send: () => Promise.reject(new Error("nothing is sent")),
    async get(path) {
      asked.push(path);
      if (path.includes("limit=1&") || path.endsWith("limit=1")) return list([], at.version);
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
    ...{ asked, told, at },
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
    "/s?limit=1&labelSelector=x",
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
  // What the server is at, and the watch.
  expect(run.asked.length).toBe(4);
  await run.end();
});

test("an event without a version is a failure", async () => {
  const run = follow([list([], "5")], [[{ type: "ADDED", object: {} }]]);
  await run.pass(0);
  expect(run.told).toEqual(["list ", "failed: /s told of an object without a resourceVersion"]);
  await run.end();
});

test("a server whose storage was restored is listed anew: told by what it is at, and by what a watch tells", async () => {
  const run = follow(
    [list([object("a", "1"), object("b", "90")], "90"), list([object("a", "1")], "40"), list([object("a", "1")], "20")],
    [[new TransientError("reset")], [{ type: "BOOKMARK", object: object("", "12") }]],
  );
  run.at.version = "30";
  await run.pass(250);
  await run.pass(500);
  await run.pass(1_000);
  expect(run.told).toEqual([
    "list a,b",
    "failed: reset",
    expect.stringMatching(/^failed: .s is at an earlier version than before/),
    "list a",
    expect.stringMatching(/^failed: .s is at an earlier version than before/),
    "list a",
  ]);
  await run.end();
});

test("a watch that says nothing is begun with a list; so is everything after half an hour", async () => {
  const bookmark = { type: "BOOKMARK", object: object("", "6") };
  const run = follow(
    [list([], "5"), list([object("a", "6")], "6"), list([object("b", "7")], "7")],
    ["silent", [bookmark]],
  );
  await run.pass(130_000);
  await run.pass(250);
  expect(run.told).toEqual(["list ", expect.stringMatching(/said nothing for 130 s/), "list a"]);
  await run.end();
  const quiet = follow([list([], "5"), list([object("b", "7")], "7")], [Array.from({ length: 3 }, () => bookmark)]);
  await quiet.pass(0);
  await quiet.pass(1_800_000);
  await quiet.pass(250);
  await quiet.pass(250);
  expect(quiet.told.filter((text) => text.startsWith("list"))).toEqual(["list ", "list b"]);
  await quiet.end();
});

test("a place that is too old right after a list is told, and asked for less and less", async () => {
  const gone = () => [{ type: "ERROR", object: { code: 410, message: "too old" } }];
  const run = follow([list([], "5"), list([], "5"), list([], "5")], [gone(), gone(), gone()]);
  for (const ms of [250, 500, 0]) await run.pass(ms);
  expect(run.told).toEqual([
    "list ",
    "list ",
    "failed: /s was answered 410: too old",
    "list ",
    "failed: /s was answered 410: too old",
  ]);
  await run.end();
});
