import { expect, test } from "vitest";
import { analyzePeerAuthentications } from "../../../../../src/control/rules/analyze/peer-authentications.ts";
import { createFindingList } from "../../../../../src/control/rules/findings.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { rulesOf, shortFindings } from "../../../../support/rules.ts";

const text = (name: string, namespace: string, spec: string): string =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: ${spec}\n`;
const scope = { namespace: "default", rootNamespace: "istio-system" };
const entries = [entryOf("com.acme.OrderService", ["dubbo://10.0.0.1:20880?app=orders"])];

function findingsOf(known: typeof entries | undefined, ...texts: string[]): string[] {
  const found = createFindingList();
  analyzePeerAuthentications(rulesOf(...texts), known, scope, found.report);
  return shortFindings(found.list());
}

test("of two for the same workloads the second is told", () => {
  expect(
    findingsOf(
      undefined,
      text("a", "shop", "{selector: {matchLabels: {x: y, z: w}}}"),
      text("b", "shop", "{selector: {matchLabels: {z: w, x: y}}}"),
      text("c", "shop", "{}"),
      text("d", "other", "{}"),
    ),
  ).toEqual(["TR0280 6:1 b is passed over: a at r.yaml:1:1 is older and for the same"]);
});

test("a selector that chooses nothing is told", () => {
  expect(
    findingsOf(
      entries,
      text("a", "default", "{selector: {matchLabels: {app: orders}}}"),
      text("b", "default", "{selector: {matchLabels: {app: bills}}}"),
      text("c", "shop", "{selector: {matchLabels: {app: orders}}}"),
      text("d", "istio-system", "{selector: {matchLabels: {app: orders}}}"),
    ),
  ).toEqual([
    "TR0281 9:8 no endpoint that is known in namespace default has these labels",
    "TR0281 14:8 no endpoint that is known in namespace shop has these labels",
    "TR0281 19:8 selector chooses nothing in the root namespace istio-system: it holds in others alone",
  ]);
});

test("a selector may choose what an inbound listener stands in front of", () => {
  const found = createFindingList();
  const rules = rulesOf(
    text("a", "default", "{selector: {matchLabels: {app: cart}}}"),
    text("b", "shop", "{selector: {matchLabels: {app: cart}}}"),
  );
  analyzePeerAuthentications(rules, entries, { ...scope, inboundLabels: [{ app: "cart", x: "y" }] }, found.report);
  expect(shortFindings(found.list())).toEqual([
    "TR0281 9:8 no endpoint that is known in namespace shop has these labels",
  ]);
});

test("STRICT is told to hold at inbound listeners alone", () => {
  expect(
    findingsOf(
      undefined,
      text("a", "default", "{mtls: {mode: STRICT}}"),
      text("b", "default", '{selector: {matchLabels: {a: b}}, portLevelMtls: {"80": {mode: STRICT}}}'),
      text("c", "other", "{mtls: {mode: PERMISSIVE}}"),
    ).map((finding) => finding.slice(0, 11)),
  ).toEqual(["TR0282 4:8 ", "TR0282 9:41"]);
});
