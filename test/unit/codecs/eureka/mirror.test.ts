import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { ApplicationsDocument } from "../../../../src/codecs/eureka/document.ts";
import { parseEurekaJson } from "../../../../src/codecs/eureka/json.ts";
import { EurekaMirror, sameInstance } from "../../../../src/codecs/eureka/mirror.ts";

function fixture(name: string): ApplicationsDocument {
  const document = parseEurekaJson(readFileSync(`fixtures/wire/eureka/${name}`, "utf8"));
  if (document.kind !== "applications") throw new Error(name);
  return document;
}

function list(...instances: readonly object[]): ApplicationsDocument {
  const raw = instances as readonly Record<string, unknown>[];
  return { kind: "applications", version: "1", hashcode: undefined, applications: [{ name: "A", instances: raw }] };
}

test("a full list and a delta of a server give the hash that the server counted", () => {
  const mirror = new EurekaMirror();
  const full = fixture("apps.json");
  expect(mirror.replace(full).changes).toHaveLength(2);
  expect(mirror.hashcode()).toBe(full.hashcode);
  const delta = fixture("delta.json");
  expect(mirror.apply(delta).changes).toHaveLength(2);
  expect([mirror.hashcode(), mirror.size]).toEqual([delta.hashcode, 2]);
});

test("what did not change is no change, in a full list and in a delta given again", () => {
  const mirror = new EurekaMirror();
  mirror.replace(fixture("apps.json"));
  expect(mirror.replace(fixture("apps.json")).changes).toEqual([]);
  mirror.apply(fixture("delta.json"));
  expect(mirror.apply(fixture("delta.json")).changes).toEqual([]);
});

test("a change has the instance before and after, a removal the one before", () => {
  const mirror = new EurekaMirror();
  mirror.replace(list({ instanceId: "i", hostName: "h" }, { instanceId: "j", hostName: "h" }));
  const { changes } = mirror.replace(list({ instanceId: "i", hostName: "h", status: "DOWN" }));
  expect(changes.map(({ before, after }) => [before?.id, before?.status, after?.status])).toEqual([
    ["j", "UP", undefined],
    ["i", "UP", "DOWN"],
  ]);
});

test("an instance that cannot be read is counted and left out", () => {
  expect(new EurekaMirror().replace(list({ instanceId: "i" }, { hostName: "h" }))).toMatchObject({
    changes: [{ after: { id: "h" } }],
    unreadable: 1,
  });
});

test("what is held stays where it is asked to, but not what is gone", () => {
  const mirror = new EurekaMirror();
  mirror.replace(list({ instanceId: "i", hostName: "new", lastDirtyTimestamp: 2 }, { instanceId: "j", hostName: "h" }));
  const old = list({ instanceId: "i", hostName: "old", lastDirtyTimestamp: 1 });
  const { changes } = mirror.replace(old, (held, given) => given.lastDirtyMs < held.lastDirtyMs);
  expect(changes.map(({ before, after }) => [before?.id, after])).toEqual([["j", undefined]]);
});

test("a removal of what is not held is no change", () => {
  expect(new EurekaMirror().apply(list({ hostName: "h", actionType: "DELETED" })).changes).toEqual([]);
});

test("times and the action make no difference between two readings", () => {
  const mirror = new EurekaMirror();
  const [one] = mirror.replace(list({ hostName: "h", lastUpdatedTimestamp: 1 })).changes;
  const instance = one!.after!;
  expect(sameInstance(instance, { ...instance, action: "MODIFIED", lastUpdatedMs: 2, lastDirtyMs: 3 })).toBe(true);
  expect(sameInstance(instance, { ...instance, port: 1 })).toBe(false);
});
