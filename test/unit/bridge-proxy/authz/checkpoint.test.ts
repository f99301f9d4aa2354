import { describe, expect, test } from "vitest";
import { type Checkpoint, checkpointTo } from "../../../../src/bridge-proxy/authz/checkpoint.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { matchRoute } from "../../../../src/bridge-proxy/route.ts";
import type { RuntimeConfig } from "../../../../src/bridge-proxy/runtime-config.ts";
import type { Route } from "../../../../src/codecs/xds/route.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";
import { policyText } from "../../../support/policies.ts";
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
