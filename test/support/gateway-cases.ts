import { compile } from "../../src/control/compile/compiler.ts";
import { CARRIED_PROTOCOLS } from "../../src/control/compile/endpoints.ts";
import type { AskedGateway, MadeUpRequest } from "../../src/control/explain/explanation.ts";
import { explainAtGateway } from "../../src/control/explain/gateway.ts";
import { createSnapshot } from "../../src/model/snapshot.ts";
import { entryOf } from "./rule-cases.ts";
import { gatewayText, rulesOf } from "./rules.ts";

const virtualService = (name: string, host: string, http: string, more = "gateways: [edge]") =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: ${name}}\nspec:\n  hosts: ["${host}"]\n  ${more}\n  http: ${http}\n`;

const TLS = "tls: {mode: SIMPLE, serverCertificate: c, privateKey: k}";

/** A Gateway with ports of every kind, and routes to a Dubbo service, an HTTP one and one that nobody serves. */
export const GATEWAY_RULES = [
  gatewayText(
    "edge",
    `[
      {port: {number: 8080, protocol: HTTP}, hosts: ["*.example.com"]},
      {port: {number: 8081, protocol: HTTP}, hosts: [moved.example.com], tls: {httpsRedirect: true}},
      {port: {number: 8443, protocol: HTTPS}, hosts: [api.example.com], ${TLS}},
      {port: {number: 8444, protocol: HTTPS}, hosts: [api.example.com], ${TLS}},
      {port: {number: 8444, protocol: TLS}, hosts: ["*.pass.org"], tls: {mode: PASSTHROUGH}}]`,
  ),
  virtualService(
    "api",
    "api.example.com",
    `[
      {match: [{uri: {exact: /who}, method: {exact: GET}}], rewrite: {uri: /whoAmI}, route: [{destination: {host: com.acme.Orders}}]},
      {match: [{uri: {prefix: /orders/}}], corsPolicy: {allowOrigins: [{exact: "https://a.example"}], unmatchedPreflights: IGNORE}, route: [{destination: {host: com.acme.Orders}}]},
      {match: [{uri: {prefix: /gone}}], directResponse: {status: 410, body: {string: gone}}},
      {match: [{uri: {prefix: /shop/}, queryParams: {v: {exact: "1"}}}], rewrite: {uri: /}, route: [{destination: {host: shop}}]},
      {match: [{uri: {prefix: /shop/}, headers: {x-a: {exact: b}}}], route: [{destination: {host: shop}}]},
      {match: [{uri: {prefix: /old}}], redirect: {uri: /new}},
      {match: [{uri: {prefix: /nobody}}], route: [{destination: {host: nobody}}]},
      {match: [{port: 1}], route: [{destination: {host: shop}}]}]`,
  ),
  virtualService("calls", "calls.example.com", "[{route: [{destination: {host: com.acme.Orders}}]}]"),
  virtualService("mesh", "api.example.com", "[{route: [{destination: {host: shop}}]}]", ""),
  virtualService("other", "api.example.com", "[{route: [{destination: {host: shop}}]}]", "gateways: [other/edge]"),
  virtualService("wide", "*.example.com", "[{route: [{destination: {host: shop}}]}]"),
  virtualService("away", "api.example.com", "[]", 'gateways: [edge]\n  exportTo: ["elsewhere"]'),
  `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: pass}
spec:
  hosts: [a.pass.org]
  gateways: [edge]
  tls: [{match: [{sniHosts: [a.pass.org]}], route: [{destination: {host: db, port: {number: 5432}}}]}]
`,
  `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db}
spec: {hosts: [db], resolution: STATIC, ports: [{number: 5432, name: tcp, protocol: TCP}], endpoints: [{address: 10.0.0.8}, {address: 10.0.0.9, weight: 3}]}
`,
];

/** The rules beside those of {@link GATEWAY_RULES}, compiled. */
export function gatewayCase(...more: readonly string[]) {
  const entries = [
    entryOf("com.acme.Orders", ["dubbo://10.0.0.1:20880"]),
    entryOf("shop", ["http://10.0.0.2:8080"]),
    entryOf("nobody", []),
  ];
  const snapshot = createSnapshot(entries, rulesOf(...GATEWAY_RULES, ...more), CARRIED_PROTOCOLS);
  const resources = compile(snapshot, { id: "w", dubbo: [], gatewayAddress: "10.0.0.5", isEmbedded: true });
  return { snapshot, resources };
}

/** A request for api.example.com in plain text, by GET. */
export function requestOf(target: string, more: Partial<MadeUpRequest> = {}): MadeUpRequest {
  const [path = "", query] = target.split("?");
  const base = { scheme: "http", authority: "api.example.com", verb: "GET", headers: {} } as const;
  return { ...base, path, query: query === undefined ? "" : `?${query}`, ...more };
}

/** What is explained of a request at port 8080 of the gateway, unless told otherwise. */
export function explainAt(
  target: string,
  more: Partial<MadeUpRequest> = {},
  asked: AskedGateway = { port: 8080 },
  rules: readonly string[] = [],
) {
  const { snapshot, resources } = gatewayCase(...rules);
  return explainAtGateway(resources, requestOf(target, more), asked, snapshot);
}
