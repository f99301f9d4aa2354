import { describe, expect, test } from "vitest";
import type { Consumer } from "../../../../../src/model/entry.ts";
import { serviceKey } from "../../../../../src/model/service.ts";
import { endpointOf } from "../../../../../src/registry-sync/dubbo/endpoint.ts";
import { readConfigRule } from "../../../../../src/registry-sync/dubbo/overrides/config-rules.ts";
import { routersOf } from "../../../../../src/registry-sync/dubbo/routers/service-routers.ts";
import { parseDubboUrl } from "../../../../../src/registry-sync/dubbo/url.ts";

function urlOf(text: string) {
  const reading = parseDubboUrl(text);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

type Texts = Readonly<Record<string, string>>;

function judge(texts: Texts, { routers = [] as string[], more = "" } = {}) {
  const url = urlOf(`dubbo://10.0.0.1:1/a.B?application=shop${more}`);
  const offers = [{ url, endpoint: endpointOf(url, "z", () => {}) }];
  const consumer: Consumer = { service: serviceKey("a.B"), address: "10.0.0.9", application: "web", params: {} };
  const rules = Object.entries(texts).flatMap(([key, text]) => readConfigRule(key, text) ?? []);
  const world = {
    consumers: [consumer],
    routers: routers.map(urlOf),
    rulesOf: (stem: string) => rules.filter((rule) => rule.stem === stem),
  };
  const { routing, findings } = routersOf({ key: "a.B", service: serviceKey("a.B"), offers }, world);
  return { routing, codes: findings.map(({ code }) => code), findings };
}

const condition = "conditions: ['=> host = 10.0.0.2']";
const tags = "force: true\ntags: [{name: gray, addresses: ['10.0.0.1:1']}, {name: none, addresses: ['10.0.0.7:1']}]";

test("nothing is said where there is nothing", () => {
  expect(judge({})).toEqual({ routing: undefined, codes: [], findings: [] });
});

test("steps have the place of their rule, and those of an application that calls are for it alone", () => {
  const { routing, codes } = judge({ "a.B::.condition-router": condition, "web.condition-router": condition });
  expect(codes).toEqual([]);
  expect(routing?.steps.map(({ rule, application }) => [rule, application])).toEqual([
    ["/dubbo/config/dubbo/a.B::.condition-router", undefined],
    ["/dubbo/config/dubbo/web.condition-router", "web"],
  ]);
});

test("a tag rule is said with the names that are set", () => {
  expect(judge({ "shop.tag-router": tags }).routing).toEqual({
    steps: [],
    tags: { rule: "/dubbo/config/dubbo/shop.tag-router", names: ["gray", "none"], force: true },
  });
});

describe("one that is not applied takes all others along", () => {
  test.each<[name: string, texts: Texts, options: { routers?: string[]; more?: string }, code: string]>([
    ["a script", { "shop.script-router": "script: x" }, {}, "TR0131"],
    ["Dubbo's mesh rule", { "shop.MESHAPPRULE": "kind: VirtualService" }, {}, "TR0131"],
    ["affinity", { "a.B::.affinity-router": "affinityAware: {key: region}" }, {}, "TR0131"],
    ["a tag rule beside static tags", { "shop.tag-router": tags }, { more: "&dubbo.tag=blue" }, "TR0131"],
    ["a legacy script", {}, { routers: ["script://0.0.0.0/a.B?rule=x"] }, "TR0130"],
    ["a legacy condition that is broken", {}, { routers: ["condition://0.0.0.0/a.B?rule=%3D%3D+x"] }, "TR0130"],
    [
      "too many conditions",
      {
        "a.B::.condition-router": `conditions: [${"'=> a = 1',".repeat(256)}]`,
        "shop.condition-router": `conditions: [${"'=> a = 1',".repeat(256)}]`,
      },
      {},
      "TR0131",
    ],
  ])("%s", (_name, texts, options, code) => {
    const { routing, codes } = judge({ "web.condition-router": condition, ...texts }, options);
    expect([routing, codes]).toEqual([undefined, [code]]);
  });
});

test("what is written in place of a rule that is not applied is said", () => {
  const messageOf = (key: string) => judge({ [key]: "x: y" }).findings[0]?.message;
  expect(messageOf("shop.script-router")).toContain("VirtualService");
  expect(messageOf("shop.MESHAPPRULE")).toContain("networking.istio.io");
  expect(messageOf("shop.affinity-router")).toContain("failoverPriority");
});

test("what cannot be read, and what lines read differently, is told at the rule's place", () => {
  const { findings } = judge({ "a.B::.condition-router": "x", "shop.condition-router": "conditions: ['=> a = 1~2']" });
  expect(findings.map(({ code, at }) => [code, at])).toEqual([
    ["TR0136", "/dubbo/config/dubbo/a.B::.condition-router"],
    ["TR0137", "/dubbo/config/dubbo/shop.condition-router"],
  ]);
});

test("other dynamic configuration is told", () => {
  const { routing, codes } = judge({
    "a.B::.configurators": "configs: [{side: consumer, parameters: {loadbalance: random}}]",
    "web.condition-router": condition,
  });
  expect([routing?.steps.length, codes]).toEqual([1, ["TR0135"]]);
});
