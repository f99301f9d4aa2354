import { expect, test } from "vitest";
import { servicesNotLed } from "../../../../src/cli/mesh/led.ts";
import type { Entry, Finding } from "../../../../src/model/entry.ts";
import { TAKE_ALL } from "../../../../src/registry-sync/present/context.ts";
import { entryOf } from "../../../support/rule-cases.ts";

/** A service with a provider of an application in each of these registries. */
function service(key: string, ...origins: string[]): Entry {
  const entry = entryOf(
    key,
    origins.map((_, i) => `dubbo://10.0.0.${i + 1}:20880?application=shop`),
  );
  return { ...entry, endpoints: entry.endpoints.map((endpoint, i) => ({ ...endpoint, origin: origins[i]! })) };
}

const router: Finding = { code: "TR0130", severity: "warning", message: "a router rules it", at: "com.acme.A" };
const override: Finding = { code: "TR0134", severity: "info", message: "matches nobody", at: "com.acme.A" };
const PASS_NONE = { services: [], clients: [] };
const all = { registry: "a", take: TAKE_ALL, pass: PASS_NONE };
const none = { registry: "a", take: { ...TAKE_ALL, services: ["com.other.*"] }, pass: PASS_NONE };

test.each<[string, Parameters<typeof servicesNotLed>[1], Finding[], Entry, string | undefined]>([
  ["taken", [all], [], service("com.acme.A", "a"), undefined],
  ["under a finding that lets nothing pass", [all], [override], service("com.acme.A", "a"), undefined],
  ["under a router", [all], [router], service("com.acme.A", "a"), "a router rules it"],
  ["not in take.services", [none], [], service("com.acme.A", "a"), "not taken by the service filter"],
  [
    "of an application that is not in take.applications",
    [{ ...all, take: { ...TAKE_ALL, applications: ["web"] } }],
    [],
    service("com.acme.A", "a"),
    "not taken by the application filter",
  ],
  [
    "whose real addresses are asked for",
    [{ ...all, pass: { services: ["com.acme.*"], clients: [] } }],
    [],
    service("com.acme.A", "a"),
    "bypassed",
  ],
  ["taken by one of two facades", [none, all], [], service("com.acme.A", "a"), undefined],
  [
    "of two registries, taken in one",
    [none, { ...all, registry: "b" }],
    [],
    service("com.acme.A", "a", "b"),
    undefined,
  ],
  ["of a registry without a facade", [all], [], service("com.acme.A", "b"), undefined],
  ["without providers", [none], [], service("com.acme.A"), undefined],
  ["where nothing is shown at all", [], [router], service("com.acme.A", "a"), undefined],
])("a service %s", (_, facades, findings, entry, reason) => {
  const found = servicesNotLed([entry], facades, findings, ["dubbo", "tri"]);
  expect([...found]).toEqual(reason === undefined ? [] : [["com.acme.A", reason]]);
});
