import { expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { streamFault } from "../../../../src/bridge-proxy/inbound/stream-ruling.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";
import { policyText } from "../../../support/policies.ts";

const peer = peerFrom("10.0.0.1");
const faultOf = (...policies: string[]) =>
  streamFault(guardedConfig({ "com.acme.A": policies.length === 0 ? {} : { policies } }), peer);
const policy = (spec: string) => policyText("p", spec);

test.each([
  ["no policy", []],
  ["ALLOW of all", [policy("{rules: [{}]}")]],
  ["ALLOW of its address", [policy('{rules: [{from: [{source: {ipBlocks: ["10.0.0.0/8"]}}]}]}')]],
  ["DENY of another address", [policy('{action: DENY, rules: [{from: [{source: {ipBlocks: ["10.9.0.0/16"]}}]}]}')]],
])("with %s a stream goes to the provider", (_, policies) => {
  expect(faultOf(...policies)).toBeUndefined();
});

test.each([
  ["ALLOW of a method", [policy("{rules: [{to: [{operation: {methods: [get]}}]}]}")]],
  ["DENY of a method", [policy("{action: DENY, rules: [{to: [{operation: {methods: [drop]}}]}]}")]],
  [
    "DENY of an attachment",
    [policy("{action: DENY, rules: [{when: [{key: 'request.headers[user]', values: [eve]}]}]}")],
  ],
  ["ALLOW of an identity", [policy('{rules: [{from: [{source: {principals: ["*"]}}]}]}')]],
  ["a token", [policy('{rules: [{from: [{source: {requestPrincipals: ["*"]}}]}]}')]],
])("with %s it does not", (_, policies) => {
  expect(faultOf(...policies)).toContain("policies hold here");
});

test("of several services nobody knows which it is for", () => {
  const config = guardedConfig({ "com.acme.A": { policies: [policy("{rules: [{}]}")] }, "com.acme.B": {} });
  expect(streamFault(config, peer)).toContain("policies hold here");
});
