import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/log.ts";
import { AuthzStats } from "../../../../src/bridge-proxy/authz/audit.ts";
import { HostAuthz, isDenial } from "../../../../src/bridge-proxy/authz/gate.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { indexAuthorization } from "../../../../src/control/compile/authorization.ts";
import { judgeCall } from "../../../../src/control/explain/authorization.ts";
import type { SeenCall } from "../../../../src/control/explain/conditions.ts";
import { createPolicyPlaces } from "../../../../src/control/explain/policy-places.ts";
import { DEFAULT_MESH } from "../../../../src/model/mesh.ts";
import { CART, ORDERS, policiesOf, policyText } from "../../../support/policies.ts";

const WEB = "spiffe://cluster.local/ns/shop/sa/web";
const mesh = {
  ...DEFAULT_MESH,
  extensionProviders: [
    { name: "opa", service: "opa.example", port: 9191, timeoutMs: 100, failOpen: false, statusOnError: 403 },
  ],
};

function seenAs(method: string, more: Partial<SeenCall> = {}): SeenCall {
  return {
    path: { value: `/com.acme.Orders/${method}` },
    principal: { value: WEB },
    address: { value: "10.0.0.9" },
    serverName: { value: undefined },
    header: () => ({ value: undefined }),
    hasToken: false,
    ...more,
  };
}

function worldOf(texts: readonly string[], entry = ORDERS) {
  const rules = policiesOf(...texts);
  const index = indexAuthorization(rules, mesh);
  const scope = { policies: index.policiesOf(entry), guards: index.guardsOf(entry) };
  return { configs: index.configsOf(entry) ?? {}, places: createPolicyPlaces(rules, scope) };
}

function judge(texts: readonly string[], call: SeenCall, entry = ORDERS) {
  const { configs, places } = worldOf(texts, entry);
  return judgeCall(configs, call, places);
}

const trial = { annotations: '{istio.io/dry-run: "true"}' };
const allowGet = policyText("get", "{rules: [{to: [{operation: {methods: [get*]}}]}]}");
const denyDrop = policyText(
  "drop",
  "{action: DENY, rules: [{to: [{operation: {paths: ['/{*}/drop', '/{**}/wipe']}}]}]}",
);
const allowShop = policyText("shop", "{rules: [{from: [{source: {namespaces: [shop]}}]}]}");
const notShop = policyText("outside", "{action: DENY, rules: [{from: [{source: {notNamespaces: [sh*]}}]}]}");
const byAccount = policyText(
  "account",
  "{rules: [{from: [{source: {principals: ['*/sa/web'], ipBlocks: [10.0.0.0/24]}}]}]}",
);
const byUser = policyText(
  "user",
  "{action: DENY, rules: [{when: [{key: 'request.headers[user]', notValues: [ann]}]}]}",
);
const byClaim = policyText("claim", "{rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}");
const byDomain = policyText(
  "domain",
  "{rules: [{when: [{key: source.trustDomain, values: [other.example, cluster.*]}]}]}",
);
const bySni = policyText("sni", "{action: DENY, rules: [{when: [{key: connection.sni, values: [a.example]}]}]}");
const elsewhere = policyText("else", "{rules: [{to: [{operation: {hosts: [com.acme.stock]}}]}]}");
const nothing = policyText("nothing", "{}");
const noServer = policyText(
  "custom",
  "{action: CUSTOM, provider: {name: none}, rules: [{to: [{operation: {methods: [get]}}]}]}",
);

describe("the decision is the proxy's", () => {
  const sets: Record<string, readonly string[]> = {
    none: [],
    nothing: [nothing],
    elsewhere: [elsewhere],
    "deny before allow": [allowGet, allowShop, denyDrop],
    "not in a namespace": [notShop],
    "an account at an address": [byAccount],
    "a header that is not so": [byUser, allowGet],
    "a claim": [byClaim],
    "a trust domain": [byDomain],
    "a server name": [bySni],
    "CUSTOM without a server": [noServer, allowGet],
    "all of them": [allowGet, allowShop, denyDrop, byAccount, byUser, bySni, noServer],
    "dry runs": [
      policyText("t", "{action: DENY, rules: [{}]}", trial),
      policyText("u", "{}", trial),
      policyText("v", "{action: AUDIT, rules: [{}]}"),
    ],
  };
  const callers = [WEB, "spiffe://other.example/ns/b/sa/web", "spiffe://third/ns/shop/sa/x", undefined];
  const calls = callers.flatMap((principal) =>
    ["get", "getAll", "drop", "wipe", "put"].flatMap((method) =>
      ["10.0.0.9", "10.9.0.1"].flatMap((address) =>
        [undefined, "ann", "bob"].map((user) => ({ principal, method, address, user })),
      ),
    ),
  );
  test.each(Object.entries(sets))("of %s, for every caller, method, address and header", (_, texts) => {
    const { configs, places } = worldOf(texts);
    const proxy = new HostAuthz(configs, new AuthzStats(silentLogger, () => 0));
    for (const call of calls) {
      const { principal, method, address, user } = call;
      const header = (name: string) => (name === "user" ? user : undefined);
      const gate = proxy.gate({ ...peerFrom(address), spiffeId: principal }, `/com.acme.Orders/${method}`);
      const decided = gate.decide({ header });
      const decision = decided !== undefined && isDenial(decided) ? "denied" : "allowed";
      const who = { principal: { value: principal }, address: { value: address } };
      const judged = judgeCall(
        configs,
        seenAs(method, { ...who, header: (name) => ({ value: header(name) }) }),
        places,
      );
      expect({ ...call, decision: judged.decision }).toEqual({ ...call, decision });
    }
  });
});

