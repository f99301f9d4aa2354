import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { createStateStore } from "../../../../src/registry-sync/state/state-store.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";
import { endpoint, entry, world } from "../../../support/worlds.ts";

/** A disk that is full takes a part of a text, and says how much that was instead of an error. */
const disk = vi.hoisted(() => ({ isShort: false }));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const open: typeof real.open = async (...given) => {
    const file = await real.open(...given);
    const write = file.write.bind(file) as (data: unknown) => ReturnType<typeof file.write>;
    const short = (data: unknown) => write(disk.isShort && typeof data === "string" ? data.slice(0, 9) : data);
    return Object.assign(file, { write: short });
  };
  return { ...real, open };
});

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "trestle-state-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function open() {
  const { logger, lines } = recordingLogger();
  const clock = new ManualClock();
  return { store: createStateStore({ directory, clock, logger }), clock, lines };
}

/** Keeps worlds one after the other, each by a write of its own. */
async function keep(...worlds: readonly ReturnType<typeof world>[]) {
  for (const one of worlds) {
    const { store } = open();
    await store.load(one.name);
    store.note([one]);
    await store.close();
  }
}

const path = (name = "legacy.jsonl") => join(directory, "worlds", name);
const a = entry("a.A", [endpoint("10.0.0.1", { token: "secret" })]);
const b = entry("b.B", ["10.0.0.2"]);

test("what was kept is there after a start, for its owner alone", async () => {
  await keep({ ...world("legacy", a, b), schemas: [{ name: "a.A" }] as never });
  expect(await open().store.load("legacy")).toEqual({
    ...world("legacy", a, b),
    schemas: [{ name: "a.A" }],
  });
  expect((await stat(path())).mode & 0o777).toBe(0o600);
  expect((await stat(join(directory, "worlds"))).mode & 0o777).toBe(0o700);
});

test("nothing is there before anything was kept", async () => {
  expect(await open().store.load("legacy")).toBeUndefined();
});

test("a change is appended as what changed, and nothing is written where nothing did", async () => {
  await keep(world("legacy", a, b));
  const before = await readFile(path(), "utf8");
  await keep(world("legacy", { ...a, endpoints: a.endpoints.map((one) => ({ ...one })) }, b));
  expect(await readFile(path(), "utf8")).toBe(before);
  await keep(world("legacy", { ...b, endpoints: [] }));
  const after = await readFile(path(), "utf8");
  expect(after.startsWith(before)).toBe(true);
  expect(after.slice(before.length).trimEnd().split("\n")).toHaveLength(2);
  expect((await open().store.load("legacy"))?.entries).toEqual([{ ...b, endpoints: [] }]);
});

test("it writes every five seconds at most, the newest of what came", async () => {
  const { store, clock } = open();
  store.note([world("legacy", a)]);
  clock.advance(4_999);
  store.note([world("legacy", b)]);
  await expect(readdir(directory)).resolves.toEqual([]);
  clock.advance(1);
  await store.close();
  expect((await open().store.load("legacy"))?.entries).toEqual([b]);
});

test("a file most of whose lines no longer count is made anew", async () => {
  const many = (round: number) =>
    world("legacy", ...Array.from({ length: 600 }, (_, i) => entry(`a.S${i}`, [`10.0.${round}.1`])));
  await keep(many(1), many(2), many(3));
  const lines = (await readFile(path(), "utf8")).trimEnd().split("\n").length;
  expect(lines).toBeLessThanOrEqual(2 * 600 + 1_000);
  expect((await open().store.load("legacy"))?.entries[0]?.endpoints[0]?.address).toBe("10.0.3.1");
});

test("a damaged file is told of, put aside and written anew", async () => {
  await keep(world("legacy", a));
  await writeFile(path(), (await readFile(path(), "utf8")).replace("10.0.0.1", "10.0.0.7"));
  const { store, lines } = open();
  expect(await store.load("legacy")).toBeUndefined();
  expect(lines).toMatchObject([["warn", expect.stringContaining("ignored"), { reason: "line 2 is damaged" }]]);
  store.note([world("legacy", b)]);
  await store.close();
  expect((await readdir(join(directory, "worlds"))).sort()).toEqual(["legacy.jsonl", "legacy.jsonl.damaged"]);
  expect((await open().store.load("legacy"))?.entries).toEqual([b]);
});

test("a last line that was cut off costs that line alone, and the file is whole again at the next change", async () => {
  await keep(world("legacy", a, b));
  const text = await readFile(path(), "utf8");
  await writeFile(path(), text.slice(0, -5));
  expect((await open().store.load("legacy"))?.entries).toEqual([a]);
  await keep(world("legacy", a, b));
  expect((await open().store.load("legacy"))?.entries).toEqual([a, b]);
});

test("registries of any name have files of their own", async () => {
  const names = ["../up", ".", "a/b", "*", "ä ö", "x".repeat(300), `${"x".repeat(300)}y`];
  const { store } = open();
  store.note(names.map((name) => world(name, a)));
  await store.close();
  expect(await readdir(join(directory, "worlds"))).toHaveLength(names.length);
  for (const name of names) expect((await open().store.load(name))?.name).toBe(name);
  expect(await readdir(directory)).toEqual(["worlds"]);
});

test("a folder that cannot be written is told of once, and used again when it can be", async () => {
  await writeFile(join(directory, "worlds"), "a file in the way");
  const { store, clock, lines } = open();
  const write = async () => {
    store.note([world("legacy", a)]);
    clock.advance(5_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await write();
  await write();
  expect(lines.map(([level]) => level)).toEqual(["warn"]);
  await rm(join(directory, "worlds"));
  store.note([world("legacy", a)]);
  await store.close();
  expect(lines.map(([level]) => level)).toEqual(["warn", "info"]);
  expect((await open().store.load("legacy"))?.entries).toEqual([a]);
});

test("what could not be written is written later though nothing else changed", async () => {
  await writeFile(join(directory, "worlds"), "a file in the way");
  const { store, clock, lines } = open();
  store.note([world("legacy", a)]);
  clock.advance(5_000);
  await vi.waitFor(() => expect(lines).toHaveLength(1));
  await rm(join(directory, "worlds"));
  clock.advance(5_000);
  await vi.waitFor(() => expect(lines.map(([level]) => level)).toEqual(["warn", "info"]));
  expect((await open().store.load("legacy"))?.entries).toEqual([a]);
});

test("a text that the disk takes in parts is written whole", async () => {
  disk.isShort = true;
  await keep(world("legacy", a), world("legacy", a, b));
  disk.isShort = false;
  expect((await open().store.load("legacy"))?.entries).toEqual([a, b]);
  expect(await readdir(join(directory, "worlds"))).toEqual(["legacy.jsonl"]);
});

test("a start writes nothing where the registry says what was kept, in whatever order an entry's parts stand", async () => {
  const { service, endpoints } = a;
  await keep(world("legacy", { service, endpoints, host: "a.a", writtenHost: "a.A" }));
  const text = await readFile(path(), "utf8");
  await keep(world("legacy", { writtenHost: "a.A", endpoints, host: "a.a", service }));
  expect(await readFile(path(), "utf8")).toBe(text);
});

test("a folder in the place of a file is no state", async () => {
  await mkdir(path(), { recursive: true });
  const { store, lines } = open();
  expect(await store.load("legacy")).toBeUndefined();
  expect(lines).toHaveLength(1);
});
