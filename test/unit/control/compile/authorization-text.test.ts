import { describe, expect, test } from "vitest";
import { compileString } from "../../../../src/codecs/xds/match.ts";
import {
  accountMatcher,
  cidrOf,
  hostMatcher,
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
    ["Host", hostMatcher("Shop.example", false), "shop.EXAMPLE", true],
    ["Host with a port", hostMatcher("shop.example", false), "shop.example:80", false],
    ["Host with a dot", hostMatcher("shop.example", false), "shop.example.", false],
    ["Host with the port", hostMatcher("shop.example:80", false), "shop.example:80", true],
    ["Host with any port", hostMatcher("shop.example:*", false), "shop.example:80", true],
    ...["shop.example", "SHOP.example:80", "shop.example.", "shop.example.:80", "shop.example:"].flatMap(
      (host): [string, object, string, boolean][] => [
        ["wide Host", hostMatcher("Shop.example", true), host, true],
        ["wide Host with any port", hostMatcher("shop.example:*", true), host, true],
        ["wide end of a Host", hostMatcher("*.example", true), host, true],
        ["wide start of a Host", hostMatcher("shop.*", true), host, true],
        ["wide Host with a port", hostMatcher("shop.example:80", true), host, host.endsWith(":80")],
        ["another wide Host", hostMatcher("hop.example", true), host, false],
        ["another end of a wide Host", hostMatcher("*.exampl", true), host, false],
      ],
    ),
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
