import { expect, test } from "vitest";
import { hashText } from "../../../src/model/hash-text.ts";
import { contentVersion, createSnapshot, emptySnapshot, SnapshotBuilder } from "../../../src/model/snapshot.ts";
import { entryOf } from "../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../support/rules.ts";

const a = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]);
const b = entryOf("com.acme.B", ["dubbo://10.0.0.2:20880"]);
const text = virtualServiceText("r", "[com.acme.A]", "[{route: [{destination: {host: com.acme.A}}]}]");

test("a snapshot sorts its entries by host and is frozen", () => {
  const snapshot = createSnapshot([b, a], []);
  expect(snapshot.entries).toEqual([a, b]);
  expect(Object.isFrozen(snapshot) && Object.isFrozen(snapshot.entries) && Object.isFrozen(snapshot.rules)).toBe(true);
});

test("the version depends on the content alone", () => {
  const again = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]);
  expect(createSnapshot([a, b], rulesOf(text)).version).toBe(createSnapshot([b, again], rulesOf(text)).version);
});

test.each([
  { name: "another endpoint", entries: [entryOf("com.acme.A", ["dubbo://10.0.0.9:20880"]), b], rules: rulesOf(text) },
  { name: "one entry less", entries: [a], rules: rulesOf(text) },
  { name: "no rule", entries: [a, b], rules: [] },
  { name: "the rule on another line", entries: [a, b], rules: rulesOf(`# note\n${text}`) },
])("$name makes another version", ({ entries, rules }) => {
  expect(createSnapshot(entries, rules).version).not.toBe(createSnapshot([a, b], rulesOf(text)).version);
});

test("what is carried beside Dubbo2 makes another version", () => {
  const snapshot = createSnapshot([a], [], ["dubbo", "tri"]);
  expect([snapshot.protocols, emptySnapshot.protocols]).toEqual([["dubbo", "tri"], ["dubbo"]]);
  expect(snapshot.version).not.toBe(createSnapshot([a], []).version);
});

test("a version is 16 hexadecimal digits", () => {
  expect(emptySnapshot.version).toMatch(/^[0-9a-f]{16}$/);
  expect(contentVersion({ x: 1 })).toBe(hashText('{"x":1}'));
});

test("a builder gives the same versions as if each snapshot were the first, and reads what stays no more", () => {
  const entries = Array.from({ length: 50 }, (_, i) => entryOf(`com.acme.S${i + 10}`, [`dubbo://10.0.0.${i}:20880`]));
  const schemas = [{ name: "b" }, { name: "a" }];
  const builder = new SnapshotBuilder();
  const first = builder.build(entries, [], ["dubbo"], schemas);
  expect(first).toEqual(createSnapshot(entries, [], ["dubbo"], schemas));
  let reads = 0;
  const watched = { ...entries[3]!, toJSON: () => reads++ };
  const changed = [...entries.slice(0, 3), watched, ...entries.slice(4)];
  const second = builder.build(changed, [], ["dubbo"], schemas);
  expect([second.version === first.version, second.schemas === first.schemas]).toEqual([false, true]);
  builder.build([...changed.slice(0, 20), ...changed.slice(21)], [], ["dubbo"], schemas);
  expect(reads).toBe(1);
  expect(builder.build(entries, [], ["dubbo"], schemas).version).toBe(first.version);
});

test("schemas in another order are the same version", () => {
  const [a, b] = [{ name: "a" }, { name: "b" }];
  const version = (schemas: readonly { readonly name: string }[]) => createSnapshot([], [], ["dubbo"], schemas).version;
  expect(version([b, a])).toBe(version([a, b]));
  expect(version([a])).not.toBe(version([a, b]));
});
