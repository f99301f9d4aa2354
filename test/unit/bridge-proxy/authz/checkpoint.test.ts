import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/log.ts";
import { AuthzStats } from "../../../../src/bridge-proxy/authz/audit.ts";
import { type Checkpoint, checkpointTo } from "../../../../src/bridge-proxy/authz/checkpoint.ts";
import { KeyWaits } from "../../../../src/bridge-proxy/authz/key-waits.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import type { Settled, Subject } from "../../../../src/bridge-proxy/authz/question.ts";
import { matchRoute } from "../../../../src/bridge-proxy/match.ts";
import type { RuntimeConfig } from "../../../../src/bridge-proxy/runtime-config.ts";
import { JWT_FILTER } from "../../../../src/codecs/xds/authz.ts";
import { VIRTUAL_HOST_TYPE } from "../../../../src/codecs/xds/resources.ts";
import type { Route } from "../../../../src/codecs/xds/route.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";
import { configsOf, policyText } from "../../../support/policies.ts";
import { keySet, type SigningKey, signingKey, tokenOf } from "../../../support/tokens.ts";
import { clusterName } from "../../../support/xds-fixtures.ts";

const [A, B] = ["com.acme.A", "com.acme.B"];
const peer = peerFrom("10.0.0.1");
const denyDrop = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [drop]}}]}]}");
const none = { header: () => undefined };

function checkpoint(config: RuntimeConfig, method: string, more: object = {}): Checkpoint | undefined {
  const decision = config.routes.decide(A, "", method)!.only!;
  return checkpointTo(config.routes, { peer, decision, route: matchRoute(decision, none.header)!, ...more });
}
const to = (action: object): Route[] => [{ name: "all", match: { prefix: "/" }, route: action }];

test("without policies, and for calls that all may make, nothing stands in the way", () => {
  expect(checkpoint(guardedConfig({ [A]: {} }), "get")).toBeUndefined();
  expect(checkpoint(guardedConfig({ [A]: { policies: [denyDrop] } }), "get")).toBeUndefined();
});

test("a call that is denied goes nowhere", () => {
  expect(checkpoint(guardedConfig({ [A]: { policies: [denyDrop] } }), "drop")?.judge(none)?.denial?.message).toBe(
    "RBAC: access denied",
  );
});

describe("the policies are those of the service that a call is led to", () => {
  test("not those of the service that was called", () => {
    const config = guardedConfig({ [A]: { policies: [denyDrop], routes: to({ cluster: clusterName(B) }) }, [B]: {} });
    expect(checkpoint(config, "drop")).toBeUndefined();
  });

  test("with the path that it has there", () => {
    const config = guardedConfig({ [A]: { routes: to({ cluster: clusterName(B) }) }, [B]: { policies: [denyDrop] } });
    expect(checkpoint(config, "drop")?.judge(none)?.denial).toBeDefined();
    expect(checkpoint(config, "get")).toBeUndefined();
  });

  test("a rewritten one too", () => {
    const routes: Route[] = [
      { name: "r", match: { path: `/${A}/get` }, route: { cluster: clusterName(A), prefixRewrite: `/${A}/drop` } },
    ];
    const config = guardedConfig({ [A]: { policies: [denyDrop], routes } });
    expect(checkpoint(config, "get")?.judge(none)?.denial).toBeDefined();
  });

  test("where some destinations may be gone to, calls to the others are kept from them alone", () => {
    const clusters = [A, B].map((key) => ({ name: clusterName(key), weight: 1 }));
    const config = guardedConfig({
      [A]: { routes: to({ weightedClusters: { clusters } }) },
      [B]: { policies: [denyDrop] },
    });
    const ruling = checkpoint(config, "drop")!.judge(none)!;
    expect(ruling.denial).toBeUndefined();
    const [own, other] = config.routes.decide(A, "", "drop")!.only!.fixed!.targets;
    expect(ruling.denied?.get(own!)).toBeUndefined();
    expect(ruling.denied?.get(other!)?.message).toBe("RBAC: access denied");
  });

  test("a copy for a mirror is checked where it goes", () => {
    const action = { cluster: clusterName(A), requestMirrorPolicies: [{ cluster: clusterName(B) }] };
    const config = guardedConfig({ [A]: { routes: to(action) }, [B]: { policies: [denyDrop] } });
    const ruling = checkpoint(config, "drop")!.judge(none)!;
    expect({ denial: ruling.denial, denied: ruling.denied?.size }).toEqual({ denial: undefined, denied: 1 });
  });
});