describe("each rule says its place and what the call lacks", () => {
  test("in the order CUSTOM, AUDIT, DENY, ALLOW", () => {
    const judged = judge(
      [allowShop, denyDrop, policyText("log", "{action: AUDIT, rules: [{}]}"), noServer],
      seenAs("get", { principal: { value: "spiffe://cluster.local/ns/b/sa/web" } }),
    );
    expect(judged.policies.map(({ action, policy, rule, verdict }) => [action, policy, rule, verdict])).toEqual([
      ["CUSTOM", "default/custom", 0, "matches"],
      ["AUDIT", "default/log", 0, "matches"],
      ["DENY", "default/drop", 0, "does not match"],
      ["ALLOW", "default/shop", 0, "does not match"],
    ]);
    expect(judged.policies[2]!.at).toMatch(/^p\.yaml:\d+$/);
    expect(judged.policies[3]!.why).toEqual(["principal is cluster.local/ns/b/sa/web, asked is namespace = shop"]);
    expect(judged.why).toEqual(["CUSTOM default/custom rule 0 matches, and there is no server to ask"]);
  });

  test.each([
    [
      "a policy for another host",
      elsewhere,
      "no call of the service can match it: it asks for other hosts, interfaces, paths or ports",
    ],
    ["a policy without rules", nothing, "the policy has no rules: no call matches it"],
    [
      "a dry run of AUDIT",
      policyText("a", "{action: AUDIT, rules: [{}]}", trial),
      "AUDIT denies nothing: nothing is tried",
    ],
    [
      "a dry run of CUSTOM without a server",
      policyText("a", "{action: CUSTOM, provider: {name: none}, rules: [{}]}", trial),
      "nobody is asked: no call of the service can match it, or its server is not known",
    ],
  ])("%s", (_, text, why) => {
    expect(judge([text], seenAs("get")).policies).toMatchObject([{ verdict: "does not match", why: [why] }]);
  });
});

describe("what is not told leaves a decision open", () => {
  test("an identity", () => {
    const judged = judge([allowShop, notShop], seenAs("get", { principal: undefined }));
    expect(judged.decision).toBe("open");
    expect(judged.why).toEqual([
      "DENY default/outside rule 0 does not match",
      "one matches of ALLOW default/shop rule 0",
    ]);
    expect(judged.policies[1]!.why).toEqual(["principal is not told, asked is namespace = shop"]);
  });

  test("but not where it does not count", () => {
    const judged = judge([allowShop, denyDrop], seenAs("drop", { principal: undefined }));
    expect(judged).toMatchObject({ decision: "denied", why: ["DENY default/drop rule 0 matches"] });
  });

  test("a token", () => {
    const issuer = `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: idp}\nspec: {jwtRules: [{issuer: https://idp.example, jwks: '{"keys": [{"kty": "RSA"}]}'}]}\n`;
    const judged = judge([issuer, byClaim], seenAs("get", { hasToken: true }));
    expect(judged.policies[0]).toMatchObject({
      kind: "RequestAuthentication",
      policy: "default/idp",
      verdict: "unknown",
    });
    expect(judged.policies[0]!.at).toMatch(/^p\.yaml:\d+$/);
    expect(judged.why).toEqual(["its token is good", "one matches of ALLOW default/claim rule 0"]);
    expect(judge([issuer, byClaim], seenAs("get")).decision).toBe("denied");
  });

  test("the word of a server, after which DENY and ALLOW are asked", () => {
    const custom = policyText(
      "ask",
      "{action: CUSTOM, provider: {name: opa}, rules: [{to: [{operation: {methods: [get, drop]}}]}]}",
    );
    expect(judge([custom], seenAs("get"))).toMatchObject({
      decision: "open",
      why: ["opa.example allows it, asked by CUSTOM default/ask rule 0"],
    });
    expect(judge([custom, denyDrop], seenAs("drop")).decision).toBe("denied");
    expect(judge([custom], seenAs("put")).decision).toBe("allowed");
    expect(judge([custom], seenAs("put", { path: undefined })).why).toEqual([
      "CUSTOM default/ask rule 0 does not match, or opa.example allows it",
    ]);
  });
});

test("DubboAuthorizationPolicy and SerializationGuard are told by their kinds, and the verb of an HTTP request is its own", () => {
  const dubbo =
    "apiVersion: dubbo.aeraki.io/v1alpha1\nkind: DubboAuthorizationPolicy\nmetadata: {name: d, namespace: default}\nspec: {action: ALLOW, rules: [{to: [{operation: {interfaces: [com.acme.Orders], methods: [get]}}]}]}\n";
  const guard = "apiVersion: trestle.io/v1alpha1\nkind: SerializationGuard\nmetadata: {name: g}\nspec: {}\n";
  const judged = judge([dubbo, guard], seenAs("get"));
  expect(judged.decision).toBe("allowed");
  expect(judged.policies.map(({ kind, policy, verdict }) => [kind, policy, verdict])).toEqual([
    ["DubboAuthorizationPolicy", "default/d", "matches"],
    ["SerializationGuard", "default/g", "unknown"],
  ]);
  const verb = policyText("verb", "{rules: [{to: [{operation: {methods: [GET]}}]}]}");
  const http = judge([verb], seenAs("x", { header: () => undefined }), CART);
  expect(http.policies[0]!.why).toEqual([":method is not told, asked is :method = GET"]);
});
