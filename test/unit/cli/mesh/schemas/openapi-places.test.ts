import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readDocument } from "../../../../../src/cli/mesh/schemas/openapi-places.ts";

async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "trestle-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "api");
  await writeFile(file, text);
  return file;
}

test.each([
  ["JSON", '{"openapi": "3.0.1"}'],
  ["JSON behind a byte order mark", '\ufeff{"openapi": "3.0.1"}'],
  ["YAML", "openapi: 3.0.1\n"],
  ["YAML behind a byte order mark", "\ufeffopenapi: 3.0.1\n"],
])("a file may be %s", async (_name, text) => {
  expect(await readDocument(await fileWith(text))).toMatchObject({
    type: "document",
    document: { openapi: "3.0.1" },
  });
});

test("a file is read again when it is another, and not before", async () => {
  const file = await fileWith("a: 1");
  const first = await readDocument(file);
  const { stamp } = first as { readonly stamp?: string };
  expect(stamp).toBeDefined();
  expect(await readDocument(file, stamp)).toEqual({ type: "same" });
  await writeFile(file, "a: 2");
  await utimes(file, 1, 1);
  expect(await readDocument(file, stamp)).toMatchObject({ type: "document", document: { a: 2 } });
});

test("a file that is none, or has no document, says why", async () => {
  expect(await readDocument("/nowhere/api.json")).toMatchObject({
    type: "failed",
    why: expect.stringContaining("ENOENT"),
  });
  const file = await fileWith("{ broken");
  expect(await readDocument(file)).toMatchObject({ type: "failed", why: expect.stringContaining("JSON") });
});
