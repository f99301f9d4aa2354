import { describe, expect, test } from "vitest";
import { compileString } from "../../../../src/codecs/xds/match.ts";
import {
  accountMatcher,
  cidrOf,
  matcherOf,
  namespaceMatcher,
  pathMatcher,
  quoteRegex,
  trustDomainMatcher,
} from "../../../../src/control/compile/authorization-text.ts";

const ID = "spiffe://cluster.local/ns/shop/sa/web";

describe("what matches", () => {
  const rows: [string, object, string, boolean][] = [
    ["exact", matcherOf("a"), "a", true],
    ["exact", matcherOf("a"), "A", false],
    ["prefix", matcherOf("a*"), "ab", true],
    ["suffix", matcherOf("*b"), "ab", true],
    ["presence", matcherOf("*"), "", false],
    ["one segment", pathMatcher("/a/{*}/c"), "/a/b/c", true],
    ["one segment", pathMatcher("/a/{*}/c"), "/a/b/b/c", false],
    ["one segment is not empty", pathMatcher("/a/{*}"), "/a/", false],
    ["many segments", pathMatcher("/a/{**}"), "/a/b/c", true],
    ["many segments", pathMatcher("/a/{**}"), "/b/a/c", false],
    ["dots are dots", pathMatcher("/com.acme.A/{*}"), "/comXacme.A/get", false],
    ["namespace", namespaceMatcher("shop"), ID, true],
    ["namespace", namespaceMatcher("sho"), ID, false],
    ["namespace's start", namespaceMatcher("sh*"), ID, true],
    ["namespace's end", namespaceMatcher("*op"), ID, true],
    ["a namespace in an account", namespaceMatcher("web"), ID, false],
    ["account", accountMatcher("shop/web", "x"), ID, true],
    ["account of the own namespace", accountMatcher("web", "shop"), ID, true],
    ["account of another namespace", accountMatcher("web", "x"), ID, false],
    ["trust domain", trustDomainMatcher("cluster.local"), ID, true],
    ["trust domain", trustDomainMatcher("cluster.loca"), ID, false],
  ];
  test.each(rows)("%s: %j and %s: %s", (_, matcher, text, expected) => {
    expect(compileString(matcher)(text)).toBe(expected);
  });
});

test("ranges have the length of their own kind", () => {
  expect(cidrOf("10.0.0.0/8")).toEqual({ addressPrefix: "10.0.0.0", prefixLen: 8 });
  expect(cidrOf("10.0.0.1")).toEqual({ addressPrefix: "10.0.0.1", prefixLen: 32 });
  expect(cidrOf("fd00::/8")).toEqual({ addressPrefix: "fd00::", prefixLen: 8 });
});

test("a quoted text is matched by itself alone", () => {
  const text = "a.b*c+(d)[e]{f}|^$\\?";
  expect(compileString({ safeRegex: { regex: quoteRegex(text) } })(text)).toBe(true);
});
