import { describe, expect, test } from "vitest";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { compileInbound, withInbound } from "../../../../src/control/compile/inbound.ts";
import { explainCall } from "../../../../src/control/explain/explain.ts";
import type { MadeUpCall } from "../../../../src/control/explain/explanation.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { policyText } from "../../../support/policies.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const WEB = "spiffe://cluster.local/ns/shop/sa/web";
const PROVIDERS = { "com.acme.Orders": "10.0.0.5:20890", "com.acme.Stock": "10.0.0.1:20880" };

/** What a proxy makes of calls of com.acme.Orders, whose provider 10.0.0.1 is behind an inbound listener; com.acme.Stock's own address is known. */
function authorizationOf(texts: readonly string[], call: Partial<MadeUpCall> = {}) {
  const entries = Object.entries(PROVIDERS).map(([name, at]) => entryOf(name, [`dubbo://${at}?app=orders`]));
  const snapshot = createSnapshot(entries, rulesOf(...texts));
  const outbound = compile(snapshot, {
    id: "w",
    dubbo: [{ address: "10.0.0.5", port: 20_880 }],
    identities: { "10.0.0.0/24": "spiffe://cluster.local/ns/lan/sa/any", "10.0.0.9": WEB },
  });
  const provider = {
    listen: { address: "10.0.0.5", port: 20_890 },
    to: { address: "10.0.0.1", port: 20_880 },
    protocol: "dubbo" as const,
    labels: { app: "orders" },
  };
  const resources = withInbound(outbound, compileInbound([provider], snapshot));
  const made = { service: "com.acme.Orders", method: "get", headers: {}, ...call };
  return explainCall(resources, made, snapshot).authorization;
}

const shop = policyText("shop", "{rules: [{from: [{source: {namespaces: [shop]}}]}]}");
const byHeader = (name: string) =>
  policyText("header", `{action: DENY, rules: [{when: [{key: 'request.headers[${name}]', values: ['7']}]}]}`);

describe("who the caller is", () => {
  const rows: [string, Partial<MadeUpCall>, string, string][] = [
    ["told", { principal: WEB }, "allowed", "allowed"],
    ["told to be nobody", { principal: "", caller: "10.0.0.9" }, "denied", "denied"],
    ["not told", {}, "open", "open"],
    ["whom its address stands for, which an inbound listener does not ask", { caller: "10.0.0.9" }, "allowed", "open"],
    ["whom a wider range stands for", { caller: "10.0.0.8" }, "denied", "open"],
    ["nobody at an address that stands for none", { caller: "10.9.0.1" }, "denied", "open"],
  ];
  test.each(rows)("%s", (_, call, outbound, inbound) => {
    expect(authorizationOf([shop], call).map(({ side, for: name, decision }) => [side, name, decision])).toEqual([
      ["outbound", "com.acme.orders", outbound],
      ["inbound", "inbound_10.0.0.5_20890", inbound],
    ]);
  });
});

test("both sides name the place of a rule", () => {
  const [outbound, inbound] = authorizationOf([shop], { principal: WEB });
  expect(outbound!.policies[0]).toMatchObject({ policy: "default/shop", at: expect.stringMatching(/:\d+$/) });
  expect(inbound!.policies).toEqual(outbound!.policies);
});

describe("what is told of headers", () => {
  const rows: [string, string, Partial<MadeUpCall>, string][] = [
    ["an attachment that is not given is not there", "x-user", {}, "allowed"],
    ["one that is given", "x-user", { headers: { "X-User": "7" } }, "denied"],
    ["arguments that nobody gave", "dubbo-arg-0.id", {}, "open"],
    ["arguments of which this is none", "dubbo-arg-0.id", { headers: { "dubbo-arg-0": "1" } }, "allowed"],
    ["the application of nobody knows whom", "dubbo-application", {}, "open"],
    ["the application at an address that registered none", "dubbo-application", { caller: "10.0.0.9" }, "allowed"],
  ];
  test.each(rows)("%s", (_, name, call, decision) => {
    expect(authorizationOf([byHeader(name)], call)[0]!.decision).toBe(decision);
  });

  test("what the route writes is not told behind it", () => {
    const text = virtualServiceText(
      "v",
      "[com.acme.Orders]",
      "[{headers: {request: {set: {x-user: '8'}}}, route: [{destination: {host: com.acme.Orders}}]}]",
    );
    expect(authorizationOf([byHeader("x-user"), text]).map(({ decision }) => decision)).toEqual(["allowed", "open"]);
  });
});

test("policies are those of the service that a route leads to, no inbound listener's where its provider is called past it, and none are asked where it goes nowhere", () => {
  const text = (route: string) => virtualServiceText("v", "[com.acme.Orders]", `[{${route}}]`);
  const led = authorizationOf([text("route: [{destination: {host: com.acme.Stock}}]")]);
  expect(led).toHaveLength(1);
  expect(led).toMatchObject([{ for: "com.acme.stock", decision: "allowed", why: ["no policy denies it"] }]);
  expect(authorizationOf([text("directResponse: {status: 503}")])).toEqual([]);
});

