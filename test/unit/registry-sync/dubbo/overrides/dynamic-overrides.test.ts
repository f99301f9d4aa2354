import { describe, expect, test } from "vitest";
import type { Entry } from "../../../../../src/model/entry.ts";
import { serviceKey } from "../../../../../src/model/service.ts";
import { type ConfigRule, readConfigRule } from "../../../../../src/registry-sync/dubbo/overrides/config-rules.ts";
import { DynamicOverrides } from "../../../../../src/registry-sync/dubbo/overrides/dynamic-overrides.ts";
import { applyOverrides } from "../../../../../src/registry-sync/dubbo/overrides/overrides.ts";
import { type DubboUrl, parseDubboUrl } from "../../../../../src/registry-sync/dubbo/url.ts";

type Texts = Readonly<Record<string, string>>;

function rulesFrom(texts: Texts): (stem: string) => readonly ConfigRule[] {
  const rules = Object.entries(texts).map(([key, text]) => readConfigRule(key, text)!);
  return (stem) => rules.filter((rule) => rule.stem === stem);
}

function urlOf(text: string): DubboUrl {
  const reading = parseDubboUrl(text);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

const weight = (value: number, more = "") => `configs: [{side: provider, ${more}parameters: {weight: ${value}}}]`;
const plain = "dubbo://10.0.0.1:20880/a.B?application=shop&weight=100";
const grouped = `${plain}&group=g&version=1.0.0`;

describe("the weight of a provider", () => {
  test.each<[name: string, texts: Texts, provider: string, expected: string]>([
    ["without a rule is its own", {}, plain, "100"],
    ["under its application's", { "shop.configurators": weight(5) }, plain, "5"],
    ["under another application's is its own", { "web.configurators": weight(5) }, plain, "100"],
    ["under its service's", { "a.B::.configurators": weight(5) }, plain, "5"],
    ["under its service's with version and group", { "a.B:1.0.0:g.configurators": weight(5) }, grouped, "5"],
    ["under its service's as 2.7.4 writes it", { "g*a.B:1.0.0.configurators": weight(5) }, grouped, "5"],
    ["under that of another group is its own", { "a.B:1.0.0:h.configurators": weight(5) }, grouped, "100"],
    [
      "under both is the service's, whatever their order",
      { "a.B::.configurators": weight(5), "shop.configurators": weight(6) },
      plain,
      "5",
    ],
    [
      "under its application's for another service is its own",
      { "shop.configurators": weight(5, "services: [a.C], ") },
      plain,
      "100",
    ],
    [
      "under its application's for its service alone",
      { "shop.configurators": weight(5, "services: ['g/a.B:1.0.0'], ") },
      grouped,
      "5",
    ],
    ["under a router is its own", { "shop.tag-router": "tags: [{}]" }, plain, "100"],
  ])("%s", (_name, texts, text, expected) => {
    const provider = urlOf(text);
    const overrides = new DynamicOverrides("a.B", rulesFrom(texts)).of(provider);
    const applied = overrides.reduce((url, set) => applyOverrides(set.candidates(url), url), provider);
    expect(applied.params["weight"]).toBe(expected);
  });

  test("is looked up once for all providers of an application and service", () => {
    const asked: string[] = [];
    const rulesOf = rulesFrom({ "shop.configurators": weight(5) });
    const overrides = new DynamicOverrides("a.B", (stem) => {
      asked.push(stem);
      return rulesOf(stem);
    });
    const first = overrides.of(urlOf(plain));
    const stems = asked.length;
    expect(stems).toBeGreaterThan(0);
    expect(overrides.of(urlOf(plain.replace("10.0.0.1", "10.0.0.2")))).toBe(first);
    expect(asked.length).toBe(stems);
    expect(overrides.of(urlOf(grouped))).not.toBe(first);
  });
});

describe("the text of what is set", () => {
  const entries = [{ service: serviceKey("a.B", "g", "1.0.0") } as Entry];
  const textOf = (texts: Texts, applications: string[] = ["shop", "web"]) =>
    new DynamicOverrides("a.B", rulesFrom(texts)).textFor(applications, entries);
  const before = textOf({ "shop.configurators": weight(5) });

  test.each<[name: string, texts: Texts, isSame: boolean]>([
    ["stays when nothing changed", { "shop.configurators": weight(5) }, true],
    ["stays for rules of others", { "shop.configurators": weight(5), "else.configurators": weight(6) }, true],
    ["stays for a router", { "shop.configurators": weight(5), "shop.tag-router": "tags: [{}]" }, true],
    ["changes with a value", { "shop.configurators": weight(6) }, false],
    [
      "changes with a rule of the service",
      { "shop.configurators": weight(5), "a.B:1.0.0:g.configurators": weight(6) },
      false,
    ],
    ["changes when the same is another application's", { "web.configurators": weight(5) }, false],
    ["changes when the rule goes", {}, false],
  ])("%s", (_name, texts, isSame) => {
    expect(textOf(texts) === before).toBe(isSame);
  });

  test("does not depend on the order of applications", () => {
    const both = { "shop.configurators": weight(5), "web.configurators": weight(6) };
    expect(textOf(both, ["web", "shop"])).toBe(textOf(both, ["shop", "web"]));
  });
});
