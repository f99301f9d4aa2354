import { mkdir, mkdtemp, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { createProtoFiles, type ProtoFiles } from "../../../../../src/cli/mesh/schemas/proto-files.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";

let dir: string;
let open: ProtoFiles[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "protos-"));
  open = [];
});

afterEach(async () => {
  for (const files of open) files.close();
  await rm(dir, { recursive: true, force: true });
});

const proto = (name: string, more = "") =>
  `syntax = "proto3"; package a; ${more} service ${name} { rpc Get(In${name}) returns (In${name}); } message In${name} {}`;

async function follow(...paths: string[]) {
  const { logger, lines } = recordingLogger();
  const files = createProtoFiles({ paths, log: logger, clock: new ManualClock() });
  open.push(files);
  await files.rescan();
  const settle = async () => {
    await files.rescan();
    await files.rescan();
  };
  const names = () => files.current.get().schemas.map(({ name }) => name);
  const findings = () => files.current.get().findings.map(({ code, at }) => `${code} ${at.replace(`${dir}/`, "")}`);
  return { files, lines, settle, names, findings };
}

test("folders are read with all under them, and a service follows its file and what that imports", async () => {
  await mkdir(join(dir, "sub"));
  await writeFile(join(dir, "one.proto"), proto("One"));
  await writeFile(join(dir, "sub/two.proto"), proto("Two", 'import "sub/types.proto";'));
  await writeFile(join(dir, "sub/types.proto"), 'syntax = "proto3"; message T {}');
  await writeFile(join(dir, "README.md"), "service");
  const { files, settle, names, findings } = await follow(dir);
  expect([files.current.get().loaded, names(), findings()]).toEqual([true, ["a.One", "a.Two"], []]);
  await unlink(join(dir, "one.proto"));
  await writeFile(join(dir, "three.proto"), proto("Three"));
  await settle();
  expect(names()).toEqual(["a.Two", "a.Three"]);
  await writeFile(join(dir, "sub/types.proto"), "nonsense");
  await settle();
  expect([names(), findings()]).toEqual([["a.Two", "a.Three"], ["TR0302 sub/types.proto:1"]]);
});

test("a file that breaks keeps what it said, is told once, and counts again when it is whole", async () => {
  const path = join(dir, "one.proto");
  await writeFile(path, proto("One"));
  const { files, lines, settle, names, findings } = await follow(dir);
  const before = files.current.get().schemas;
  await writeFile(path, `${proto("One")} message`);
  await settle();
  expect([names(), findings()]).toEqual([["a.One"], ["TR0302 one.proto:1"]]);
  expect(files.current.get().schemas[0]).toBe(before[0]);
  expect(files.current.get().findings[0]?.message).toContain("; what it said before stays in force");
  expect(lines.filter((line) => JSON.stringify(line).includes("TR0302"))).toHaveLength(1);
  await writeFile(path, proto("Other"));
  await settle();
  expect([names(), findings()]).toEqual([["a.Other"], []]);
});

test("a change counts once it stayed for two looks", async () => {
  await writeFile(join(dir, "one.proto"), proto("One"));
  const { files, names } = await follow(dir);
  await writeFile(join(dir, "two.proto"), proto("Two"));
  await files.rescan();
  expect(names()).toEqual(["a.One"]);
  await files.rescan();
  expect(names()).toEqual(["a.One", "a.Two"]);
});

test("a path that is not there is a finding, and one that goes keeps its services", async () => {
  const folder = join(dir, "later");
  const { settle, names, findings } = await follow(folder);
  expect(findings()).toEqual(["TR0301 later"]);
  await mkdir(folder);
  await writeFile(join(folder, "one.proto"), proto("One"));
  await settle();
  expect([names(), findings()]).toEqual([["a.One"], []]);
  await rm(folder, { recursive: true });
  await settle();
  expect([names(), findings()]).toEqual([["a.One"], ["TR0301 later"]]);
});

test("of two files that define one service the first counts", async () => {
  await writeFile(join(dir, "a.proto"), proto("One"));
  await writeFile(join(dir, "b.proto"), proto("One").replace("rpc Get", "rpc Put"));
  const { names, findings } = await follow(dir);
  expect([names(), findings()]).toEqual([["a.One"], ["TR0303 b.proto"]]);
});

test("other paths are followed when told", async () => {
  await writeFile(join(dir, "a.proto"), proto("One"));
  await writeFile(join(dir, "b.proto"), proto("Two"));
  const { files, settle, names } = await follow(join(dir, "a.proto"));
  expect(names()).toEqual(["a.One"]);
  files.setPaths([join(dir, "b.proto")]);
  await settle();
  expect(names()).toEqual(["a.Two"]);
});