test("a path that the route rewrites is told as it becomes; one that names no method is asked of nobody", () => {
  const text = (uri: string) =>
    virtualServiceText(
      "v",
      "[com.acme.Orders]",
      `[{match: [{uri: {exact: /com.acme.Orders/get}}], rewrite: {uri: ${uri}}, route: [{destination: {host: com.acme.Orders}}]}]`,
    );
  const find = policyText("find", "{rules: [{to: [{operation: {methods: [find]}}]}]}");
  expect(authorizationOf([find, text("/com.acme.Orders/find")])[0]).toMatchObject({ decision: "allowed" });
  expect(authorizationOf([find, text("/com.acme.Orders/other")])[0]).toMatchObject({ decision: "denied" });
  // The policies of what it names are asked.
  expect(authorizationOf([find, text("/com.acme.Stock/find")])[0]).toMatchObject({ decision: "allowed" });
  expect(authorizationOf([find, text("/nothing")])).toEqual([]);
});

describe("tokens", () => {
  const issuer = (more: string) =>
    `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: idp}\nspec: {jwtRules: [{issuer: i, jwks: '{"keys": [{"kty": "RSA"}]}'${more}}]}\n`;
  const rows: [string, string, Record<string, string>, string][] = [
    ["stand in authorization", "", { authorization: "Bearer a.b.c" }, "unknown"],
    ["may be a parameter", "", { "?access_token": "a.b.c" }, "unknown"],
    ["stand where the issuer says", ", fromHeaders: [{name: x-jwt}]", { "x-jwt": "a.b.c" }, "unknown"],
    ["stand nowhere else", ", fromHeaders: [{name: x-jwt}]", { authorization: "Bearer a.b.c" }, "does not match"],
    ["may be a cookie", ", fromCookies: [t]", { cookie: "t=a.b.c" }, "unknown"],
  ];
  test.each(rows)("%s", (_, more, headers, verdict) => {
    expect(authorizationOf([issuer(more)], { headers })[0]!.policies).toMatchObject([{ verdict }]);
  });

  test("alone say what is in the headers of their claims", () => {
    const texts = [issuer(", outputClaimToHeaders: [{header: x-sub, claim: sub}]"), byHeader("x-sub")];
    expect(authorizationOf(texts, { headers: { "x-sub": "7" } })[0]!.decision).toBe("allowed");
    const headers = { "x-sub": "8", authorization: "Bearer a.b.c" };
    expect(authorizationOf(texts, { headers })[0]!.why).toEqual([
      "its token is good",
      "DENY default/header rule 0 does not match",
    ]);
  });
});

test("the path and verb of an HTTP request are told as headers, else not at all", () => {
  const get = policyText("get", "{rules: [{to: [{operation: {methods: [GET], paths: [/cart/*]}}]}]}");
  const snapshot = createSnapshot([entryOf("cart", ["http://10.0.0.3:8080"])], rulesOf(get), ["http"]);
  const resources = compile(snapshot, {
    id: "w",
    dubbo: [],
    http: [{ address: "10.0.0.5", port: 8_080, service: "cart" }],
  });
  const decisionOf = (headers: Record<string, string>) =>
    explainCall(resources, { service: "cart", method: "x", headers }, snapshot).authorization[0]!.decision;
  expect(decisionOf({})).toBe("open");
  expect(decisionOf({ ":method": "GET", ":path": "/cart/7" })).toBe("allowed");
  expect(decisionOf({ ":method": "GET", ":path": "/stock" })).toBe("denied");
});

describe("what an inbound listener takes", () => {
  const peers = (mode: string) =>
    `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: p}\nspec: {mtls: {mode: ${mode}}}\n`;
  const rows: [string, Partial<MadeUpCall>, string, string][] = [
    ["STRICT", { principal: WEB }, "allowed", "ALLOW default/shop rule 0 matches"],
    ["STRICT", { principal: "" }, "denied", "PeerAuthentication asks for mutual TLS"],
    ["STRICT", {}, "open", "it comes by mutual TLS (STRICT); one matches of"],
    ["PERMISSIVE", { principal: WEB }, "allowed", "ALLOW default/shop rule 0 matches"],
    ["DISABLE", { principal: WEB }, "denied", "there are ALLOW policies, and none matches"],
  ];
  test.each(rows)("%s, %o: %s", (mode, call, decision, why) => {
    const inbound = authorizationOf([shop, peers(mode)], call)[1]!;
    expect(inbound).toMatchObject({ side: "inbound", mtls: mode, decision });
    expect(inbound.why.join("; ")).toContain(why);
  });
});

test("the policies of a mirror are asked for its copy", () => {
  const mirror = virtualServiceText(
    "v",
    "[com.acme.Orders]",
    "[{route: [{destination: {host: com.acme.Orders}}], mirrors: [{destination: {host: com.acme.Stock}}]}]",
  );
  const denied = policyText("stock", "{action: DENY, rules: [{to: [{operation: {paths: [/com.acme.Stock/get]}}]}]}");
  const found = authorizationOf([mirror, denied], { principal: WEB });
  expect(found.map(({ side, for: name, isCopy, decision }) => [side, name, isCopy, decision])).toEqual([
    ["outbound", "com.acme.orders", undefined, "allowed"],
    ["outbound", "com.acme.stock", true, "denied"],
    ["inbound", "inbound_10.0.0.5_20890", undefined, "allowed"],
  ]);
});
