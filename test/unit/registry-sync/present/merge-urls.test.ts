import { describe, expect, test } from "vitest";
import { type DubboUrl, parseDubboUrl } from "../../../../src/registry-sync/dubbo/url.ts";
import { mergeUrls } from "../../../../src/registry-sync/present/merge-urls.ts";

function url(query: string, path = "com.acme.Order"): DubboUrl {
  const reading = parseDubboUrl(`dubbo://10.0.0.2:20880/${path}?${query}`);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

function merged(...queries: string[]): string {
  const { params } = mergeUrls(
    queries.map((query) => url(query)),
    "com.acme.Order",
  );
  return Object.entries(params)
    .map(([key, value]) => `${key}=${value}`)
    .join("&");
}

describe("one URL for several providers", () => {
  test.each<[string, string[], string]>([
    ["keeps what all agree on, sorted", ["version=1&group=g", "group=g&version=1"], "group=g&version=1"],
    ["drops what they do not agree on", ["owner=me&side=provider", "owner=you&side=provider"], "side=provider"],
    ["drops what one lacks", ["owner=me&side=provider", "side=provider"], "side=provider"],
    [
      "drops what a line of Dubbo says of itself",
      ["release=3.3.6&revision=1&anyhost=true&side=provider"],
      "side=provider",
    ],
    ["drops what belongs to one process or moment", ["pid=1&timestamp=2&bind.ip=x&side=provider"], "side=provider"],
    ["drops what the proxy balances by", ["weight=5&warmup=9&dubbo.tag=gray&disabled=true&side=p"], "side=p"],
    ["drops second protocols on the port", ["ext.protocol=tri&ispuserver=true&side=p"], "side=p"],
    ["joins methods", ["methods=b,a", "methods=c,a"], "methods=a,b,c"],
    ["knows that a star is all methods", ["methods=*", "methods=a"], "methods=*"],
    [
      "takes the longest timeouts",
      ["timeout=900&a.timeout=5", "timeout=1500&a.timeout=40"],
      "a.timeout=40&timeout=1500",
    ],
    ["takes a timeout that only one has", ["timeout=900", "side=p"], "timeout=900"],
    ["passes over a timeout that is no number", ["timeout=x", "timeout=7"], "timeout=7"],
    ["keeps a token that all share", ["token=t", "token=t"], "token=t"],
    ["drops tokens that differ", ["token=t", "token=u"], ""],
    ["takes the first application by name", ["application=b", "application=a"], "application=a"],
    [
      "leaves a preference without hessian2 in its order but for fastjson2",
      ["prefer.serialization=fastjson2,kryo,fst"],
      "prefer.serialization=kryo,fst,fastjson2",
    ],
    [
      "puts hessian2 before fastjson2",
      ["prefer.serialization=fastjson2,hessian2"],
      "prefer.serialization=hessian2,fastjson2",
    ],
    [
      "joins what they can behind hessian2 where all can that",
      ["prefer.serialization=fastjson2,hessian2", "prefer.serialization=hessian2,x"],
      "prefer.serialization=hessian2,x,fastjson2",
    ],
    [
      "keeps what all can where hessian2 is none of it",
      ["prefer.serialization=fastjson2,kryo", "prefer.serialization=kryo,hessian2"],
      "prefer.serialization=kryo",
    ],
    [
      "takes a provider without a preference for one that can hessian2",
      ["prefer.serialization=fastjson2,hessian2", ""],
      "prefer.serialization=hessian2,fastjson2",
    ],
    ["says nothing where nothing is common", ["prefer.serialization=fastjson2", "prefer.serialization=hessian2"], ""],
    ["passes over providers that are not enabled", ["enabled=false&a=1", "a=2"], "a=2"],
    ["but not when all are so", ["enabled=false&a=1"], "a=1"],
  ])("%s", (_, queries, expected) => {
    expect(merged(...queries)).toBe(expected);
  });

  test("values that were encoded twice stay as they are", () => {
    expect(merged("note=a%2526b")).toBe("note=a%2526b");
  });

  test("the path stays where all agree and is the interface where not", () => {
    expect(mergeUrls([url("", "ctx/com.acme.Order")], "com.acme.Order").path).toBe("ctx/com.acme.Order");
    expect(mergeUrls([url("", "ctx/com.acme.Order"), url("")], "com.acme.Order").path).toBe("com.acme.Order");
  });

  test("a joined list of too many methods is left out", () => {
    const methods = (letter: string) => Array.from({ length: 3_000 }, (_, index) => letter + index).join(",");
    expect(merged(`methods=${methods("a")}`, `methods=${methods("b")}`)).toBe("");
  });

  test("keys of Object's prototype are plain keys", () => {
    expect(merged("__proto__=x&constructor=y")).toBe("__proto__=x&constructor=y");
  });
});

test("the tag of all stands in its place by the alphabet, other parameters are merged as ever", () => {
  const urls = [url("side=p&dubbo.tag=gray&application=shop&weight=3"), url("side=p&dubbo.tag=gray&application=shop")];
  const { params } = mergeUrls(urls, "com.acme.Order", "gray");
  expect(Object.entries(params)).toEqual([
    ["application", "shop"],
    ["dubbo.tag", "gray"],
    ["side", "p"],
  ]);
});
