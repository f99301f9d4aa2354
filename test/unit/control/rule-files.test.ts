import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { createRuleFiles, type RuleFiles } from "../../../src/control/rule-files.ts";
import { virtualServiceText } from "../../support/rules.ts";

let dir: string;
let open: RuleFiles[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rules-"));
  open = [];
});

afterEach(async () => {
  for (const files of open) files.close();
  await rm(dir, { recursive: true, force: true });
});

/** A text that ends before it says what it is. */
const CUT = "apiVersion: security.istio.io/v1\nki";
const text = (name: string): string => virtualServiceText(name, "[a]", "[{route: [{destination: {host: a}}]}]");

async function follow(...paths: string[]): Promise<RuleFiles> {
  const files = createRuleFiles({ paths, clock: new ManualClock() });
  open.push(files);
  await files.rescan();
  return files;
}

/** Two looks: one sees the change, the next sees that it stayed. */
async function settle(files: RuleFiles): Promise<void> {
  await files.rescan();
  await files.rescan();
}

const names = (files: RuleFiles): string[] => files.current.get().rules.map(({ name }) => name);
const codes = (files: RuleFiles): string[] => files.current.get().findings.map(({ code }) => code);

test("files and folders are read with all under them, others are left alone", async () => {
  await mkdir(join(dir, "sub/deep"), { recursive: true });
  await mkdir(join(dir, ".hidden"));
  await writeFile(join(dir, "a.yaml"), text("a"));
  await writeFile(join(dir, "sub/b.yml"), text("b"));
  await writeFile(join(dir, "sub/deep/c.JSON"), "null");
  await writeFile(join(dir, ".hidden/d.yaml"), text("d"));
  await writeFile(join(dir, ".e.yaml.swp"), text("e"));
  await writeFile(join(dir, "README.md"), "no rule");
  const files = await follow(dir);
  expect(names(files)).toEqual(["a", "b"]);
  expect(files.current.get().files.map(({ path }) => path.slice(dir.length + 1))).toEqual([
    "a.yaml",
    "sub/b.yml",
    "sub/deep/c.JSON",
  ]);
  expect(files.current.get().loaded).toBe(true);
});

test("a file that is named itself is read whatever its name ends with", async () => {
  await writeFile(join(dir, "rules.txt"), text("a"));
  expect(names(await follow(join(dir, "rules.txt")))).toEqual(["a"]);
});

test("a change is taken up once it stayed for two looks", async () => {
  await writeFile(join(dir, "a.yaml"), text("a"));
  const files = await follow(dir);
  await writeFile(join(dir, "a.yaml"), text("changed"));
  await files.rescan();
  expect(names(files)).toEqual(["a"]);
  await files.rescan();
  expect(names(files)).toEqual(["changed"]);
});

test("a new file, a new folder and a rename over a file are taken up", async () => {
  await writeFile(join(dir, "a.yaml"), text("a"));
  const files = await follow(dir);
  await mkdir(join(dir, "new"));
  await writeFile(join(dir, "new/b.yaml"), text("b"));
  await writeFile(join(dir, "a.yaml.tmp"), text("renamed"));
  await rename(join(dir, "a.yaml.tmp"), join(dir, "a.yaml"));
  await settle(files);
  expect(names(files)).toEqual(["renamed", "b"]);
});

test("a file that is gone for one look only keeps its rules", async () => {
  await writeFile(join(dir, "a.yaml"), text("a"));
  const files = await follow(dir);
  await rename(join(dir, "a.yaml"), join(dir, "a.bak"));
  await files.rescan();
  expect(names(files)).toEqual(["a"]);
  await rename(join(dir, "a.bak"), join(dir, "a.yaml"));
  await settle(files);
  expect(names(files)).toEqual(["a"]);
});

test("a file that was removed takes its rules along", async () => {
  await writeFile(join(dir, "a.yaml"), text("a"));
  await writeFile(join(dir, "b.yaml"), text("b"));
  const files = await follow(dir);
  await unlink(join(dir, "a.yaml"));
  await settle(files);
  expect(names(files)).toEqual(["b"]);
});

