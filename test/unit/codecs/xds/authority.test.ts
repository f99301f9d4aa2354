import { expect, test } from "vitest";
import { domainFor, hostName, nameAmong } from "../../../../src/codecs/xds/authority.ts";

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
