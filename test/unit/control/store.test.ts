import { expect, test } from "vitest";
import { ManualClock } from "../../../src/base/clock.ts";
import { createControlStore } from "../../../src/control/store.ts";
import { emptySnapshot } from "../../../src/model/snapshot.ts";
import type { Changes, Sink } from "../../../src/registry-sync/contracts.ts";
import { entryOf } from "../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../support/rules.ts";

const a = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]);
const b = entryOf("com.acme.B", ["dubbo://10.0.0.2:20880"]);
const nothing = { create: [], update: [], delete: [] };

test("changes that come close together make one snapshot", async () => {
  const clock = new ManualClock();
  const store = createControlStore({ clock, debounceMs: 20 });
  await store.sink.apply({ ...nothing, create: [b] });
  clock.advance(15);
  await store.sink.apply({ ...nothing, create: [a] });
  clock.advance(15);
  expect(store.snapshots.get()).toBe(emptySnapshot);
  clock.advance(5);
  expect(store.snapshots.get().entries).toEqual([a, b]);
});

test("its snapshots say which protocols are carried", async () => {
  const store = createControlStore({ clock: new ManualClock(), protocols: ["dubbo", "tri"] });
  await store.sink.apply({ ...nothing, create: [a] });
  store.flush();
  expect(store.snapshots.get().protocols).toEqual(["dubbo", "tri"]);
});

test("changes without a pause wait no longer than the limit", async () => {
  const clock = new ManualClock();
  const store = createControlStore({ clock, debounceMs: 20, maxDelayMs: 100 });
  for (let i = 0; i < 10; i++) {
    await store.sink.apply({ ...nothing, create: [i % 2 === 0 ? a : b] });
    clock.advance(10);
  }
  expect(store.snapshots.get().entries).toHaveLength(2);
});

test("a sync creates, updates and deletes entries and can read them back", async () => {
  const store = createControlStore({ clock: new ManualClock(), owner: "me" });
  const moved = entryOf("com.acme.A", ["dubbo://10.0.0.9:20880"]);
  await store.sink.apply({ ...nothing, create: [a, b] });
  await store.sink.apply({ create: [], update: [{ before: a, after: moved }], delete: [b] });
  expect(await store.sink.current()).toEqual([{ host: "com.acme.a", owner: "me", entry: moved }]);
});

test("an entry that is deleted and made anew under the same host stays", async () => {
  const store = createControlStore({ clock: new ManualClock() });
  await store.sink.apply({ ...nothing, create: [a] });
  await store.sink.apply({ create: [a], update: [], delete: [a] });
  store.flush();
  expect(store.snapshots.get().entries).toEqual([a]);
});

test("rules are replaced whole", () => {
  const store = createControlStore({ clock: new ManualClock() });
  const rules = rulesOf(virtualServiceText("v", "[a]", "[{route: [{destination: {host: a}}]}]"));
  store.setRules(rules);
  store.flush();
  expect(store.snapshots.get().rules).toEqual(rules);
  store.setRules([]);
  store.flush();
  expect(store.snapshots.get().rules).toEqual([]);
});

test("equal content makes no new snapshot", async () => {
  const store = createControlStore({ clock: new ManualClock() });
  await store.sink.apply({ ...nothing, create: [a] });
  store.flush();
  const before = store.snapshots.get();
  await store.sink.apply({
    ...nothing,
    update: [{ before: a, after: entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]) }],
  });
  store.flush();
  expect(store.snapshots.get()).toBe(before);
});

test("a closed store makes no snapshot", async () => {
  const clock = new ManualClock();
  const store = createControlStore({ clock });
  await store.sink.apply({ ...nothing, create: [a] });
  store.close();
  clock.advance(1_000);
  expect(store.snapshots.get()).toBe(emptySnapshot);
});

test("the store is a sink of registry-sync by its shape", async () => {
  const store = createControlStore({ clock: new ManualClock() });
  const sink: Sink = store.sink;
  const changes: Changes = { create: [a], update: [], delete: [] };
  await sink.apply(changes);
  expect(await sink.current()).toEqual([{ host: "com.acme.a", owner: "trestle", entry: a }]);
});

