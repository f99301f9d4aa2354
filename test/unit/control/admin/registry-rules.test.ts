import { expect, test } from "vitest";
import { viewRegistryRules } from "../../../../src/control/admin/registry-rules.ts";
import { parseRules } from "../../../../src/control/rules/parse.ts";
import type { Entry } from "../../../../src/model/entry.ts";
import type { RouterStep } from "../../../../src/model/routing.ts";
import { serviceKey } from "../../../../src/model/service.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";

const place = "/dubbo/config/dubbo/shop.condition-router";
const step: RouterStep = { rule: place, text: "=>", force: false, when: [], to: [] };
const entry = (name: string, steps: readonly RouterStep[]): Entry => ({
  host: name.toLowerCase(),
  service: serviceKey(name),
  endpoints: [],
  ...(steps.length > 0 && { routing: { steps, tags: { rule: "/t/shop.tag-router", names: [], force: false } } }),
});
const entries = [entry("a.A", [step, step]), entry("a.B", [step]), entry("a.C", [])];

test("rules of a registry are listed once, with the services that they are in force for", () => {
  const finding = { code: "TR0136", severity: "error" as const, message: "x", at: place };
  expect(viewRegistryRules(createSnapshot(entries, []), [finding])).toEqual([
    {
      kind: "DubboConditions",
      name: "shop.condition-router",
      namespace: "",
      hosts: ["a.A", "a.B"],
      at: place,
      services: ["a.a", "a.b"],
      newest: false,
    },
    expect.objectContaining({ kind: "DubboTags", name: "shop.tag-router", newest: true }),
  ]);
});

test("a VirtualService takes a service out of conditions, not of tags", () => {
  const { rules } = parseRules(
    "f.yaml",
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec: {hosts: [a.A], http: [{route: [{destination: {host: a.A}}]}]}\n",
  );
  const views = viewRegistryRules(createSnapshot(entries, rules), []);
  expect(views.map(({ services, newest }) => [services, newest])).toEqual([
    [["a.b"], true],
    [["a.a", "a.b"], true],
  ]);
});
