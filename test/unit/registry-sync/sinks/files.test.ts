import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { TransientError } from "../../../../src/base/errors.ts";
import type { Entry } from "../../../../src/model/entry.ts";
import { plan } from "../../../../src/registry-sync/merge/plan.ts";
import { createFilesSink, fileNameOf, printServiceEntry } from "../../../../src/registry-sync/sinks/files.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "trestle-files-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const none = { create: [], update: [], delete: [] };
const sinkIn = (folder: string) => createFilesSink({ directory: folder, owner: "trestle" });
const one = entry("com.acme.OrderService:1.0.0", [
  endpoint("10.0.0.1", { params: { application: "shop", methods: "a,b", region: "杭州", "a b": "no label" } }),
  "10.0.0.2:20881",
]);

async function replan(desired: readonly Entry[]) {
  const sink = sinkIn(directory);
  return plan(desired, await sink.current(), { owner: "trestle", stored: sink.stored!.bind(sink) });
}

test("each entry is one YAML file named after its host, which reads back as it was", async () => {
  const sink = sinkIn(directory);
  await sink.apply({ ...none, create: [one, entry("a.A", [])] });
  expect((await readdir(directory)).sort()).toEqual(["a.a.yaml", "com.acme.orderservice-1-0-0.yaml"]);
  expect(await sink.current()).toEqual([
    { host: "a.a", owner: "trestle", entry: entry("a.A", []) },
    { host: one.host, owner: "trestle", entry: one },
  ]);
  expect(parse(await readFile(join(directory, `${one.host}.yaml`), "utf8")).kind).toBe("ServiceEntry");
});

test("after an apply there is nothing left to plan, tokens or not", async () => {
  const secret = entry("s.S", [endpoint("10.0.0.1", { token: "t0p", params: { token: "t0p", x: "1" } })]);
  await sinkIn(directory).apply({ ...none, create: [one, secret] });
  expect((await replan([one, secret])).changes).toEqual(none);
  expect(await readFile(join(directory, "s.s.yaml"), "utf8")).not.toContain("t0p");
});

test.each([
  ["leads out of the folder", "com.acme.x:../../escaped"],
  ["names a folder", "a/b"],
  ["is hidden", ".hidden"],
  ["is the folder above", ".."],
  ["has a zero byte", "a\0b"],
  ["is short in letters and long in bytes", "杭".repeat(120)],
  ["is just short enough", `${"杭".repeat(80)}aaa`],
])("a host that %s has a file of its own in the folder", async (_, host) => {
  const folder = join(directory, "in", "it");
  const odd = { ...one, host };
  await sinkIn(folder).apply({ ...none, create: [odd, one] });
  expect(await readdir(directory, { recursive: true })).toHaveLength(4);
  const sink = sinkIn(folder);
  expect((await sink.current()).map((stored) => stored.host).sort()).toEqual([host, one.host].sort());
  await sink.apply({ ...none, delete: [odd] });
  expect(await readdir(folder)).toEqual([`${one.host}.yaml`]);
});

test("updates replace and deletes remove, and no temporary file stays", async () => {
  const sink = sinkIn(directory);
  await sink.apply({ ...none, create: [one, entry("a.A", ["10.0.0.1"])] });
  const after = entry("com.acme.OrderService:1.0.0", ["10.0.0.9"]);
  await sink.apply({ create: [], update: [{ before: one, after }], delete: [entry("a.A", ["10.0.0.1"])] });
  expect(await readdir(directory)).toEqual(["com.acme.orderservice-1-0-0.yaml"]);
  expect((await sink.current())[0]?.entry).toEqual(after);
  await sink.apply({ ...none, delete: [entry("gone.Already", [])] });
});

test("equal entries print equal text", () => {
  const swapped = {
    ...one,
    endpoints: one.endpoints.map((each) => ({
      ...each,
      params: Object.fromEntries(Object.entries(each.params).reverse()),
    })),
  };
  expect(printServiceEntry(swapped, "trestle")).toBe(printServiceEntry(one, "trestle"));
});

describe("what is not ours stays", () => {
  const foreign =
    "kind: ServiceEntry\nmetadata: {name: x, labels: {trestle.io/owner: someone}}\nspec: {hosts: [a.a]}\n";
  const rows: readonly (readonly [name: string, text: string])[] = [
    ["another owner's entry", foreign],
    ["an entry without an owner", "kind: ServiceEntry\nspec: {hosts: [a.a]}\n"],
    ["an entry of ours under another host's name", printServiceEntry(entry("b.B", []), "trestle")],
    ["other YAML", "a: 1\n"],
    ["no YAML", "{{{{"],
    ["a file of aliases", "a: &a [x, x]\nb: [*a, *a]\n"],
    ["deep nesting", "[".repeat(50_000)],
    ["nothing", ""],
  ];
  test.each(rows)("%s", async (_name, text) => {
    const path = join(directory, "a.a.yaml");
    await writeFile(path, text);
    const wanted = entry("a.A", ["10.0.0.1"]);
    const { changes, findings } = await replan([wanted]);
    expect(changes).toEqual(none);
    expect(findings.map((each) => each.code)).toEqual(["TR0141"]);
    for (const forced of [
      { ...none, create: [wanted] },
      { ...none, delete: [wanted] },
    ]) {
      await expect(sinkIn(directory).apply(forced)).rejects.toThrow(
        "a.a.yaml belong to someone else and were left alone",
      );
    }
    expect(await readFile(path, "utf8")).toBe(text);
  });

  test("a link, whatever it leads to", async () => {
    const target = join(directory, "target");
    await writeFile(target, printServiceEntry(entry("a.A", []), "trestle"));
    await symlink(target, join(directory, "a.a.yaml"));
    expect((await sinkIn(directory).current())[0]).toEqual({ host: "a.a", owner: "", entry: undefined });
  });

  test("files of other kinds are not looked at", async () => {
    await writeFile(join(directory, "README.md"), "x");
    await writeFile(join(directory, ".a.a.yaml"), "x");
    expect(await sinkIn(directory).current()).toEqual([]);
  });
});

test("a folder that is not there is empty, and is made by the first apply", async () => {
  const inner = join(directory, "x", "y");
  expect(await sinkIn(inner).current()).toEqual([]);
  await sinkIn(inner).apply({ ...none, create: [one] });
  expect(await readdir(inner)).toHaveLength(1);
});

test("a folder that cannot be used is a TransientError that names it", async () => {
  const file = join(directory, "file");
  await writeFile(file, "x");
  for (const run of [() => sinkIn(file).current(), () => sinkIn(file).apply({ ...none, create: [one] })]) {
    const error = await run().then(
      () => undefined,
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(TransientError);
    expect(String(error)).toContain(`files sink ${file}: `);
  }
});

test("a host too long for a file name is cut and told apart by a hash", async () => {
  const hosts = ["abcdefgh1", "abcdefgh2"].map((end) => `${`${"x".repeat(60)}.`.repeat(4)}${end}`);
  const names = hosts.map(fileNameOf);
  expect(new Set(names).size).toBe(2);
  for (const name of names) expect(name.length).toBeLessThan(250);
  const long = { ...one, host: hosts[0]! };
  await sinkIn(directory).apply({ ...none, create: [long] });
  expect((await sinkIn(directory).current())[0]?.host).toBe(hosts[0]);
  expect((await replan([long])).changes).toEqual(none);
});
