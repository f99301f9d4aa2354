import { expect, test } from "vitest";
import { analyzeRules } from "../../../../../src/control/rules/analyze/analyze.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import type { Entry } from "../../../../../src/model/entry.ts";
import type { Routing } from "../../../../../src/model/routing.ts";
import { entryOf } from "../../../../support/rule-cases.ts";

const { rules } = parseRules(
  "f.yaml",
  "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec: {hosts: [com.acme.A], http: [{route: [{destination: {host: com.acme.A}}]}]}\n",
);
const step = { rule: "/dubbo/config/dubbo/shop.condition-router", text: "=>", force: false, when: [], to: [] };
const plain = entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]);
const ruled = (routing: Routing, name = "com.acme.A"): Entry => ({
  ...entryOf(name, ["dubbo://10.0.0.1:20880"]),
  routing,
});
const told = (...entries: Entry[]) => analyzeRules(rules, entries).filter(({ code }) => code === "TR0253");

test("a VirtualService in place of a registry's routers is told", () => {
  expect(told(ruled({ steps: [step] }))).toEqual([
    {
      code: "TR0253",
      severity: "warning",
      at: "f.yaml:1:1",
      message:
        "VirtualService v decides for com.acme.A; /dubbo/config/dubbo/shop.condition-router of the registry does not count for it",
    },
  ]);
});

test("nothing is told where there is one of them alone, nor of tags, which hold under it", () => {
  expect(told(plain)).toEqual([]);
  expect(told(ruled({ steps: [step] }, "com.acme.B"), plain)).toEqual([]);
  expect(told(ruled({ steps: [], tags: { rule: "/t", names: ["a"], force: true } }))).toEqual([]);
});
