import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/log.ts";
import { openData } from "../../../../src/cli/mesh/data-folder.ts";
import { entry, world } from "../../../support/worlds.ts";

const changes = { create: [entry("a.A", [])], update: [], delete: [] };
const state = { cause: "registry" } as never;

test("without a folder nothing is kept", async () => {
  const data = openData({ outputs: [] }, silentLogger);
  expect(data.parts).toEqual({});
  data.lock();
  await data.close();
});

test.each([
  [[{ files: "out" }], ["files=out"]],
  [[], ["control"]],
])("with outputs %j the changes of %j are audited, and the worlds kept", async (outputs, sinks) => {
  const folder = await mkdtemp(join(tmpdir(), "trestle-data-"));
  const data = openData({ data: folder, outputs }, silentLogger);
  if (outputs.length > 0) data.parts.onApplied!("files=out", changes, state);
  data.parts.onApplied!("control", changes, state);
  data.parts.memory!.note([world("legacy", entry("a.A", []))]);
  await data.close();
  const lines = (await readFile(join(folder, "audit", "audit.jsonl"), "utf8")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).sink)).toEqual(sinks);
  expect((await openData({ data: folder, outputs }, silentLogger).parts.memory!.load("legacy"))?.entries).toHaveLength(
    1,
  );
  await rm(folder, { recursive: true });
});

test("a folder is one process's alone until it is closed", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trestle-data-"));
  const config = { data: folder, outputs: [] };
  const first = openData(config, silentLogger);
  first.lock();
  const second = openData(config, silentLogger);
  expect(() => second.lock()).toThrow(`${folder} is in use by process ${process.pid}`);
  await second.close();
  expect(() => second.lock()).toThrow("in use");
  await first.close();
  second.lock();
  await second.close();
  await rm(folder, { recursive: true });
});
