import { describe, expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import type { RuntimeConfig } from "../../../../src/bridge-proxy/runtime-config.ts";
import { guardLane } from "../../../../src/bridge-proxy/triple/guard.ts";
import { laneOf } from "../../../../src/bridge-proxy/triple/lanes.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";
import { policyText } from "../../../support/policies.ts";

const KEY = "com.acme.A";
const peer = peerFrom("10.0.0.1");
const allowGet = policyText("a", "{rules: [{to: [{operation: {methods: [get]}}]}]}");
const byArgument = policyText(
  "r",
  "{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-arg-0]', values: ['7']}]}]}",
);
const fieldsOf = (path: string, ...more: string[]) => [":path", path, "content-type", "application/grpc", ...more];

function ruling(config: RuntimeConfig, path: string, ...more: string[]) {
  const fields = fieldsOf(path, ...more);
  const lane = guardLane(laneOf(config, peer.address, fields, undefined), peer, fields);
  if (lane.refusal !== undefined) return lane.refusal.reason;
  return lane.guard?.rule(lane.decision!, lane.route!, lane.header)?.denial?.reason ?? "passed";
}

describe("paths", () => {
  const config = guardedConfig({ [KEY]: { policies: [allowGet] } });
  const rows: [string, string][] = [
    ["/com.acme.A/get", "passed"],
    ["/com.acme.A/put", "denied"],
    ["/com.acme.A/Get", "denied"],
    ["/com.acme.A/get.", "undecodable"],
    ["/com.acme.A/get%2f", "undecodable"],
    ["/com.acme.A/%67et", "undecodable"],
    ["/com.acme.A/get;x=1", "undecodable"],
    ["/com.acme.A/get?x=/put", "passed"],
    ["/ctx/com.acme.A/put", "denied"],
    ["/com.acme.A//put", "no_route"],
    ["//com.acme.A/get", "undecodable"],
    ["/com.acme.A/get/", "no_route"],
    ["/com.acme.a/get", "no_route"],
    ["/com.acme.A%2fput", "no_route"],
    ["/x/../com.acme.A/get", "undecodable"],
    ["/com.acme.B/..;/com.acme.A/get", "undecodable"],
  ];
  test.each(rows)("%s is %s", (path, expected) => {
    expect(ruling(config, path)).toBe(expected);
  });

  test("health checks that go along with other calls have a path of their own", () => {
    expect(ruling(config, "/grpc.health.v1.Health/Check")).toBe("denied");
    const health = policyText("h", "{rules: [{to: [{operation: {paths: ['/grpc.health.v1.Health/*']}}]}]}");
    expect(ruling(guardedConfig({ [KEY]: { policies: [allowGet, health] } }), "/grpc.health.v1.Health/Check")).toBe(
      "passed",
    );
  });
});

test("a lane whose policies ask for an argument needs its message; from outside it has none that policies see", () => {
  const config = guardedConfig({ [KEY]: { policies: [byArgument] } });
  const lane = laneOf(config, peer.address, fieldsOf("/com.acme.A/get"), undefined);
  expect(lane.needsMessage).toBe(false);
  expect(guardLane(lane, peer, []).needsMessage).toBe(true);
  expect(guardLane(lane, peer, [])).toBe(guardLane(lane, peer, []));
  const outside = guardLane({ ...lane, outside: true }, peer, []);
  expect(outside.needsMessage).toBe(false);
  expect(outside.guard!.rule(lane.decision!, lane.route!, lane.header)?.denial).toMatchObject({
    reason: "undecodable",
  });
});

test("callers outside cannot say what only the mesh says", () => {
  const text = policyText("g", "{rules: [{when: [{key: 'request.headers[dubbo-application]', values: [shop]}]}]}");
  const config = guardedConfig({ [KEY]: { policies: [text] } });
  const lane = laneOf(config, peer.address, fieldsOf("/com.acme.A/get", "tri-consumer-appname", "shop"), undefined);
  const rule = (one: typeof lane) =>
    guardLane(one, peer, []).guard!.rule(one.decision!, one.route!, (name) =>
      name === "dubbo-application" ? "shop" : undefined,
    );
  expect(rule(lane)?.denial).toBeUndefined();
  expect(rule({ ...lane, outside: true })?.denial?.reason).toBe("denied");
});

test("what callers outside say twice is not read", () => {
  const evil = policyText("d", "{action: DENY, rules: [{when: [{key: 'request.headers[user]', values: [evil]}]}]}");
  const config = guardedConfig({ [KEY]: { policies: [evil] } });
  const said = (...more: string[]) => {
    const fields = fieldsOf("/com.acme.A/get", ...more);
    const lane = { ...laneOf(config, peer.address, fields, undefined), outside: true } as const;
    return guardLane(lane, peer, fields).guard!.rule(lane.decision!, lane.route!, lane.header)?.denial?.reason;
  };
  expect(said("user", "ann")).toBeUndefined();
  expect(said("user", "ann", "user", "ann")).toBeUndefined();
  expect(said("user", "ann", "user", "evil")).toBe("undecodable");
  expect(said("user", "ann", "user-bin", "ZXZpbA")).toBe("undecodable");
});

test("without policies a lane stays as it is", () => {
  const lane = laneOf(guardedConfig({ [KEY]: {} }), peer.address, fieldsOf("/com.acme.A/get"), undefined);
  expect(guardLane(lane, peer, [])).toBe(lane);
});
