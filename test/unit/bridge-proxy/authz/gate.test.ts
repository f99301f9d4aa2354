import { describe, expect, test } from "vitest";
import { silentLogger } from "../../../../src/base/log.ts";
import { AuthzStats } from "../../../../src/bridge-proxy/authz/audit.ts";
import { HostAuthz } from "../../../../src/bridge-proxy/authz/gate.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { configsOf, policyText } from "../../../support/policies.ts";

const peer = peerFrom("10.0.0.9", { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "web" });
const stats = () => new AuthzStats(silentLogger, () => 0);
const gateOf = (texts: readonly string[], method: string | undefined, counted = stats()) =>
  new HostAuthz(configsOf(texts)!, counted).gate(peer, method === undefined ? undefined : `/com.acme.Orders/${method}`);
const none = { header: () => undefined };

const allowGet = policyText("allow", "{rules: [{to: [{operation: {methods: [get]}}]}]}");
const denyGet = policyText("deny", "{action: DENY, rules: [{to: [{operation: {methods: [get]}}]}]}");
const byUser = policyText("user", "{rules: [{when: [{key: 'request.headers[user]', values: [ann]}]}]}");
const byArgument = policyText(
  "arg",
  "{action: DENY, rules: [{when: [{key: 'request.headers[dubbo-arg-0]', values: ['7']}]}]}",
);
const trial = { annotations: '{istio.io/dry-run: "true"}' };

describe("what has to be read of a call", () => {
  const rows: [string, string[], string, boolean][] = [
    ["nothing where its method is allowed", [allowGet], "nothing", false],
    ["nothing where its method is denied", [denyGet, byUser], "nothing", true],
    ["headers where a policy asks for one", [byUser], "headers", false],
    ["arguments where a policy asks for one", [byArgument, byUser], "arguments", false],
  ];
  test.each(rows)("%s", (_, texts, reads, denied) => {
    const gate = gateOf(texts, "get");
    expect({ reads: gate.reads, denied: gate.denial !== undefined }).toEqual({ reads, denied });
  });
});

describe("what alone tells whether a call goes on", () => {
  const audit = policyText("audit", "{action: AUDIT, rules: [{}]}");
  const rows: [string, string[], string[] | undefined][] = [
    ["nothing where its method is allowed", [allowGet], []],
    ["the headers that policies ask for", [byUser], ["user"]],
    ["more, where a policy asks for an argument", [byArgument, byUser], undefined],
    ["more, where calls are counted", [byUser, audit], undefined],
    ["more, where something is on trial", [policyText("t", "{action: DENY, rules: [{}]}", trial)], undefined],
  ];
  test.each(rows)("%s", (_, texts, asks) => {
    expect(gateOf(texts, "get").asks).toEqual(asks);
  });
});

test("a denial says so in Istio's words and names its policy to the log alone", () => {
  expect(gateOf([denyGet], "get").decide(none)).toEqual({
    reason: "denied",
    message: "RBAC: access denied",
    policy: "ns[default]-policy[deny]-rule[0]",
  });
  expect(gateOf([allowGet], "put").decide(none)).toEqual({
    reason: "denied",
    message: "RBAC: access denied",
    policy: "",
  });
});

test("of a call that cannot be read the worst is taken", () => {
  expect(gateOf([denyGet], undefined).decide(none)).toBeDefined();
  expect(gateOf([allowGet], undefined).decide(none)).toBeDefined();
  expect(gateOf([policyText("all", "{rules: [{}]}")], undefined).decide(none)).toBeUndefined();
});

test("what is on trial or only audited denies nothing and is counted call by call", () => {
  const counted = stats();
  const gate = gateOf(
    [
      policyText("t", "{action: DENY, rules: [{}]}", trial),
      policyText("u", "{rules: [{to: [{operation: {methods: [put]}}]}]}", trial),
      policyText("a", "{action: AUDIT, rules: [{}]}"),
    ],
    "get",
    counted,
  );
  expect(gate.reads).toBe("headers");
  for (let i = 0; i < 3; i++) expect(gate.decide(none)).toBeUndefined();
  expect(counted.counters).toMatchObject({
    dryRunDenyDenied: 3,
    dryRunAllowDenied: 3,
    authzAudited: 3,
    authzDenied: 0,
  });
});

test("what reading a call throws is thrown on", () => {
  const header = () => {
    throw new Error("unreadable");
  };
  expect(() => gateOf([byUser], "get").decide({ header })).toThrow("unreadable");
});
