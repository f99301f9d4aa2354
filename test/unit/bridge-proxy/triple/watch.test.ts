import { expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { TripleCall } from "../../../../src/bridge-proxy/triple/call.ts";
import { guardLane } from "../../../../src/bridge-proxy/triple/guard.ts";
import { laneOf } from "../../../../src/bridge-proxy/triple/lanes.ts";
import type { Arrived } from "../../../../src/bridge-proxy/triple/served.ts";
import { serveCall } from "../../../../src/bridge-proxy/triple/watch.ts";
import { WatchedCall } from "../../../../src/bridge-proxy/triple/watched-call.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";
import { policyText } from "../../../support/policies.ts";

const GUARD =
  "apiVersion: trestle.io/v1alpha1\nkind: SerializationGuard\nmetadata: {name: g}\nspec: {denyClasses: [x.*]}\n";
const peer = peerFrom("10.0.0.1");
const fields = [":path", "/com.acme.A/get", "content-type", "application/grpc"];

function laneWith(...policies: string[]) {
  const config = guardedConfig({ "com.acme.A": { policies } });
  return guardLane(laneOf(config, peer.address, fields, undefined, false), peer, fields);
}

function served(...policies: string[]) {
  const lane = laneWith(...policies);
  const arrived = {
    port: { forget() {} },
    stream: { release() {} },
    head: { fields, never: [], end: false },
    shared: false,
  };
  const context = { nowMs: 0, frameLimits: { maxBodyBytes: 100 }, limits: {} } as unknown as ProxyContext;
  return serveCall(context, arrived as unknown as Arrived, () => lane);
}

test("messages are looked at where a guard stands, and nowhere else", () => {
  expect(served(policyText("a", "{rules: [{}]}"))).toBeInstanceOf(TripleCall);
  expect(served(GUARD)).toBeInstanceOf(WatchedCall);
});

test("a lane's guard says what all that its calls may be led to says of a message", () => {
  const { guard } = laneWith(GUARD);
  expect(guard!.inspects).toBe(true);
  expect(guard!.inspect(() => undefined)).toBeUndefined();
  expect(guard!.inspect(() => "a fault")).toMatchObject({ reason: "denied", message: "serialization guard: a fault" });
  expect(laneWith(policyText("a", "{rules: [{}]}")).guard!.inspects).toBe(false);
});