test("a wrong file keeps its last good rules, others change", async () => {
  await writeFile(join(dir, "a.yaml"), text("a"));
  await writeFile(join(dir, "b.yaml"), text("b"));
  const files = await follow(dir);
  await writeFile(join(dir, "a.yaml"), text("a2").replace("hosts", "host"));
  await writeFile(join(dir, "b.yaml"), text("b2"));
  await settle(files);
  expect(names(files)).toEqual(["a", "b2"]);
  expect(codes(files)).toEqual(["TR0206", "TR0215"]);
  await writeFile(join(dir, "a.yaml"), text("a3"));
  await settle(files);
  expect([names(files), codes(files)]).toEqual([["a3", "b2"], []]);
});

test("a path that can't be read is a finding, and what was under it stays", async () => {
  await mkdir(join(dir, "in"));
  await writeFile(join(dir, "in/a.yaml"), text("a"));
  const files = await follow(join(dir, "in"));
  await rename(join(dir, "in"), join(dir, "away"));
  await settle(files);
  expect(names(files)).toEqual(["a"]);
  expect(files.current.get().findings).toMatchObject([
    { code: "TR0201", message: expect.stringContaining("there is no such file or folder") },
  ]);
});

test("a path at which nothing stands is a finding and has no rules, until something does", async () => {
  const missing = join(dir, "missing");
  const files = await follow(missing);
  expect([codes(files), files.current.get().loaded]).toEqual([["TR0201"], true]);
  await writeFile(missing, text("a"));
  await settle(files);
  expect([names(files), codes(files), files.current.get().loaded]).toEqual([["a"], [], true]);
});

test("a path that can't be read is waited for, until it can or is not named any more", async () => {
  const path = join(dir, "cut.yaml");
  await writeFile(path, CUT);
  await writeFile(join(dir, "b.yaml"), text("b"));
  const files = await follow(path, join(dir, "b.yaml"));
  expect([codes(files), files.current.get().loaded]).toEqual([["TR0202", "TR0279"], false]);
  expect(files.current.get().findings[1]).toMatchObject({
    at: `${path}:1:1`,
    message: `policies may stand in ${path}, and had no good state before: nothing is served until it can be read, is taken away, or is no more among \`rules\``,
  });
  files.setPaths([join(dir, "b.yaml")]);
  await settle(files);
  expect([names(files), files.current.get().loaded]).toEqual([["b"], true]);
});

test("who goes by no rules waits for none", async () => {
  await writeFile(join(dir, "cut.yaml"), CUT);
  const files = createRuleFiles({ paths: [dir], clock: new ManualClock(), isOptional: true });
  open.push(files);
  await files.rescan();
  expect([codes(files), files.current.get().loaded]).toEqual([["TR0202", "TR0279"], true]);
});

test("a ConfigMap's links are followed when they are turned", async () => {
  for (const version of ["..1", "..2"]) {
    await mkdir(join(dir, version));
    await writeFile(join(dir, version, "a.yaml"), text(version === "..1" ? "old" : "new"));
  }
  await symlink("..1", join(dir, "..data"));
  await symlink("..data/a.yaml", join(dir, "a.yaml"));
  const files = await follow(dir);
  expect(names(files)).toEqual(["old"]);
  await symlink("..2", join(dir, "..tmp"));
  await rename(join(dir, "..tmp"), join(dir, "..data"));
  await settle(files);
  expect(names(files)).toEqual(["new"]);
});

test("links back to their folder bring nothing a second time", async () => {
  await writeFile(join(dir, "a.yaml"), text("a"));
  for (const name of ["loop", "other"]) await symlink(".", join(dir, name));
  const files = await follow(dir);
  expect([names(files), codes(files)]).toEqual([["a"], []]);
});

