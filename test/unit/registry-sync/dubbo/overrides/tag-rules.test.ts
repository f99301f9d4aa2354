import { expect, test } from "vitest";
import { readTagRule } from "../../../../../src/registry-sync/dubbo/overrides/tag-rules.ts";

const rule = (tags: string, more = "") => `force: false\nenabled: true\nkey: shop\n${more}tags: ${tags}\n`;

test("a rule gives addresses tags, as overrides of them", () => {
  const read = readTagRule(
    rule(
      "[{name: gray, addresses: ['10.0.0.1:20880', '10.0.0.2:20880']}, {name: blue, addresses: ['10.0.0.3:20880']}]",
    ),
  );
  expect([...read!.tags]).toEqual([
    ["10.0.0.1:20880", "gray"],
    ["10.0.0.2:20880", "gray"],
    ["10.0.0.3:20880", "blue"],
  ]);
  expect(read!.overrides.map(({ params }) => [params["dubbo.tag"], params["providerAddresses"]])).toEqual([
    ["gray", "10.0.0.1:20880,10.0.0.2:20880"],
    ["blue", "10.0.0.3:20880"],
  ]);
});

test.each<[name: string, text: string]>([
  ["is forced", rule("[{name: a, addresses: ['10.0.0.1:1']}]").replace("force: false", "force: true")],
  ["matches by parameters", rule("[{name: a, match: [{key: env, value: {exact: gray}}]}]")],
  ["matches by parameters too", rule("[{name: a, addresses: ['10.0.0.1:1'], match: []}]")],
  ["has an address in two tags", rule("[{name: a, addresses: ['10.0.0.1:1']}, {name: b, addresses: ['10.0.0.1:1']}]")],
  ["names a port of all hosts", rule("[{name: a, addresses: ['0.0.0.0:20880']}]")],
  ["names a pattern", rule("[{name: a, addresses: ['10.0.0.*:20880']}]")],
  ["names a network", rule("[{name: a, addresses: ['10.0.0.0/8']}]")],
  ["names a host", rule("[{name: a, addresses: ['shop:20880']}]")],
  ["has a tag without addresses", rule("[{name: a}]")],
  ["has a tag without a name", rule("[{addresses: ['10.0.0.1:1']}]")],
  ["has no tags", rule("[]")],
  ["is a list", "[]"],
  ["is no YAML", "tags: [{"],
  ["is too long", rule("[{name: a, addresses: ['10.0.0.1:1']}]", `# ${"x".repeat(300_000)}\n`)],
])("a rule is not read that %s", (_name, text) => {
  expect(readTagRule(text)).toBeUndefined();
});
