import { expect, test } from "vitest";
import { mtlsModeOf, mtlsModes, selects } from "../../../../../src/control/rules/kinds/peer-authentication.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import { rulesOf, shortFindings } from "../../../../support/rules.ts";

/** One PeerAuthentication; `spec` is flow YAML. */
const text = (name: string, namespace: string, spec: string, created?: string): string =>
  `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: ${name}, namespace: ${namespace}${created === undefined ? "" : `, creationTimestamp: "${created}"`}}\nspec: ${spec}\n`;

const ROOT = "istio-system";
const orders = { namespace: "shop", labels: { app: "orders", version: "1" } };

test("every field is read, UNSET as nothing said", () => {
  const [rule] = rulesOf(
    text(
      "a",
      "shop",
      '{selector: {matchLabels: {app: orders}}, mtls: {mode: UNSET}, portLevelMtls: {"8080": {mode: DISABLE}, "9090": {mode: UNSET}, "7070": {}}}',
    ),
  );
  expect(rule).toMatchObject({
    kind: "PeerAuthentication",
    name: "a",
    namespace: "shop",
    selector: { app: "orders" },
    mode: undefined,
    portModes: { 7070: undefined, 8080: "DISABLE", 9090: undefined },
  });
  expect(rulesOf(text("a", "shop", "{selector: {matchLabels: {}}, mtls: {mode: STRICT}}"))[0]).toMatchObject({
    selector: undefined,
    mode: "STRICT",
  });
});

test("an object without a spec says nothing", () => {
  const [rule] = rulesOf("apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\n");
  expect(rule).toMatchObject({ selector: undefined, mode: undefined, portModes: {} });
});

const WRONG: readonly (readonly [string, string])[] = [
  [
    "{mtls: {mode: strict}}",
    'TR0209 4:21 PeerAuthentication.spec.mtls.mode is "strict"; it must be one of UNSET, DISABLE, PERMISSIVE, STRICT',
  ],
  [
    '{portLevelMtls: {"80": {mode: STRICT}}}',
    "TR0213 4:8 PeerAuthentication.spec has portLevelMtls and no selector: ports are those of chosen workloads",
  ],
  [
    '{selector: {matchLabels: {a: b}}, portLevelMtls: {"0": {mode: STRICT}}}',
    'TR0209 4:57 key "0" of PeerAuthentication.spec.portLevelMtls is "0"; a port is a number from 1 to 65535',
  ],
  ["{targetRefs: []}", 'TR0206 4:8 unknown field "targetRefs" in PeerAuthentication.spec'],
];

test.each(WRONG)("%s is refused", (spec, finding) => {
  const { valid, findings } = parseRules("r.yaml", text("a", "shop", spec));
  expect(valid).toBe(false);
  expect(shortFindings(findings)[0]).toBe(finding);
});

const mesh = (spec: string) => text("mesh", ROOT, spec);
const space = (spec: string) => text("space", "shop", spec);
const own = (spec: string, created?: string) =>
  text("own", "shop", `{selector: {matchLabels: {app: orders}}, ${spec}}`, created);
const PRECEDENCE: readonly (readonly [string, readonly string[], number, string])[] = [
  ["nothing", [], 20_880, "PERMISSIVE"],
  ["the mesh's", [mesh("{mtls: {mode: STRICT}}")], 20_880, "STRICT"],
  [
    "the namespace's over the mesh's",
    [mesh("{mtls: {mode: STRICT}}"), space("{mtls: {mode: DISABLE}}")],
    20_880,
    "DISABLE",
  ],
  [
    "the mesh's where the namespace's is unset",
    [mesh("{mtls: {mode: STRICT}}"), space("{mtls: {mode: UNSET}}")],
    20_880,
    "STRICT",
  ],
  [
    "the workload's over the namespace's",
    [space("{mtls: {mode: STRICT}}"), own("mtls: {mode: PERMISSIVE}")],
    20_880,
    "PERMISSIVE",
  ],
  [
    "the namespace's where the workload's says none",
    [space("{mtls: {mode: STRICT}}"), own('portLevelMtls: {"80": {mode: DISABLE}}')],
    20_880,
    "STRICT",
  ],
  [
    "the port's over the workload's",
    [own('mtls: {mode: STRICT}, portLevelMtls: {"80": {mode: DISABLE}}')],
    80,
    "DISABLE",
  ],
  [
    "the workload's where the port's is unset",
    [own('mtls: {mode: STRICT}, portLevelMtls: {"80": {mode: UNSET}}')],
    80,
    "STRICT",
  ],
  ["another port's for none", [own('mtls: {mode: STRICT}, portLevelMtls: {"80": {mode: DISABLE}}')], 81, "STRICT"],
  [
    "the oldest of two",
    [own("mtls: {mode: DISABLE}", "2026-02-01T00:00:00Z"), own("mtls: {mode: STRICT}", "2026-01-01T00:00:00Z")],
    80,
    "STRICT",
  ],
  [
    "the oldest alone, also for ports",
    [
      own("mtls: {mode: STRICT}", "2026-01-01T00:00:00Z"),
      own('portLevelMtls: {"80": {mode: DISABLE}}', "2026-02-01T00:00:00Z"),
    ],
    80,
    "STRICT",
  ],
  ["another namespace's for none", [text("x", "other", "{mtls: {mode: STRICT}}")], 80, "PERMISSIVE"],
  [
    "a selector's of others for none",
    [text("x", "shop", "{selector: {matchLabels: {app: bills}}, mtls: {mode: STRICT}}")],
    80,
    "PERMISSIVE",
  ],
  [
    "a selector's in the root namespace for none",
    [text("x", ROOT, "{selector: {matchLabels: {app: orders}}, mtls: {mode: STRICT}}")],
    80,
    "PERMISSIVE",
  ],
];

test.each(PRECEDENCE)("of several, %s holds", (_, texts, port, mode) => {
  expect(mtlsModeOf(rulesOf(...texts), ROOT, orders, port)).toBe(mode);
});

test("a decision names its rule", () => {
  const modes = mtlsModes(rulesOf(mesh("{mtls: {mode: STRICT}}"), own('portLevelMtls: {"80": {mode: DISABLE}}')), ROOT);
  expect([modes(orders, 80).rule?.name, modes(orders, 81).rule?.name]).toEqual(["own", "mesh"]);
  expect(modes({ namespace: ROOT, labels: {} }, 80).mode).toBe("STRICT");
  expect(mtlsModes([], ROOT)(orders, 80).rule).toBeUndefined();
});

test("a selector asks for every label it names", () => {
  expect([
    selects({}, {}),
    selects({ a: "1" }, { a: "1", b: "2" }),
    selects({ a: "1" }, { a: "2" }),
    selects({ toString: "x" }, {}),
  ]).toEqual([true, true, false, false]);
});
