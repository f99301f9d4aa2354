import { describe, expect, test } from "vitest";
import { readTagRule } from "../../../../../src/registry-sync/dubbo/overrides/tag-rules.ts";
import { type DubboUrl, parseDubboUrl } from "../../../../../src/registry-sync/dubbo/url.ts";

const rule = (tags: string, more = "") => `force: false\nenabled: true\nkey: shop\n${more}tags: ${tags}\n`;

function urlOf(address: string, params = ""): DubboUrl {
  const reading = parseDubboUrl(`dubbo://${address}/a.B?application=shop${params}`);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

function tagsOf(text: string, address: string, params?: string): readonly string[] {
  const read = readTagRule(text);
  if (read?.type !== "tags") throw new Error(`read as ${read?.type}`);
  return read.tagsOf(urlOf(address, params));
}

describe("addresses of a tag", () => {
  test.each<[address: string, takes: string, leaves: string]>([
    ["10.0.0.1:20880", "10.0.0.1:20880", "10.0.0.1:20881"],
    ["10.0.0.1", "10.0.0.1:20881", "10.0.0.2:20880"],
    ["0.0.0.0:20880", "10.0.0.9:20880", "10.0.0.9:20881"],
    ["10.0.0.*:20880", "10.0.0.9:20880", "10.0.1.9:20880"],
    ["10.0.*.1-9", "10.0.7.9:1", "10.0.7.10:1"],
    ["10.0.0.0/8", "10.9.9.9:1", "11.0.0.1:1"],
  ])("%s takes %s and leaves %s", (address, takes, leaves) => {
    const text = rule(`[{name: gray, addresses: ['${address}']}]`);
    expect([tagsOf(text, takes), tagsOf(text, leaves)]).toEqual([["gray"], []]);
  });

  test("may be in two tags, and in one that takes all", () => {
    const text = rule("[{name: x, addresses: ['10.0.0.1:1']}, {name: y, addresses: ['*']}]");
    expect([tagsOf(text, "10.0.0.1:1"), tagsOf(text, "10.0.0.2:1")]).toEqual([["x", "y"], ["y"]]);
  });
});

test("a match counts under v3.0 alone, and never beside addresses", () => {
  const match = "match: [{key: env, value: {exact: gray}}, {key: zone, value: {prefix: e}}]";
  const text = rule(`[{name: x, ${match}}]`, "configVersion: v3.0\n");
  expect(tagsOf(text, "10.0.0.1:1", "&env=gray&zone=east")).toEqual(["x"]);
  expect(tagsOf(text, "10.0.0.1:1", "&env=gray")).toEqual([]);
  expect(tagsOf(rule(`[{name: x, ${match}}]`), "10.0.0.1:1", "&env=gray&zone=east")).toEqual([]);
  const both = rule(`[{name: x, addresses: ['10.0.0.2:1'], ${match}}]`, "configVersion: v3.0\n");
  expect(tagsOf(both, "10.0.0.1:1", "&env=gray&zone=east")).toEqual([]);
});

test("names that are set, whoever has them, and force", () => {
  const text = rule(
    "[{name: a, addresses: ['10.0.0.1:1']}, {name: b, match: [{key: k, value: {noempty: k}}]}]",
    "configVersion: v3.0\n",
  );
  expect(readTagRule(text)).toMatchObject({ names: ["a"], force: false });
  expect(readTagRule(text.replace("force: false", "force: true"))).toMatchObject({ force: true });
});

test.each<[name: string, text: string, type: string | undefined]>([
  [
    "switched off",
    rule("[{name: a, addresses: ['10.0.0.1:1']}]").replace("enabled: true", "enabled: false"),
    undefined,
  ],
  ["without tags", rule("[]"), undefined],
  ["without the field", "force: true\n", undefined],
  ["with tags that are no list", rule("x"), "broken"],
  ["that is a list", "[]", "broken"],
  ["that is no YAML", "tags: [{", "broken"],
  ["that is too long", rule("[{name: a, addresses: ['10.0.0.1:1']}]", `# ${"x".repeat(300_000)}\n`), "broken"],
  ["with a tag without a name", rule("[{addresses: ['10.0.0.1:1']}]"), "left"],
  ["with a host name", rule("[{name: a, addresses: ['shop:20880']}]"), "left"],
  ["with an address of IPv6", rule("[{name: a, addresses: ['[::1]:20880']}]"), "left"],
  ["with an address that is no text", rule("[{name: a, addresses: 10.0.0.1}]"), "left"],
  ["with a network that is none", rule("[{name: a, addresses: ['10.0.0.0/99']}]"), "left"],
  ["with a regex", rule("[{name: a, match: [{key: k, value: {regex: '(a+)+'}}]}]", "configVersion: v3.0\n"), "left"],
  [
    "with very many patterns",
    rule(`[{name: a, addresses: [${Array.from({ length: 300 }, (_, i) => `'10.0.${i % 250}.*'`).join()}]}]`),
    "left",
  ],
])("a rule %s", (_name, text, type) => {
  expect(readTagRule(text)?.type).toBe(type);
});
