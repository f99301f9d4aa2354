import { expect, test } from "vitest";
import { compile } from "../../../../src/control/compile/compiler.ts";
import { CARRIED_PROTOCOLS } from "../../../../src/control/compile/endpoints.ts";
import { explainRequest, hostOf, requestLookup } from "../../../../src/control/explain/requests.ts";
import { createSnapshot } from "../../../../src/model/snapshot.ts";
import { requestOf } from "../../../support/gateway-cases.ts";
import { policyText } from "../../../support/policies.ts";
import { entryOf } from "../../../support/rule-cases.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const rules = rulesOf(
  virtualServiceText(
    "shop",
    "[shop]",
    '[{match: [{uri: {prefix: /cart}, method: {exact: GET}, queryParams: {v: {exact: "1"}}}], rewrite: {uri: /c}, timeout: 1s, route: [{destination: {host: shop}}]}, {route: [{destination: {host: com.acme.A}}]}]',
  ),
  policyText("d", "{action: DENY, rules: [{to: [{operation: {paths: [/c/secret]}}]}]}"),
);
const entries = [entryOf("shop", ["http://10.0.0.1:80"]), entryOf("com.acme.A", ["dubbo://10.0.0.2:20880"])];
const snapshot = createSnapshot(entries, rules, CARRIED_PROTOCOLS);
const node = { id: "w", dubbo: [{ address: "10.0.0.5", port: 20880 }], http: [{ address: "10.0.0.5", port: 80 }] };
const resources = compile(snapshot, node);
const explain = (target: string, more = {}) =>
  explainRequest(resources, requestOf(target, { authority: "Shop:80", ...more }), snapshot);

test("a request in the mesh goes by its path, method, headers and query to the service that its Host names", () => {
  expect(explain("/cart/7?v=1")).toMatchObject({
    service: "shop",
    path: "GET /cart/7?v=1",
    listeners: ["http_10.0.0.5_80"],
    rule: "shop",
    routes: [{ verdict: "taken" }, { verdict: "not reached" }],
    destinations: [{ host: "shop", endpoints: [{ address: "10.0.0.1:80" }] }],
    policies: "timeout 1s; /cart of the path becomes /c",
    authorization: [{ decision: "allowed" }],
  });
  expect(explain("/cart/secret?v=1").authorization).toMatchObject([{ decision: "denied" }]);
  expect(explain("/cart//secret?v=1").authorization[0]?.why[0]).toContain("read in several ways");
});

test("what the destination does not speak is told", () => {
  const { routes, destinations } = explain("/cart", { verb: "PUT" });
  expect(routes[0]?.why).toEqual([':method is "PUT", asked is :method = GET', "parameter v is absent, asked is v = 1"]);
  expect(destinations[0]?.refusal).toBe("none of its providers speaks HTTP: the request is answered 503");
});

test("a Host that is no service is an error", () => {
  expect(() => explain("/", { authority: "other" })).toThrow('no service of the mesh has the host "other"');
});

test("a request's headers are looked up in any case; parameters as they are written, or decoded for policies", () => {
  const request = requestOf("/a?b=%41&c", { headers: { "X-A": "1", Host: "h" } });
  const lookup = requestLookup(request);
  const names = ["x-a", ":authority", ":method", ":scheme", ":path", "?b", "?c", "?d", "y"];
  expect(names.map(lookup)).toEqual(["1", "h", "GET", "http", "/a?b=%41&c", "%41", "", undefined, undefined]);
  expect(requestLookup(request, true)("?b")).toBe("A");
  expect(hostOf(requestOf("/"))).toBe("api.example.com");
});
