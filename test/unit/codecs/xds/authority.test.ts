import { expect, test } from "vitest";
import { domainFor, hostAmong, hostName, nameAmong, namesOf } from "../../../../src/codecs/xds/authority.ts";
import { parseServiceKey } from "../../../../src/model/service.ts";

test.each([
  ["Orders:8080", "orders"],
  ["orders.", "orders"],
  ["[::1]:80", "[::1]"],
  ["", ""],
])("a Host %s names %s", (authority, name) => {
  expect(hostName(authority)).toBe(name);
});

test.each([
  ["a.example.com", "exact"],
  ["b.example.com", "wide"],
  ["c.b.example.com", "narrow"],
  ["example.com", undefined],
  [`${"x.".repeat(130)}example.com`, undefined],
  ["", undefined],
])("among names and wildcards %s is %s", (name, expected) => {
  const names = new Map([
    ["a.example.com", "exact"],
    ["*.example.com", "wide"],
    ["*.b.example.com", "narrow"],
  ]);
  expect(nameAmong(names, name)).toBe(expected);
});

test.each([
  ["A.Example.com:8080", "exact"],
  ["b.example.com.", "wide"],
  ["*.example.com", "wide"],
  ["example.com", "all"],
  ["[::1]:80", "all"],
  ["", "all"],
])("a gateway has for a Host %s what is %s", (authority, expected) => {
  const domains = new Map([
    ["a.example.com", "exact"],
    ["*.example.com", "wide"],
    ["*", "all"],
  ]);
  expect(domainFor(domains, authority)).toBe(expected);
  domains.delete("*");
  expect(domainFor(domains, authority)).toBe(expected === "all" ? undefined : expected);
});

test("a host wins over a plain name, and a Host with a number is for the further port of it", () => {
  const named = (name: string, key: string) => ({ host: name, key: parseServiceKey(key) });
  const hosts = [named("shop.example", "Shop"), named("shop.example:81", "Shop:81"), named("shop", "other:1")];
  const names = namesOf(hosts);
  const found = (authority: string) => hostAmong(names, authority)?.host;
  expect([...names.keys()]).toEqual(["shop", "shop.example", "shop.example:81"]);
  expect(["shop", "shop.example", "SHOP.example.:81", "shop.example:82", "none:81"].map(found)).toEqual([
    ...["shop", "shop.example", "shop.example:81", "shop.example", undefined],
  ]);
});
