import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { createPathWatch, type PathScan, type PathWatch, reasonOf } from "../../../src/control/path-watch.ts";

let dir: string;
let open: PathWatch[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "paths-"));
  open = [];
});

afterEach(async () => {
  for (const watch of open) watch.close();
  await rm(dir, { recursive: true, force: true });
});

function follow(paths: readonly string[], more: { maxFiles?: number; settled?: boolean } = {}) {
  const clock = new ManualClock();
  const scans: PathScan[] = [];
  const watch = createPathWatch({
    ...{ paths, names: /\.txt$/, what: "text files", maxFiles: more.maxFiles ?? 10, clock, settleMs: 50, pollMs: 400 },
    look: async (scan) => {
      scans.push(scan);
      return more.settled ?? true;
    },
  });
  open.push(watch);
  return { watch, scans, clock };
}

const names = (scan: PathScan | undefined) => [...(scan?.files.keys() ?? [])].map((path) => path.slice(dir.length + 1));

test("finds files by their names with all under folders, and a file that is named itself whatever its name is", async () => {
  await mkdir(join(dir, "sub/deep"), { recursive: true });
  for (const name of ["a.txt", "b.md", "sub/deep/c.txt", "sub/.d.txt"]) await writeFile(join(dir, name), name);
  const { watch, scans } = follow([dir, join(dir, "b.md")]);
  await watch.rescan();
  expect(names(scans[0])).toEqual(["a.txt", "sub/deep/c.txt", "b.md"]);
  expect(scans[0]?.files.get(join(dir, "a.txt"))).toMatchObject({ root: dir, bytes: 5 });
  expect([...scans[0]!.folders].sort()).toEqual([dir, join(dir, "sub"), join(dir, "sub/deep")]);
});

test("a file of other content has another signature", async () => {
  const path = join(dir, "a.txt");
  await writeFile(path, "one");
  const { watch, scans } = follow([dir]);
  await watch.rescan();
  await writeFile(path, "three");
  await watch.rescan();
  const [before, after] = scans.map((scan) => scan.files.get(path)?.signature);
  expect(before).not.toBe(after);
});

test("what is not there and what is too much stand with their reasons", async () => {
  for (const name of ["a.txt", "b.txt"]) await writeFile(join(dir, name), name);
  const gone = join(dir, "gone");
  const { watch, scans } = follow([gone, dir], { maxFiles: 1 });
  await watch.rescan();
  expect(scans[0]?.unreadable).toEqual(
    new Map([
      [gone, "there is no such file or folder"],
      [join(dir, "b.txt"), "over 1 text files"],
    ]),
  );
  expect(scans[0]?.missing).toEqual(new Set([gone]));
});

test("a folder that two names lead to is found under both, one that it stands in is not, a pipe is no file", async () => {
  for (const name of ["sub", "more"]) await mkdir(join(dir, name));
  await writeFile(join(dir, "more/a.txt"), "");
  await symlink("../more", join(dir, "sub/same"));
  await symlink("..", join(dir, "sub/up"));
  execFileSync("mkfifo", [join(dir, "pipe.txt")]);
  const { watch, scans } = follow([dir]);
  await watch.rescan();
  expect(names(scans[0])).toEqual(["more/a.txt", "sub/same/a.txt"]);
  expect(scans[0]?.unreadable).toEqual(new Map([[join(dir, "pipe.txt"), "it is no file"]]));
});

test.each([
  [true, 399, 1],
  [false, 49, 1],
])("the next look after one that was settled (%s) comes with the poll, else soon", async (settled, early, rest) => {
  const { watch, scans, clock } = follow([dir], { settled });
  await watch.rescan();
  clock.advance(early);
  expect(scans).toHaveLength(1);
  clock.advance(rest);
  // The look that has begun is the one that this waits for.
  await watch.rescan();
  expect(scans).toHaveLength(2);
});

test("other paths are followed from the next look on, and nothing after the end", async () => {
  await mkdir(join(dir, "other"));
  await writeFile(join(dir, "other/a.txt"), "");
  const { watch, scans } = follow([join(dir, "gone")]);
  await watch.rescan();
  watch.setPaths([join(dir, "other")]);
  await watch.rescan();
  expect(names(scans[1])).toEqual(["other/a.txt"]);
  watch.close();
  await watch.rescan();
  expect(scans).toHaveLength(2);
});

test.each([
  [Object.assign(new Error("x"), { code: "EACCES" }), "permission denied"],
  [new Error("other"), "other"],
  ["text", "text"],
])("the reason of %s is %s", (error, text) => {
  expect(reasonOf(error)).toBe(text);
});
