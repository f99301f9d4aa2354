import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRuleFiles, type RuleFiles } from "../../../src/control/rule-files.ts";
import { virtualServiceText } from "../../support/rules.ts";

let dir: string;
let files: RuleFiles;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rules-"));
  await writeFile(join(dir, "a.yaml"), text("first"));
  files = createRuleFiles({ paths: [dir] });
  await files.rescan();
});

afterAll(async () => {
  files.close();
  await rm(dir, { recursive: true, force: true });
});

const text = (name: string): string => virtualServiceText(name, "[a]", "[{route: [{destination: {host: a}}]}]");

/** How long until the rules in force have this name, ms; gives up after 3 s. */
async function timeUntil(name: string): Promise<number> {
  const startMs = performance.now();
  while (files.current.get().rules[0]?.name !== name && performance.now() - startMs < 3_000)
    await new Promise((resolve) => setTimeout(resolve, 5));
  return performance.now() - startMs;
}

test("a file that is written in place is in force within a second", async () => {
  await writeFile(join(dir, "a.yaml"), text("second"));
  expect(await timeUntil("second")).toBeLessThan(1_000);
});

test("a file that is renamed over another is in force within a second", async () => {
  await writeFile(join(dir, "a.tmp"), text("third"));
  await rename(join(dir, "a.tmp"), join(dir, "a.yaml"));
  expect(await timeUntil("third")).toBeLessThan(1_000);
});

test("ten writes in a row end with the last", async () => {
  for (let i = 0; i < 10; i++) await writeFile(join(dir, "a.yaml"), text(`write${i}`));
  expect(await timeUntil("write9")).toBeLessThan(1_000);
});
