import { expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { Mirrors } from "../../../../src/bridge-proxy/policies/mirror.ts";
import type { CompiledRoute, HostDecision } from "../../../../src/bridge-proxy/route.ts";
import { TripleCall } from "../../../../src/bridge-proxy/triple/call.ts";
import { guardLane } from "../../../../src/bridge-proxy/triple/guard.ts";
import { laneOf, type TripleLane } from "../../../../src/bridge-proxy/triple/lanes.ts";
import { laneOfCopy, NOBODY, NowhereStream } from "../../../../src/bridge-proxy/triple/nowhere.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";
import { policyText } from "../../../support/policies.ts";
import { clusterName } from "../../../support/xds-fixtures.ts";

test("nobody's stream takes everything at once, until it is reset", () => {
  const stream = new NowhereStream();
  expect([stream.data(), stream.queuedBytes, stream.requestEnded, stream.closed]).toEqual([0, 0, true, false]);
  stream.reset();
  expect(stream.closed).toBe(true);
  NOBODY.forget({} as never);
});

test("a copy is led by its own route, and its caller's time does not count", () => {
  const lane = { needsMessage: true, callerTimeoutMs: 5, tag: "gray", sent: new Map(), refusal: { reason: "x" } };
  const decision = { method: "get" } as HostDecision;
  const route = { name: "shadow" } as CompiledRoute;
  expect(laneOfCopy(lane as unknown as TripleLane, decision, route)).toEqual({
    needsMessage: false,
    callerTimeoutMs: Number.POSITIVE_INFINITY,
    tag: "gray",
    sent: undefined,
    refusal: undefined,
    decision,
    route,
  });
});

/** A service whose calls are copied to another one, where policies deny them by their argument. */
function mirrored() {
  const byArgument = policyText(
    "r",
    "{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-arg-0]', values: ['7']}]}]}",
  );
  const mirrorTo = (key: string) => ({ cluster: clusterName(key) });
  const route = { cluster: clusterName("com.acme.A"), requestMirrorPolicies: [mirrorTo("com.acme.B")] };
  const config = guardedConfig({
    "com.acme.A": { routes: [{ name: "all", match: { prefix: "/" }, route }] },
    "com.acme.B": { policies: [byArgument] },
  });
  const fields = [":path", "/com.acme.A/get", "content-type", "application/grpc"];
  const peer = peerFrom("10.0.0.1");
  const lane = guardLane(laneOf(config, peer.address, fields, undefined), peer, fields);
  const mirror = lane.decision!.fixed!.mirrors![0]!.route;
  const copyOf = (said: string) =>
    laneOfCopy(lane, lane.decision, mirror, (name) => (name === "dubbo-arg-0" ? said : lane.header(name)));
  return { lane, fields, mirror, copyOf };
}

test("policies see of a copy what was read of the call's message", () => {
  const { lane, mirror, copyOf } = mirrored();
  // The call itself waits for its message, since the copy's policies ask for it.
  expect(lane.needsMessage).toBe(true);
  const judged = (said: string) => {
    const copy = copyOf(said);
    return copy.guard!.rule(copy.decision!, mirror, copy.header)?.denial?.reason;
  };
  expect([judged("7"), judged("8")]).toEqual(["denied", undefined]);
});

test("a copy that policies refuse is over, and no call of a caller's", () => {
  const { fields, mirror, copyOf } = mirrored();
  const counters = { mirrored: 0, mirrorFailures: 0, mirrorsDropped: 0 };
  const mirrors = new Mirrors(counters, 1);
  const rows = { row: () => expect.unreachable("it is counted among calls") };
  const context = { nowMs: 0, originMs: 0, exchangeBytes: 0, mirrors, rows } as unknown as ProxyContext;
  expect(mirrors.draw([{ share: 1, route: mirror }], () => 0)).toEqual([mirror]);
  const head = { fields, never: [], end: true };
  new TripleCall(context, NOBODY, new NowhereStream(), head, () => copyOf("7")).start();
  expect([mirrors.underWay, counters.mirrorFailures]).toEqual([0, 1]);
});