test("a pipe that is named itself is read, as far as a file may go; /dev/zero has no end", async () => {
  const pipe = join(dir, "pipe");
  execFileSync("mkfifo", [pipe]);
  const written = writeFile(pipe, text("a"));
  expect(names(await follow(pipe))).toEqual(["a"]);
  await written;
  expect(codes(await follow("/dev/zero"))).toEqual(["TR0216", "TR0279"]);
});

test.each([
  { name: "no UTF-8", content: Buffer.from([0x61, 0xff, 0x62]), code: "TR0202" },
  { name: "over the limit", content: Buffer.alloc(4 * 1024 * 1024 + 1, 0x20), code: "TR0216" },
  {
    name: "cut off before it says what it is",
    content: Buffer.from(CUT),
    code: "TR0202",
  },
])("a file that is $name is a finding, and waited for at a start", async ({ content, code }) => {
  await writeFile(join(dir, "a.yaml"), content);
  await writeFile(join(dir, "b.yaml"), text("b"));
  const files = await follow(dir);
  expect([codes(files), files.current.get().loaded]).toEqual([[code, "TR0279"], false]);
  await unlink(join(dir, "a.yaml"));
  await settle(files);
  expect([names(files), codes(files), files.current.get().loaded]).toEqual([["b"], [], true]);
  // Once rules are in force, one more that can't be read takes nothing from them, and holds nothing up.
  await writeFile(join(dir, "c.yaml"), content);
  await settle(files);
  expect([names(files), codes(files), files.current.get().loaded]).toEqual([["b"], [code, "TR0215"], true]);
});

test("what is there and can't be opened is tried with each look, and told once", async () => {
  const path = join(dir, "rules.sock");
  const server = createServer().listen(path);
  await once(server, "listening");
  const files = await follow(path);
  const before = files.current.get();
  expect([codes(files), before.loaded]).toEqual([["TR0201", "TR0279"], false]);
  await files.rescan();
  expect(files.current.get()).toBe(before);
  server.close();
  await once(server, "close");
  await writeFile(path, text("a"));
  await files.rescan();
  expect([names(files), files.current.get().loaded]).toEqual([["a"], true]);
});

test("a look that finds nothing new wakes nobody", async () => {
  await writeFile(join(dir, "a.yaml"), text("a"));
  const files = await follow(dir);
  const before = files.current.get();
  await settle(files);
  expect(files.current.get()).toBe(before);
});

test("news are logged once with place and code", async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  await writeFile(join(dir, "a.yaml"), "kind: VirtualService");
  const files = createRuleFiles({ paths: [dir], clock: new ManualClock(), logger });
  open.push(files);
  await files.rescan();
  await files.rescan();
  expect(lines.filter((line) => line.includes("VirtualService.spec is missing"))).toHaveLength(1);
  expect(lines.at(-1)).toBe("rules taken up");
});

test("conflicts and unknown subsets are logged when rules are taken up", async () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  await writeFile(join(dir, "a.yaml"), text("a"));
  await writeFile(join(dir, "b.yaml"), text("b").replace("{host: a}", "{host: a, subset: v9}"));
  const files = createRuleFiles({ paths: [dir], clock: new ManualClock(), logger });
  open.push(files);
  await files.rescan();
  expect(lines.map((line) => line.slice(dir.length + 1))).toEqual([
    expect.stringMatching(/^b\.yaml:5:11: host a of VirtualService b already belongs to a/),
    expect.stringMatching(/^b\.yaml:6:\d+: subset v9 of a is not defined/),
    expect.anything(),
  ]);
});

test("other paths are followed when told; rules of those left out go", async () => {
  await writeFile(join(dir, "a.yaml"), text("a"));
  await writeFile(join(dir, "b.yaml"), text("b"));
  const files = await follow(join(dir, "a.yaml"));
  expect(names(files)).toEqual(["a"]);
  files.setPaths([join(dir, "b.yaml")]);
  await settle(files);
  expect(names(files)).toEqual(["b"]);
});