test("what is known of the types of calls is merged by source: files are believed before registries, those before reflection", () => {
  const store = createControlStore({ clock: new ManualClock() });
  const java = (type: string) => ({ methods: [{ name: "m", parameterTypes: [type], returnType: "void" }], types: {} });
  store.setSchemas("reflection", [
    { name: "com.acme.B", protobuf: "cmVm" },
    { name: "com.acme.A", protobuf: "cmVm" },
  ]);
  store.setSchemas("registry", [{ name: "com.acme.A", java: java("long") }]);
  store.setSchemas("files", [{ name: "com.acme.A", protobuf: "ZmlsZQ==" }]);
  store.flush();
  expect(store.snapshots.get().schemas).toEqual([
    { name: "com.acme.A", protobuf: "ZmlsZQ==", java: java("long") },
    { name: "com.acme.B", protobuf: "cmVm" },
  ]);
});

test("who says a part of a service's types is known", () => {
  const store = createControlStore();
  const java = { methods: [], types: {} };
  store.setSchemas("reflection", [{ name: "a.A", protobuf: "AA==" }]);
  store.setSchemas("registry", [{ name: "a.A", java, protobuf: "AQ==" }]);
  expect([...store.schemaOrigins()]).toEqual([["a.A", { java: "registry", protobuf: "registry" }]]);
  store.setSchemas("files", [{ name: "a.A", protobuf: "Ag==" }]);
  expect([...store.schemaOrigins()]).toEqual([["a.A", { java: "registry", protobuf: "files" }]]);
  store.setSchemas("metadata", [{ name: "a.A", java, protobuf: "Ag==" }]);
  expect([...store.schemaOrigins()]).toEqual([["a.A", { java: "metadata", protobuf: "files" }]]);
  store.close();
});

test("types that did not change stay the same objects, whichever source said something", () => {
  const store = createControlStore();
  const java = { methods: [], types: {} };
  store.setSchemas("registry", [
    { name: "a.A", java },
    { name: "b.B", java },
  ]);
  store.setSchemas("files", [{ name: "a.A", protobuf: "AA==" }]);
  store.flush();
  const before = store.snapshots.get().schemas;
  expect(before[0]).toEqual({ name: "a.A", java, protobuf: "AA==" });
  store.setSchemas("reflection", [{ name: "c.C", protobuf: "AQ==" }]);
  store.flush();
  const after = store.snapshots.get().schemas;
  expect(after).toHaveLength(3);
  expect([after[0] === before[0], after[1] === before[1]]).toEqual([true, true]);
  store.close();
});

test("a RestMapping is a service under the host it is told, and says how its calls are made", () => {
  const store = createControlStore({ clock: new ManualClock(), hostOf: ({ interface: name }) => `rest.${name}` });
  const text = `apiVersion: trestle.io/v1alpha1
kind: RestMapping
metadata: {name: c}
spec:
  interface: C
  endpoints: [{address: 10.0.0.3, port: 80}]
  methods: [{name: get, http: GET /}]`;
  store.setRules(rulesOf(text));
  store.flush();
  const { entries, schemas } = store.snapshots.get();
  expect(entries.map(({ host, mapped }) => [host, mapped])).toEqual([["rest.C", true]]);
  expect(schemas).toMatchObject([{ name: "C", rest: { methods: [{ name: "get", verb: "GET", path: "/" }] } }]);
  expect(store.schemaOrigins().get("C")).toEqual({ rest: "rules" });
});

test("entries of Trestle's own services are in snapshots, and no sink's business", async () => {
  const store = createControlStore({ clock: new ManualClock() });
  await store.sink.apply({ ...nothing, create: [a] });
  store.setOwn([b]);
  store.flush();
  expect(store.snapshots.get().entries).toEqual([a, b]);
  expect((await store.sink.current()).map(({ entry }) => entry)).toEqual([a]);
  const { version } = store.snapshots.get();
  store.setOwn([b]);
  store.flush();
  expect(store.snapshots.get().version).toBe(version);
  store.setOwn([]);
  store.flush();
  expect(store.snapshots.get().entries).toEqual([a]);
});
