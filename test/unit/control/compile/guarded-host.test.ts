import { expect, test } from "vitest";
import { guardedHost } from "../../../../src/control/compile/guarded-host.ts";
import { indexEntries, indexRules } from "../../../../src/control/rules/hosts.ts";
import { contentVersion } from "../../../../src/model/snapshot.ts";
import { entryOf } from "../../../support/rule-cases.ts";

const entry = entryOf("com.acme.A", []);
const virtualHost = { name: entry.host, domains: [entry.host], routes: [] };
const index = indexEntries([entry]);
const policies = { "envoy.filters.http.rbac": {} } as never;

test("a virtual host is a resource, named by its routes and itself, with the version of its content", () => {
  const { resource, need, asks } = guardedHost(entry, virtualHost, undefined, indexRules([]), index);
  expect(resource).toEqual({ name: "dubbo/com.acme.a", version: contentVersion(virtualHost), resource: virtualHost });
  expect([need, asks]).toEqual([undefined, undefined]);
});

test("policies stand in it; the same give the same resource", () => {
  const { resource } = guardedHost(entry, virtualHost, policies, indexRules([]), index);
  expect(resource.resource.typedPerFilterConfig).toBe(policies);
  expect(guardedHost(entry, virtualHost, policies, indexRules([]), index).resource).toBe(resource);
  expect(guardedHost(entry, virtualHost, undefined, indexRules([]), index).resource).not.toBe(resource);
});
