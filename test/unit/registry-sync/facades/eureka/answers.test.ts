import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseEurekaJson } from "../../../../../src/codecs/eureka/json.ts";
import { EurekaMirror } from "../../../../../src/codecs/eureka/mirror.ts";
import {
  addressesOf,
  compactDocument,
  deltaDocument,
  fullDocument,
  partDocument,
  resyncDocument,
} from "../../../../../src/registry-sync/facades/eureka/answers.ts";
import { ShownHistory } from "../../../../../src/registry-sync/facades/eureka/history.ts";
import { presentEureka, realList, withOwn } from "../../../../../src/registry-sync/present/eureka.ts";
import { applicationsDocument, type GivenInstance, rawInstance } from "../../../../support/eureka-documents.ts";

const one: GivenInstance = { app: "a", host: "10.0.0.1", port: 1 };
const two: GivenInstance = { app: "a", host: "10.0.0.2", port: 1 };
const other: GivenInstance = { app: "b", host: "10.0.0.3", port: 1, status: "DOWN" };
const list = (...given: readonly GivenInstance[]) => realList(applicationsDocument(given).applications);
const led = (...given: readonly GivenInstance[]) =>
  presentEureka(applicationsDocument(given).applications, {
    httpAddressOf: ({ interface: name }) => (name === "a" ? "10.0.0.9:31000" : undefined),
    ...{ httpElsewhere: [], httpNames: [], isHolding: false, namesAsHosts: false, httpServiceOf: () => undefined },
  });

/** A client as Eureka's are: takes a full list, then deltas, and compares hashes. */
function client() {
  const mirror = new EurekaMirror();
  return {
    mirror,
    take(document: ReturnType<typeof fullDocument>, isDelta: boolean) {
      if (isDelta) mirror.apply(document);
      else mirror.replace(document);
      return document.hashcode === mirror.hashcode();
    },
  };
}

test("a whole list has its applications together and the hash over all", () => {
  expect(fullDocument(list(one, other, two), 7)).toMatchObject({
    version: "7",
    hashcode: "DOWN_1_UP_2_",
    applications: [
      { name: "A", instances: [{ ipAddr: "10.0.0.1" }, { ipAddr: "10.0.0.2" }] },
      { name: "B", instances: [{ ipAddr: "10.0.0.3" }] },
    ],
  });
});

test("a client's own hash agrees after every delta, also where what is led changes and the registry does not", () => {
  const history = new ShownHistory();
  const { take, mirror } = client();
  const steps = [
    list(one, two),
    led(one, two),
    led(one, two, other),
    led({ ...one, status: "DOWN" }, { ...two, status: "DOWN" }),
    list(one),
    list(),
    led(one),
  ];
  history.take(steps[0]!, 0);
  expect(take(fullDocument(steps[0]!, history.version), false)).toBe(true);
  for (const [i, step] of steps.entries()) {
    history.take(step, i);
    expect(take(deltaDocument(history.changes(i), step, [], history.version), true)).toBe(true);
    expect(mirror.size).toBe(step.instances.size);
  }
});

test("a client that registered an instance sees its own list agree, from before it registered until after it is gone", () => {
  const history = new ShownHistory();
  const { take, mirror } = client();
  const own = ["A/10.0.0.2:a:1"];
  const steps = [
    [led(one), []],
    [led(one, two), own],
    [led(one, { ...two, status: "DOWN" }), own],
    [led(one, two), own],
    [led(two), own],
    [list(one, two), own],
    [led(one, two), own],
    [led(one), own],
    [led(one), []],
  ] as const;
  history.take(steps[0][0], 0);
  take(fullDocument(steps[0][0], 1), false);
  for (const [i, [base, mine]] of steps.entries()) {
    history.take(base, i);
    const shown = withOwn(base, mine);
    expect(take(deltaDocument(history.changes(i), shown, mine, history.version), true)).toBe(true);
    expect(mirror.size).toBe(shown.instances.size);
  }
});

test("a delta that makes clients take the whole list has it, and a hash that no client comes to", () => {
  const { take, mirror } = client();
  expect(take(resyncDocument(list(one, two), 3), true)).toBe(false);
  expect(mirror.size).toBe(2);
});

test.each([
  [
    { kind: "app", app: "A" },
    { kind: "application", application: { name: "A" } },
  ],
  [{ kind: "app", app: "NOPE" }, undefined],
  [
    { kind: "instance", app: "A", id: "trestle:a" },
    { kind: "instance", instance: { port: { $: 31_000 } } },
  ],
  [
    { kind: "instanceOf", id: "trestle:a" },
    { kind: "instance", instance: { port: { $: 31_000 } } },
  ],
  [{ kind: "instanceOf", id: "trestle:b" }, undefined],
  [
    { kind: "vip", name: "A" },
    { kind: "applications", version: "-1", hashcode: "UP_1_" },
  ],
  [
    { kind: "svip", name: "a" },
    { kind: "applications", version: "-1", hashcode: "UP_1_" },
  ],
  [
    { kind: "vip", name: "b" },
    { kind: "applications", version: "-1", hashcode: "DOWN_1_" },
  ],
  [
    { kind: "vip", name: "nope" },
    { kind: "applications", version: "-1", hashcode: "", applications: [] },
  ],
  [{ kind: "other" }, undefined],
] as const)("%j is answered by %j", (question, expected) => {
  const part = partDocument(question, led(one, two, other));
  if (expected === undefined) expect(part).toBeUndefined();
  else expect(part).toMatchObject(expected);
});

test("an address list has instances of every status, as a server's has", () => {
  const isDown = rawInstance({ ...one, status: "DOWN" });
  const part = partDocument({ kind: "vip", name: "a" }, list({ ...one, status: "DOWN" }));
  expect(part).toMatchObject({ hashcode: "DOWN_1_", applications: [{ instances: [isDown] }] });
});

test("a compact answer has the fields that a server's has", () => {
  const read = (name: string) => parseEurekaJson(readFileSync(`fixtures/wire/eureka/${name}`, "utf8"));
  const fields = (document: ReturnType<typeof read>) => {
    if (document.kind !== "applications") throw new Error(document.kind);
    return document.applications.map(({ instances }) => instances.map((raw) => Object.keys(raw).sort()));
  };
  expect(fields(compactDocument(read("apps.json")))).toEqual(fields(read("apps-compact.json")));
});

test("an instance is called at its host, on its secure port where that is on", () => {
  expect(addressesOf(rawInstance(one))).toEqual(["10.0.0.1:1"]);
  expect(addressesOf(rawInstance({ ...one, raw: { securePort: { $: 8443, "@enabled": "true" } } }))).toEqual([
    "10.0.0.1:8443",
  ]);
  expect(addressesOf({})).toEqual([]);
});

test("who had itself in the list and is gone is told of what stands for its application, which was not in its list", () => {
  const { applications } = deltaDocument([], led(one, other), ["A/gone", "B/gone"], 1);
  const told = applications.flatMap(({ instances }) => instances.map((raw) => [raw["instanceId"], raw["actionType"]]));
  expect(told).toEqual([
    ["gone", "DELETED"],
    ["trestle:a", "MODIFIED"],
    ["gone", "DELETED"],
  ]);
});
