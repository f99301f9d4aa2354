import { expect, test } from "vitest";
import { closedPoliciesIn, closedPolicy } from "../../../../src/control/rules/closed-policies.ts";

const position = { file: "a.yaml", line: 3, column: 1 };
const named = { name: "orders", namespace: "shop", position };
const said = (text: string) => closedPoliciesIn(text, position).map(({ kind, namespace }) => `${kind} ${namespace}`);

test.each(["AuthorizationPolicy", "DubboAuthorizationPolicy"] as const)(
  "in place of a %s all calls are denied",
  (kind) => {
    expect(closedPolicy({ kind, ...named })).toMatchObject({
      ...{ kind, name: "orders", namespace: "shop", action: "DENY", dryRun: false, selector: undefined, targets: [] },
      rules: [{ at: { position } }],
    });
  },
);

test("in place of a PeerAuthentication plain text is, and other kinds keep nobody out", () => {
  const strict = { mode: "STRICT", portModes: {}, selector: undefined };
  expect(closedPolicy({ kind: "PeerAuthentication", ...named })).toMatchObject(strict);
  expect(closedPolicy({ kind: "RequestAuthentication", ...named })).toBeUndefined();
  expect(closedPolicy({ kind: "SerializationGuard", ...named })).toBeUndefined();
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
});
