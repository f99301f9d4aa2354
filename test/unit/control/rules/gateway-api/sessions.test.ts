import { expect, test } from "vitest";
import { analyzeSessions, withAttachedRules } from "../../../../../src/control/rules/attached-rules.ts";
import { readSession, type WrittenSession } from "../../../../../src/control/rules/gateway-api/sessions.ts";
import { parseRules } from "../../../../../src/control/rules/parse.ts";
import type { DestinationRule } from "../../../../../src/model/rules/destination-rule.ts";
import { destinationRuleText, rulesOf } from "../../../../support/rules.ts";

const at = { position: { file: "r.yaml", line: 1, column: 1 }, fields: {} };

function read(session: Omit<WrittenSession, "at">) {
  const found: string[] = [];
  const hash = readSession({ at, ...session }, (code, _, message) => found.push(`${code} ${message}`));
  return { hash: JSON.parse(JSON.stringify(hash, (key, value) => (key === "at" ? undefined : value))), found };
}

test.each<[Omit<WrittenSession, "at">, object]>([
  [{}, { httpCookie: { name: "trestle-session", path: "/", ttlMs: 0 } }],
  [{ sessionName: "user", type: "Header" }, { httpHeaderName: "user" }],
  [
    { type: "Cookie", absoluteTimeoutMs: 5_000, cookieConfig: { at, lifetimeType: "Permanent" } },
    { httpCookie: { name: "trestle-session", path: "/", ttlMs: 5_000 } },
  ],
])("a session %j is a hash", (session, hash) => {
  expect(read(session)).toEqual({ hash, found: [] });
});

test("what a hash can't do is told", () => {
  expect(read({ idleTimeoutMs: 1, absoluteTimeoutMs: 1 }).found).toEqual([
    "TR0227 sessionPersistence.idleTimeout does nothing: a session is known by its name alone",
    "TR0227 sessionPersistence.absoluteTimeout does nothing: it is for cookies whose lifetimeType is Permanent",
  ]);
});

const route = (session = "{type: Header, sessionName: user}") =>
  `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r, namespace: shop}\nspec: {parentRefs: [{group: networking.istio.io, kind: ServiceEntry, name: com.acme.a}], rules: [{sessionPersistence: ${session}, backendRefs: [{group: networking.istio.io, kind: Hostname, name: b}, {group: networking.istio.io, kind: Hostname, name: c}]}]}\n`;

function bound(...texts: string[]) {
  const rules = rulesOf(route(), ...texts);
  const unkept: string[] = [];
  analyzeSessions(rules, (code, _, message) => unkept.push(`${code} ${message}`));
  const made = withAttachedRules(rules).filter((rule): rule is DestinationRule => rule.kind === "DestinationRule");
  const shown = made.map(({ name, host, trafficPolicy }) => [
    name,
    host,
    trafficPolicy?.loadBalancer?.consistentHash?.httpHeaderName,
    trafficPolicy?.connectionPool?.http?.http2MaxRequests,
  ]);
  return { shown, unkept };
}

test("backends of a rule with a session are chosen by its hash", () => {
  expect(bound()).toEqual({
    shown: [
      ["r", "b", "user", undefined],
      ["r", "c", "user", undefined],
    ],
    unkept: [],
  });
});

test("a DestinationRule of a backend that says nothing of balancing is given the hash", () => {
  const own = destinationRuleText("own", "b", "trafficPolicy: {connectionPool: {http: {http2MaxRequests: 7}}}");
  const { shown, unkept } = bound(own);
  expect(shown.sort()).toEqual([
    ["own", "b", "user", 7],
    ["r", "c", "user", undefined],
  ]);
  expect(unkept).toEqual([]);
});

test.each(["b", '"*"'])("one for %s that says how calls are spread holds, and that is told", (host) => {
  const { shown, unkept } = bound(destinationRuleText("own", host, "trafficPolicy: {loadBalancer: {simple: RANDOM}}"));
  expect(shown.find(([name]) => name === "own")?.[2]).toBeUndefined();
  expect(unkept[0]).toBe(
    "TR0247 sessionPersistence of r is not kept for b: DestinationRule own says how its calls are spread; say consistentHash there",
  );
});

test.each([
  ["{cookieConfig: {lifetimeType: Permanent}}", "TR0208"],
  ["{type: Header, cookieConfig: {lifetimeType: Session}}", "TR0213"],
  ['{sessionName: "a=b"}', "TR0209"],
])("a session %s is wrong", (session, code) => {
  const { findings, valid } = parseRules("r.yaml", route(session));
  expect([findings.map((one) => one.code), valid]).toEqual([[code], false]);
});
