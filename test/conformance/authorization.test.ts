import { describe, expect, test } from "vitest";
import { silentLogger } from "../../src/base/log.ts";
import { AuthzStats } from "../../src/bridge-proxy/authz/audit.ts";
import { HostAuthz } from "../../src/bridge-proxy/authz/gate.ts";
import { peerFrom } from "../../src/bridge-proxy/authz/peer.ts";
import { configsOf, policyText } from "../support/policies.ts";

// Order and meaning of AuthorizationPolicy as Istio documents them: one row is a set of policies and what becomes of calls.
interface Call {
  readonly method: string;
  readonly from?: string;
  /** `namespace/account` of the caller's certificate; none where it is left out. */
  readonly as?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function isAllowed(policies: readonly string[], { method, from = "10.1.0.1", as, headers = {} }: Call): boolean {
  const [namespace, serviceAccount] = as?.split("/") ?? [];
  const identity =
    as === undefined
      ? undefined
      : { trustDomain: "cluster.local", namespace: namespace!, serviceAccount: serviceAccount! };
  const configs = configsOf(policies);
  if (configs === undefined) return true;
  const gate = new HostAuthz(configs, new AuthzStats(silentLogger, () => 0)).gate(
    peerFrom(from, identity),
    `/com.acme.Orders/${method}`,
  );
  return gate.decide({ header: (name) => headers[name] }) === undefined;
}

const to = (methods: string) => `to: [{operation: {methods: [${methods}]}}]`;
const rows: { name: string; policies: string[]; yes?: Call[]; no?: Call[] }[] = [
  { name: "no policy allows all", policies: [], yes: [{ method: "get" }] },
  {
    name: "ALLOW without rules denies all",
    policies: [policyText("a", "{}")],
    no: [{ method: "get" }, { method: "get", as: "a/b" }],
  },
  { name: "an empty rule allows all", policies: [policyText("a", "{rules: [{}]}")], yes: [{ method: "get" }] },
  { name: "DENY without rules denies none", policies: [policyText("a", "{action: DENY}")], yes: [{ method: "get" }] },
  {
    name: "DENY with an empty rule denies all",
    policies: [policyText("a", "{action: DENY, rules: [{}]}")],
    no: [{ method: "get" }],
  },
  {
    name: "DENY comes before ALLOW",
    policies: [policyText("a", "{rules: [{}]}"), policyText("d", `{action: DENY, rules: [{${to("drop")}}]}`)],
    yes: [{ method: "get" }],
    no: [{ method: "drop" }],
  },
  {
    name: "one ALLOW of several is enough, and none is none",
    policies: [policyText("a", `{rules: [{${to("get")}}]}`), policyText("b", `{rules: [{${to("put")}}]}`)],
    yes: [{ method: "get" }, { method: "put" }],
    no: [{ method: "drop" }],
  },
  {
    name: "AUDIT denies none and allows none",
    policies: [policyText("u", "{action: AUDIT, rules: [{}]}"), policyText("a", `{rules: [{${to("get")}}]}`)],
    yes: [{ method: "get" }],
    no: [{ method: "put" }],
  },
  {
    name: "CUSTOM denies what it matches where no server can be asked",
    policies: [policyText("c", `{action: CUSTOM, provider: {name: opa}, rules: [{${to("put")}}]}`)],
    yes: [{ method: "get" }],
    no: [{ method: "put" }],
  },
  {
    name: "principals are of callers with a certificate alone",
    policies: [policyText("a", "{rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]}]}")],
    yes: [{ method: "get", as: "shop/web" }],
    no: [
      { method: "get" },
      { method: "get", as: "shop/other" },
      { method: "get", headers: { "x-principal": "cluster.local/ns/shop/sa/web" } },
    ],
  },
  {
    name: "notPrincipals meet callers without one",
    policies: [policyText("d", '{action: DENY, rules: [{from: [{source: {notPrincipals: ["*"]}}]}]}')],
    yes: [{ method: "get", as: "shop/web" }],
    no: [{ method: "get" }],
  },
  {
    name: "namespaces",
    policies: [policyText("a", "{rules: [{from: [{source: {namespaces: [shop]}}]}]}")],
    yes: [{ method: "get", as: "shop/web" }],
    no: [{ method: "get", as: "web/shop" }, { method: "get" }],
  },
  {
    name: "addresses, and one among them that is not meant",
    policies: [policyText("a", "{rules: [{from: [{source: {ipBlocks: [10.1.0.0/16], notIpBlocks: [10.1.0.9]}}]}]}")],
    yes: [{ method: "get" }],
    no: [
      { method: "get", from: "10.1.0.9" },
      { method: "get", from: "10.2.0.1" },
      { method: "get", from: "" },
    ],
  },
  {
    name: "conditions on attachments, which may be missing",
    policies: [
      policyText(
        "a",
        "{rules: [{when: [{key: 'request.headers[user]', values: [ann, 'b*'], notValues: [bad]}, {key: 'request.headers[blocked]', notValues: ['true']}]}]}",
      ),
    ],
    yes: [
      { method: "get", headers: { user: "ann" } },
      { method: "get", headers: { user: "bob", blocked: "false" } },
    ],
    no: [
      { method: "get" },
      { method: "get", headers: { user: "bad" } },
      { method: "get", headers: { user: "ann", blocked: "true" } },
      { method: "get", headers: { user: "Ann" } },
    ],
  },
  {
    name: "from, to and when of a rule must all hold",
    policies: [
      policyText(
        "a",
        `{rules: [{from: [{source: {namespaces: [shop]}}], ${to("get")}, when: [{key: 'request.headers[user]', values: [ann]}]}]}`,
      ),
    ],
    yes: [{ method: "get", as: "shop/web", headers: { user: "ann" } }],
    no: [
      { method: "get", as: "shop/web" },
      { method: "put", as: "shop/web", headers: { user: "ann" } },
      { method: "get", headers: { user: "ann" } },
    ],
  },
  {
    name: "a token's claims are nobody's without a token",
    policies: [policyText("a", '{rules: [{from: [{source: {requestPrincipals: ["*"]}}]}]}')],
    no: [{ method: "get" }, { method: "get", headers: { authorization: "Bearer x" } }],
  },
];

describe.each(rows)("$name", ({ policies, yes = [], no = [] }) => {
  test.each(yes)("%j is allowed", (call) => expect(isAllowed(policies, call)).toBe(true));
  test.each(no)("%j is denied", (call) => expect(isAllowed(policies, call)).toBe(false));
});