test("what tells whether a call goes on is what all policies ask for that may be asked", () => {
  const asking = (name: string) =>
    policyText(name, `{action: DENY, rules: [{when: [{key: 'request.headers[${name}]', values: [x]}]}]}`);
  const byArgument = asking("dubbo-arg-0");
  const action = { weightedClusters: { clusters: [A, B].map((key) => ({ name: clusterName(key), weight: 1 })) } };
  const config = (policy: string) =>
    guardedConfig({ [A]: { routes: to(action), policies: [asking("user")] }, [B]: { policies: [policy] } });
  expect(checkpoint(config(asking("app")), "get")?.asks).toEqual(["user", "app"]);
  expect(checkpoint(config(byArgument), "get")?.asks).toBeUndefined();
});

test("a path that is not that of the decision counts, and one that is not known is the worst", () => {
  const config = guardedConfig({
    [A]: { policies: [policyText("a", "{rules: [{to: [{operation: {paths: ['/grpc.health.v1.Health/*']}}]}]}")] },
  });
  expect(checkpoint(config, "get", { path: "/grpc.health.v1.Health/Check" })).toBeUndefined();
  expect(checkpoint(config, "get", { path: { unknown: true } })?.judge(none)?.denial).toBeDefined();
});

describe("a call whose token is signed by a key that is not known", () => {
  const [old, young] = [signingKey("ES256", "old"), signingKey("ES256", "young")];
  const jwt = (...keys: SigningKey[]) =>
    `apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {name: jwt}\nspec: {jwtRules: [{issuer: i, jwks: '${keySet(...keys)}'}]}\n`;
  const claims = (sub: string) => ({ iss: "i", sub, exp: Date.now() / 1_000 + 600 });
  const allowTwo = policyText("a", "{rules: [{from: [{source: {requestPrincipals: [i/ann, i/eve]}}]}]}");
  const denyEve = policyText(
    "d",
    "{action: DENY, rules: [{to: [{operation: {methods: [other]}}], from: [{source: {requestPrincipals: [i/eve]}}]}]}",
  );
  const faulty = { reason: "unauthenticated", message: "Jwks has no key for the Jwt" };
  const passed = { denial: undefined, changes: undefined, answerChanges: undefined };

  /** Asks for one call, and says what became of it and how many were counted as refused; `newer`: the rule's keys after that. */
  function settle(token: string, newer: readonly SigningKey[], told: "somebody" | "nobody" = "somebody") {
    const stats = new AuthzStats(silentLogger, () => 0, new KeyWaits(told === "nobody" ? undefined : () => {}));
    const { routes } = guardedConfig({ [A]: { policies: [jwt(old), allowTwo, denyEve] } }, stats);
    const decision = routes.decide(A, "", "get")!.only!;
    const route = matchRoute(decision, none.header)!;
    const call = { header: (name: string) => (name === "authorization" ? `Bearer ${token}` : undefined) };
    const ruling = checkpointTo(routes, { peer, decision, route }, [{ method: "other", strict: false }])!.judge(call);
    const settled: Settled[] = ruling === undefined ? [passed] : [];
    if (ruling?.denial !== undefined) settled.push({ denial: ruling.denial });
    const question = ruling?.open?.get(route.targets[0]!)?.question;
    question?.ask({ ...call, text: {}, timeLeftMs: 1_000 } as unknown as Subject, (one) => settled.push(one));
    const [before] = settled;
    const typedPerFilterConfig = { [JWT_FILTER]: configsOf([jwt(...newer)])![JWT_FILTER]! };
    const resource = { name: "x", domains: [], routes: [], typedPerFilterConfig };
    const resources = [{ name: "x", version: "", resource }];
    stats.takeKeys([{ typeUrl: VIRTUAL_HOST_TYPE, resources, removedResources: [] }]);
    const early = settled[0];
    stats.keyWaits.answered("i", "same");
    return { before, early, after: settled[0], refused: stats.counters.authzDenied };
  }

  test("waits, and goes on once it has come, by the policies that go by its token", () => {
    expect(settle(tokenOf(old, claims("ann")), [old]).before).toEqual(passed);
    expect(settle(tokenOf(young, claims("ann")), [old, young])).toEqual({
      before: undefined,
      early: passed,
      after: passed,
      refused: 0,
    });
    const refused = { before: undefined, after: { denial: { reason: "denied" } }, refused: 1 };
    expect(settle(tokenOf(young, claims("bob")), [old, young])).toMatchObject(refused);
  });

  test("is denied where another reading of it is, which its token alone tells", () => {
    expect(settle(tokenOf(young, claims("eve")), [old, young])).toMatchObject({
      after: { denial: { reason: "denied" } },
    });
  });

  test("waits on where other keys come, is refused and counted once where its issuer has none, and at once where nobody can be told", () => {
    expect(settle(tokenOf(young, claims("ann")), [signingKey("ES256", "third")])).toMatchObject({
      ...{ before: undefined, early: undefined, after: { denial: faulty }, refused: 1 },
    });
    expect(settle(tokenOf(young, claims("ann")), [old, young], "nobody")).toMatchObject({ before: { denial: faulty } });
  });
});
