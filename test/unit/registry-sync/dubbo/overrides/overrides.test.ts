import { describe, expect, test } from "vitest";
import {
  applyOverrides,
  compileOverride,
  createOverrideSet,
  overrideReach,
} from "../../../../../src/registry-sync/dubbo/overrides/overrides.ts";
import { type DubboUrl, parseDubboUrl } from "../../../../../src/registry-sync/dubbo/url.ts";

function urlOf(text: string): DubboUrl {
  const reading = parseDubboUrl(text);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

const provider = urlOf("dubbo://10.0.0.1:20880/a.B?application=shop&group=g&version=1.0.0&region=hz&weight=100");

describe("an override", () => {
  const mine = "group=g&version=1.0.0";
  const rows: readonly (readonly [name: string, override: string, reach: string])[] = [
    ["for any host applies", `override://0.0.0.0/a.B?${mine}`, "applies"],
    ["for the provider's address applies", `override://10.0.0.1:20880/a.B?${mine}`, "applies"],
    ["for another port does not", `override://10.0.0.1:20881/a.B?${mine}`, "elsewhere"],
    ["for another host does not", `override://10.0.0.2:20880/a.B?${mine}`, "elsewhere"],
    ["for any host with the port applies", `override://0.0.0.0:20880/a.B?${mine}`, "applies"],
    ["for an address without a port is a consumer's", `override://10.0.0.1/a.B?${mine}`, "consumer"],
    ["for another group does not", "override://0.0.0.0/a.B?group=h&version=1.0.0", "elsewhere"],
    ["without a group does not reach a grouped provider", "override://0.0.0.0/a.B?version=1.0.0", "elsewhere"],
    ["for any group applies", "override://0.0.0.0/a.B?group=*&version=*", "applies"],
    ["for another version does not", "override://0.0.0.0/a.B?group=g&version=2.0.0", "elsewhere"],
    ["for the provider's application applies", `override://0.0.0.0/a.B?${mine}&application=shop`, "applies"],
    ["for any application applies", `override://0.0.0.0/a.B?${mine}&application=*`, "applies"],
    ["for another application is its consumers'", `override://0.0.0.0/a.B?${mine}&application=web`, "consumer"],
    ["that is switched off does nothing", `override://0.0.0.0/a.B?${mine}&enabled=false`, "off"],
    [
      "for a provider address in its list applies",
      `override://0.0.0.0/a.B?${mine}&providerAddresses=10.0.0.9:1,10.0.0.1:20880`,
      "applies",
    ],
    [
      "for other provider addresses does not",
      `override://0.0.0.0/a.B?${mine}&providerAddresses=10.0.0.1:208800`,
      "elsewhere",
    ],
    ["whose condition holds applies", `override://0.0.0.0/a.B?${mine}&~region=hz`, "applies"],
    ["whose condition does not hold does not", `override://0.0.0.0/a.B?${mine}&~region=bj`, "elsewhere"],
  ];
  test.each(rows)("%s", (_name, override, reach) => {
    expect(overrideReach(compileOverride(urlOf(override)), provider)).toBe(reach);
  });
});

test("an override sets its parameters and none of its conditions", () => {
  const text =
    "override://10.0.0.1:20880/a.B?category=configurators&dynamic=false&enabled=true&group=g&version=1.0.0&application=*&~region=hz&priority=1&weight=5&dubbo.tag=gray&timeout=9";
  expect(applyOverrides([compileOverride(urlOf(text))], provider).params).toEqual({
    application: "shop",
    group: "g",
    version: "1.0.0",
    region: "hz",
    weight: "5",
    "dubbo.tag": "gray",
    timeout: "9",
  });
  expect(provider.params["weight"]).toBe("100");
});

test("absent:// sets only what is missing", () => {
  expect(
    applyOverrides([compileOverride(urlOf("absent://0.0.0.0/a.B?group=*&version=*&weight=5&timeout=9"))], provider)
      .params,
  ).toMatchObject({
    weight: "100",
    timeout: "9",
  });
});

test("overrides for any host come first, of one host the greater priority comes last", () => {
  const texts = [
    "override://10.0.0.1:20880/a?n=1&priority=2",
    "override://10.0.0.1:20880/a?n=2",
    "override://0.0.0.0/a?n=3",
  ];
  expect(createOverrideSet(texts.map(urlOf)).all.map(({ url }) => url.params["n"])).toEqual(["3", "2", "1"]);
});

test("a provider's candidates are the general ones and those for its address", () => {
  const texts = [
    "override://10.0.0.1:20880/a?n=mine",
    "override://10.0.0.2:20880/a?n=other",
    "override://0.0.0.0/a?n=all",
    "override://0.0.0.0:20881/a?n=port",
    "override://10.0.0.9/a?n=consumer",
  ];
  const { candidates } = createOverrideSet(texts.map(urlOf));
  expect(candidates(provider).map(({ url }) => url.params["n"])).toEqual(["all", "port", "consumer", "mine"]);
});
