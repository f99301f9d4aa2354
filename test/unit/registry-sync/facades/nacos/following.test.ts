import { expect, test } from "vitest";
import { Following, GRACE_MS, MAX_FOLLOWED } from "../../../../../src/registry-sync/facades/nacos/following.ts";
import { SharedServices } from "../../../../../src/registry-sync/facades/nacos/services.ts";
import { addressesIn, hostOf, leading } from "../../../../support/nacos-link.ts";

const SERVICE = { namespace: "public", groupName: "DEFAULT_GROUP", serviceName: "plain" };

function following(): Following {
  const context = leading(["orders"]);
  return new Following({
    services: new SharedServices(() => Date.now()),
    context: () => context,
    question: ({ groupName, serviceName }, clusters) => ({ groupName, serviceName, clusters, ownCluster: "" }),
    passes: () => false,
  });
}

function info(...addresses: string[]) {
  return {
    name: "plain",
    clusters: "",
    hosts: addresses.map((address) => hostOf(address)),
    lastRefTime: 100,
    extra: 1,
  };
}

test("only what is begun is followed; what is known is renewed, what is asked once is not kept", () => {
  const table = following();
  table.note(SERVICE, "", info("10.0.0.1:1"), "known", 0);
  table.note(SERVICE, "", info("10.0.0.1:1"), "once", 0);
  expect(table.size).toBe(0);
  const one = table.note(SERVICE, "", info("10.0.0.1:1"), "begin", 0);
  expect(table.find(SERVICE, "")).toBe(one);
  const next = table.note(SERVICE, "", info("10.0.0.2:1"), "known", 0);
  expect(table.find(SERVICE, "")).toBe(next);
  table.note(SERVICE, "", info(), "once", 0);
  expect(table.find(SERVICE, "")).toBe(next);
  table.forget(SERVICE, "");
  expect(table.size).toBe(0);
});

test("of lists of Dubbo's providers those of some interfaces can be had, beside all lists that are none", () => {
  const table = following();
  const begin = (serviceName: string, clusters = "") =>
    table.note({ ...SERVICE, serviceName }, clusters, info("10.0.0.1:1"), "begin", 0);
  for (const name of ["providers:a.A::", "providers:a.A:2.0:g", "providers:b.B::", "consumers:a.A::", "plain"])
    begin(name);
  begin("providers:a.A::", "far");
  const names = (interfaces?: ReadonlySet<string>) =>
    table.concernedBy(interfaces).map(({ service, clusters }) => service.serviceName + clusters);
  expect(names()).toHaveLength(6);
  expect(names(new Set())).toEqual(["consumers:a.A::", "plain"]);
  expect(names(new Set(["a.A", "c.C"]))).toEqual([
    ...["consumers:a.A::", "plain", "providers:a.A::", "providers:a.A:2.0:g", "providers:a.A::far"],
  ]);
  table.forget({ ...SERVICE, serviceName: "providers:a.A::" }, "far");
  table.forget({ ...SERVICE, serviceName: "providers:b.B::" }, "");
  begin("providers:a.A::");
  expect(names(new Set(["a.A", "b.B"]))).toEqual([
    "consumers:a.A::",
    "plain",
    "providers:a.A::",
    "providers:a.A:2.0:g",
  ]);
});

test("the object that is sent keeps fields that are not known here, and notes what was shown", () => {
  const table = following();
  const one = table.note(SERVICE, "", info("10.0.0.1:1"), "begin", 0);
  const object = table.object(one, table.shown(one));
  expect(object).toEqual(info("10.0.0.1:1"));
  expect(table.find(SERVICE, "")?.shownText).toBe(one.real.text);
  expect(table.note(SERVICE, "", info(), "known", 0).shownText).toBe(one.real.text);
});

test("during the grace lists grow and do not shrink; after it they are what the server says", () => {
  const table = following();
  table.note(SERVICE, "", info("10.0.0.1:1", "10.0.0.2:1"), "begin", 0);
  table.beginGrace(1_000);
  const held = table.note(SERVICE, "", info("10.0.0.2:1", "10.0.0.3:1"), "known", 1_001);
  expect(addressesIn(held.real)).toEqual(["10.0.0.2:1", "10.0.0.3:1", "10.0.0.1:1"]);
  expect(table.graceEndsMs).toBe(1_000 + GRACE_MS);
  const [changed, ...more] = table.endGrace();
  expect(more).toEqual([]);
  expect(addressesIn(changed?.real)).toEqual(["10.0.0.2:1", "10.0.0.3:1"]);
  expect(table.graceEndsMs).toBeUndefined();
  expect(addressesIn(table.note(SERVICE, "", info(), "known", 1_000).real)).toEqual([]);
});

test("a client may follow only so many services", () => {
  const table = following();
  for (let i = 0; i <= MAX_FOLLOWED; i++)
    table.note({ ...SERVICE, serviceName: `s${i}` }, "", { hosts: [] }, "begin", 0);
  expect(table.size).toBe(MAX_FOLLOWED);
});

test("graces that follow each other closely are over after half a minute; one after that is whole", () => {
  const table = following();
  for (let ms = 1_000; ms <= 29_000; ms += 4_000) table.beginGrace(ms);
  expect(table.graceEndsMs).toBe(31_000);
  table.endGrace();
  table.beginGrace(32_000);
  expect(table.graceEndsMs).toBe(38_000);
});
