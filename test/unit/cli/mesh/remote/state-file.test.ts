import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HeldResources } from "../../../../../src/cli/mesh/remote/held.ts";
import { StateFile } from "../../../../../src/cli/mesh/remote/state-file.ts";
import { CLUSTER_TYPE, SECRET_TYPE } from "../../../../../src/codecs/xds/resources.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trestle-state-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function heldOf(...names: string[]): HeldResources {
  const held = new HeldResources();
  const resources = names.map((name) => ({ name, version: "1", resource: { name } }));
  held.apply({ typeUrl: CLUSTER_TYPE, resources, removed: [] });
  return held;
}

test("what was saved last is loaded, readable by its owner alone", async () => {
  const { logger } = recordingLogger();
  const file = new StateFile(folder, logger);
  await Promise.all([file.save(heldOf("a")), file.save(heldOf("a", "b"))]);
  const loaded = await new StateFile(folder, logger).load();
  expect(loaded?.set).toEqual(heldOf("a", "b").set);
  expect((await stat(join(folder, "control.json"))).mode & 0o777).toBe(0o600);
});

test("keys that were given are kept with the rest; a file from before that was done has none", async () => {
  const { logger } = recordingLogger();
  const file = new StateFile(folder, logger);
  const held = heldOf("a");
  held.apply({
    ...{ typeUrl: SECRET_TYPE, removed: [] },
    resources: [{ name: "kubernetes://s", version: "1", resource: {} }],
  });
  await file.save(held);
  expect((await file.load())?.set.secrets?.map(({ name }) => name)).toEqual(["kubernetes://s"]);
  const path = join(folder, "control.json");
  const { format, types } = JSON.parse(await readFile(path, "utf8"));
  delete types[SECRET_TYPE];
  await writeFile(path, JSON.stringify({ format, types }));
  expect((await file.load())?.set.secrets).toEqual([]);
});

test("without a file there is nothing, and nothing to say", async () => {
  const { logger, lines } = recordingLogger();
  expect(await new StateFile(folder, logger).load()).toBeUndefined();
  expect(lines).toEqual([]);
});

test.each([
  ["half a file", (text: string) => text.slice(0, text.length / 2)],
  ["another format", (text: string) => text.replace("trestle-control-2", "trestle-control-0")],
  ["a resource without a version", (text: string) => text.replace('"version":"1"', '"version":1')],
  ["a list that is none", (text: string) => text.replace(/\[.*?\]/, "{}")],
])("%s is as none, and is told", async (_, broken) => {
  const { logger, lines } = recordingLogger();
  const file = new StateFile(folder, logger);
  await file.save(heldOf("a"));
  const path = join(folder, "control.json");
  await writeFile(path, broken(await readFile(path, "utf8")));
  expect(await file.load()).toBeUndefined();
  expect(JSON.stringify(lines)).toContain("is not what was written");
});

test("a folder that is gone is told, and takes nothing else along", async () => {
  const { logger, lines } = recordingLogger();
  await rm(folder, { recursive: true });
  await new StateFile(folder, logger).save(heldOf("a"));
  expect(JSON.stringify(lines)).toContain("cannot be written");
});
