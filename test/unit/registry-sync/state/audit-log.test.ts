import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { auditRecords, createAuditLog, readAudit } from "../../../../src/registry-sync/state/audit-log.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";
import { addresses, endpoint, entry } from "../../../support/worlds.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "trestle-audit-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const START = Date.parse("2026-01-01T00:00:00.000Z");
const a = entry("com.acme.A:1.0", [endpoint("10.0.0.1"), endpoint("10.0.0.2", { origin: "other" })]);
const b = entry("com.acme.B", ["10.0.0.3"]);
const none = { create: [], update: [], delete: [] };
const registry = { cause: "registry" as const };

function open(more = {}) {
  const { logger, lines } = recordingLogger();
  const clock = new ManualClock(START);
  return { audit: createAuditLog({ directory, clock, logger, ...more }), clock, lines };
}

test("each change is a record: sink, host, what changed, origins, time and why", () => {
  const after = { ...b, endpoints: [endpoint("10.0.0.3", { weight: 7, params: { token: "x" } })] };
  const changes = { create: [a], update: [{ before: b, after }], delete: [b] };
  expect(auditRecords("T", "files=out", changes, "guard")).toEqual([
    {
      ...{ time: "T", sink: "files=out", host: a.host, service: "com.acme.A:1.0", action: "create" },
      ...{
        changed: ["+ dubbo://10.0.0.1:20880", "+ dubbo://10.0.0.2:20880"],
        origins: ["legacy", "other"],
        why: "guard",
      },
    },
    {
      ...{ time: "T", sink: "files=out", host: b.host, service: "com.acme.B", action: "update" },
      changed: ["~ dubbo://10.0.0.3:20880 weight: 100 -> 7", "~ dubbo://10.0.0.3:20880 token: (changed)"],
      ...{ origins: ["legacy"], why: "guard" },
    },
    {
      ...{ time: "T", sink: "files=out", host: b.host, service: "com.acme.B", action: "delete" },
      ...{ changed: ["- dubbo://10.0.0.3:20880"], origins: ["legacy"], why: "guard" },
    },
  ]);
});

test("of a change of very many endpoints the first are kept, and the others counted", () => {
  const [record] = auditRecords("T", "s", { ...none, create: [entry("a.A", addresses(250))] }, "start");
  expect([record!.changed.length, record!.more]).toEqual([200, 50]);
});

test("records are read back by host and time, the newest so many, oldest first", async () => {
  const { audit, clock } = open();
  audit.note("s", { ...none, create: [a] }, registry);
  clock.advance(60_000);
  audit.note("s", { ...none, create: [b], delete: [a] }, registry);
  await audit.close();
  const hosts = async (filter: Partial<Parameters<typeof readAudit>[1]>) =>
    (await readAudit(directory, { last: 100, ...filter })).map(({ action, host }) => `${action} ${host}`);
  expect(await hosts({})).toEqual([`create ${a.host}`, `create ${b.host}`, `delete ${a.host}`]);
  expect(await hosts({ host: "ACME.a" })).toEqual([`create ${a.host}`, `delete ${a.host}`]);
  expect(await hosts({ sinceMs: START + 1 })).toEqual([`create ${b.host}`, `delete ${a.host}`]);
  expect(await hosts({ untilMs: START + 60_000 })).toEqual([`create ${a.host}`]);
  expect(await hosts({ last: 1 })).toEqual([`delete ${a.host}`]);
});

test("the file is for its owner alone, and rotates within its limits", async () => {
  const { audit } = open({ maxFileBytes: 1_000, maxFiles: 3 });
  for (let i = 0; i < 40; i++) {
    audit.note("s", { ...none, create: [entry(`a.S${i}`, ["10.0.0.1"])] }, registry);
    await audit.close();
  }
  const folder = join(directory, "audit");
  expect((await readdir(folder)).sort()).toEqual(["audit.1.jsonl", "audit.2.jsonl", "audit.jsonl"]);
  for (const name of await readdir(folder)) {
    const { size, mode } = await stat(join(folder, name));
    expect(size).toBeLessThanOrEqual(1_000);
    expect(mode & 0o777).toBe(0o600);
  }
  const read = await readAudit(directory, { last: 1_000 });
  expect(read.at(-1)!.host).toBe("a.s39");
  const order = read.map(({ host }) => Number(host.slice(3)));
  expect(order).toEqual([...order].sort((x, y) => x - y));
});

test("lines that are no records are left out", async () => {
  const { audit } = open();
  audit.note("s", { ...none, create: [a] }, registry);
  await audit.close();
  const path = join(directory, "audit", "audit.jsonl");
  await writeFile(path, `null\n{}\nnot json\n[]\n${await readFile(path, "utf8")}{"time":"x"`);
  expect(await readAudit(directory, { last: 9 })).toHaveLength(1);
});

test("a folder that cannot be written is told of once and stops nothing; what is missing at the end is counted", async () => {
  await writeFile(join(directory, "audit"), "in the way");
  const { audit, clock, lines } = open();
  for (let i = 0; i < 3; i++) {
    audit.note("s", { ...none, create: [a] }, registry);
    await vi.waitUntil(() => lines.length > 0);
    clock.advance(5_000);
  }
  expect(lines.map(([level]) => level)).toEqual(["error"]);
  await audit.close();
  expect(lines[1]).toMatchObject(["error", "changes are missing in the audit log", { missing: 3 }]);
});

test("what a full disk did not take is written, in order, once there is room", async () => {
  const { audit, clock, lines } = open();
  const path = join(directory, "audit", "audit.jsonl");
  await mkdir(join(directory, "audit"));
  await symlink("/dev/full", path);
  audit.note("s", { ...none, create: [a] }, registry);
  await vi.waitUntil(() => lines.length > 0);
  audit.note("s", { ...none, create: [b] }, registry);
  await rm(path);
  expect(await readdir(join(directory, "audit"))).toEqual([]);
  clock.advance(5_000);
  await audit.close();
  expect((await readAudit(directory, { last: 9 })).map(({ host }) => host)).toEqual([a.host, b.host]);
  expect(lines.map(([level]) => level)).toEqual(["error", "info"]);
});

test("an audit that is read while its files are renamed has every record once", async () => {
  const { audit } = open({ maxFileBytes: 600, maxFiles: 1_000 });
  for (let i = 0; i < 20; i++) audit.note("s", { ...none, create: [entry(`a.S${i}`, ["10.0.0.1"])] }, registry);
  await audit.close();
  const writing = (async () => {
    for (let i = 20; i < 60; i++) {
      audit.note("s", { ...none, create: [entry(`a.S${i}`, ["10.0.0.1"])] }, registry);
      await audit.close();
    }
  })();
  let isOver = false;
  const over = writing.then(() => {
    isOver = true;
  });
  for (let reads = 0; reads < 3 || !isOver; reads++) {
    // A reader may be outrun; what it gives is whole.
    const read = await readAudit(directory, { last: 1_000 }).catch(({ message }: Error) => message);
    if (typeof read === "string") expect(read).toContain("are renamed faster than");
    else expect(read.map(({ host }) => host)).toEqual(read.map((_, i) => `a.s${i}`));
  }
  await over;
  expect(await readAudit(directory, { last: 1_000 })).toHaveLength(60);
});

test("an audit that is not there is an error", async () => {
  await expect(readAudit(join(directory, "none"), { last: 1 })).rejects.toThrow("ENOENT");
});
