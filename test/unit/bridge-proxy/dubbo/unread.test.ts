import { expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { unreadRuling } from "../../../../src/bridge-proxy/dubbo/unread.ts";
import { decideHost } from "../../../../src/bridge-proxy/route.ts";
import { type GuardedService, guardedConfig } from "../../../support/guarded-routes.ts";
import { policyText } from "../../../support/policies.ts";

const noDrop = policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [drop]}}]}]}");
const all = policyText("a", "{rules: [{from: [{source: {ipBlocks: [10.0.0.1]}}]}]}");

function denialOf(services: Readonly<Record<string, GuardedService>>, address = "10.0.0.1"): string | undefined {
  const config = guardedConfig(services);
  const host = config.routes.hostOf("com.acme.A")!;
  const decision = decideHost(host, "");
  const call = { config, peer: peerFrom(address), decision, route: decision.fixed!, nowMs: 0 };
  const { denial } = unreadRuling(call) ?? {};
  // It is remembered.
  expect(unreadRuling(call)?.denial?.message).toBe(denial?.message);
  return denial?.message;
}

test("a frame that is not read goes where no policies hold, and where they let all calls through", () => {
  expect(denialOf({ "com.acme.A": {}, "com.acme.B": {} })).toBeUndefined();
  expect(denialOf({ "com.acme.A": { policies: [all] }, "com.acme.B": { policies: [all] } })).toBeUndefined();
});

test("it goes nowhere where its own service's policies ask for more", () => {
  expect(denialOf({ "com.acme.A": { policies: [noDrop] } })).toBe("RBAC: access denied");
});

test("it goes nowhere where those of a service of the same providers do: it may be for that", () => {
  expect(denialOf({ "com.acme.A": {}, "com.acme.B": { policies: [noDrop] } })).toContain(
    "policies hold for host-of-com.acme.b",
  );
  expect(denialOf({ "com.acme.A": {}, "g/com.acme.A": { policies: [noDrop] } })).toContain("policies hold for");
  expect(denialOf({ "com.acme.A": {}, "com.acme.B": { policies: [all] } }, "10.0.0.2")).toContain("policies hold for");
  expect(denialOf({ "com.acme.A": {}, "com.acme.B": { policies: [noDrop], port: 9 } })).toBeUndefined();
});
