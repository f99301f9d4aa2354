import { expect, test } from "vitest";
import { plainKeySet } from "../../../../src/codecs/key-set.ts";
import { closedPoliciesIn, closedPolicy } from "../../../../src/control/rules/closed-policies.ts";
import { parseRules } from "../../../../src/control/rules/parse.ts";
import type { PolicyRule } from "../../../../src/model/rule.ts";

const position = { file: "a.yaml", line: 3, column: 1 };
const named = { name: "orders", namespace: "shop", position };
const said = (text: string) => {
  const { closed, isUnknown } = closedPoliciesIn(text, position);
  return [...closed.map(({ kind, namespace }) => `${kind} ${namespace}`), ...(isUnknown ? ["unknown"] : [])];
};

/** What stands in for one object of a file. */
const closedOf = (apiVersion: string, kind: PolicyRule["kind"], spec: string, annotations = ""): PolicyRule => {
  const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: orders, namespace: shop${annotations}}\nspec: ${spec}`;
  const { standIns, valid, isUnknown } = parseRules("a.yaml", text);
  expect([valid, standIns?.closed.length, isUnknown]).toEqual([false, 1, undefined]);
  return standIns!.closed[0]!;
};
const SECURITY = "security.istio.io/v1";
const OWN = "trestle.io/v1alpha1";

test.each(["AuthorizationPolicy", "DubboAuthorizationPolicy"] as const)(
  "in place of a %s all calls are denied",
  (kind) => {
    expect(closedPolicy({ kind, ...named })).toMatchObject({
      ...{ kind, name: "orders", namespace: "shop", action: "DENY", dryRun: false, selector: undefined, targets: [] },
      rules: [{ at: { position } }],
    });
  },
);

test("in place of a PeerAuthentication plain text is", () => {
  const strict = { mode: "STRICT", portModes: {}, selector: undefined };
  expect(closedPolicy({ kind: "PeerAuthentication", ...named })).toMatchObject(strict);
});

test.each([
  { name: "a selector that is right", spec: "{selector: {matchLabels: {app: a}}, action: NO}", chosen: { app: "a" } },
  { name: "a selector that is wrong", spec: "{selector: {matchLabels: [a]}}", chosen: undefined },
  { name: "a selector that may be misspelt", spec: "{selectors: {matchLabels: {app: a}}}", chosen: undefined },
  {
    name: "both selector and targetRef",
    spec: "{selector: {}, targetRef: {kind: Service, name: a}}",
    chosen: undefined,
  },
  { name: "a spec that is none", spec: "nothing", chosen: undefined },
])("of a policy with $name is closed what that chooses, if it is known", ({ spec, chosen }) => {
  const closed = closedOf(SECURITY, "AuthorizationPolicy", spec);
  expect(closed).toMatchObject({ action: "DENY", selector: chosen, targets: [] });
});

test("a targetRef that is right counts too", () => {
  const spec = "{targetRef: {kind: Service, name: a}, action: NO}";
  expect(closedOf(SECURITY, "AuthorizationPolicy", spec)).toMatchObject({ targets: [{ kind: "Service", name: "a" }] });
});

test("in place of a RequestAuthentication no token is good, where tokens stand and where the text says", () => {
  const spec = `{jwtRules: [{issuer: a}, {issuer: "https://b", jwksUri: 5, fromHeaders: [{name: x, prefix: "J "}, {prefix: y}], fromParams: [t],
    outputPayloadToHeader: x-who, outputClaimToHeaders: [{header: x-sub, claim: sub}, {header: x}]}]}`;
  const closed = closedOf(SECURITY, "RequestAuthentication", spec);
  const jwks = plainKeySet("");
  expect(closed).toMatchObject({
    selector: undefined,
    jwtRules: [
      { issuer: "nobody", jwks },
      {
        ...{ issuer: "nobody", jwks, fromHeaders: [{ name: "x", prefix: "J " }], fromParams: ["t"] },
        ...{ outputPayloadToHeader: "x-who", outputClaimToHeaders: [{ header: "x-sub", claim: "sub" }] },
      },
    ],
  });
  expect(closedPolicy({ kind: "RequestAuthentication", ...named })).toMatchObject({ jwtRules: [{ issuer: "nobody" }] });
});

test("in place of a SerializationGuard the default classes are denied, and all that its text says of what it chooses", () => {
  const lists = `denyClasses: [com.acme.Bad, "?"], allowClasses: [com.acme.*], maxDepth: 9`;
  const guard = (spec: string, annotations?: string) => closedOf(OWN, "SerializationGuard", spec, annotations);
  expect(guard(`{selector: {matchLabels: {app: a}}, defaults: false, ${lists}}`)).toMatchObject({
    ...{ selector: { app: "a" }, defaults: false, denyClasses: ["com.acme.Bad"], allowClasses: ["com.acme.*"] },
    ...{ maxDepth: 9, maxBodyBytes: undefined, dryRun: false },
  });
  // Whom it is for is not known: what it allows some services is not what all others may be held to.
  expect(guard(`{selector: 5, defaults: false, ${lists}}`, `, annotations: {istio.io/dry-run: "true"}`)).toMatchObject({
    ...{ selector: undefined, defaults: true, denyClasses: ["com.acme.Bad"], allowClasses: [] },
    ...{ maxDepth: undefined, dryRun: true },
  });
  expect(closedPolicy({ kind: "SerializationGuard", ...named })).toMatchObject({ defaults: true, denyClasses: [] });
});

test("a text that is no YAML closes each namespace that a document with a policy names", () => {
  const text = `kind: VirtualService
metadata: {namespace: quiet}
---
kind: "AuthorizationPolicy"
metadata: {name: a, namespace: 'shop'}
spec: {rules: [{from: [{source: {namespaces: [web]}}]}]
---
metadata:
  namespace: bank
kind: PeerAuthentication
`;
  expect(said(text)).toEqual(["AuthorizationPolicy shop", "PeerAuthentication bank"]);
  expect(said(`{"kind": "DubboAuthorizationPolicy"`)).toEqual(["DubboAuthorizationPolicy default"]);
  expect(said("kind: VirtualService\nnamespace: a")).toEqual([]);
  expect(said("kind: AuthorizationPolicy\nkind: AuthorizationPolicy")).toEqual(["AuthorizationPolicy default"]);
  expect(said("? kind\n: &k RequestAuthentication\n---\nkind: !!str SerializationGuard\nnamespace: a")).toEqual([
    "RequestAuthentication default",
    "SerializationGuard a",
  ]);
});

test.each([
  ["kind: ["],
  ["apiVersion: security.istio.io/v1\nki"],
  ["\u0000\u0001"],
  ["kind: &a"],
  ['kind: "Authorization\\x50olicy"'],
])("what a text is that does not say its kind is not known: %j", (text) => {
  expect(said(text)).toEqual(["unknown"]);
});

test("nor is where a policy is for whose namespace can't be read; comments and blank lines are nothing", () => {
  expect(said("kind: AuthorizationPolicy\nmetadata: {namespace: &n shop")).toEqual([
    "AuthorizationPolicy default",
    "unknown",
  ]);
  expect(said("# AuthorizationPolicy\n\n---\n  # kind: [\n---\n")).toEqual([]);
});
