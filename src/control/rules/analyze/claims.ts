import type { MeshSettings } from "../../../model/mesh.ts";
import type { Rule, VirtualService } from "../../../model/rule.ts";
import type { RequestAuthentication } from "../../../model/rules/request-authentication.ts";
import { printServiceKey } from "../../../model/service.ts";
import { gatewayIssuers } from "../../compile/gateway-issuers.ts";
import { createPolicyIndex } from "../../compile/policy-scope.ts";
import type { Bindings } from "../bindings.ts";
import { claimPath, tokenNames } from "../claims.ts";
import type { Report } from "../findings.ts";
import { isBoundTo } from "../gateway-binding.ts";
import { quote } from "../schema.ts";

const FORMS = "a claim is @request.auth.claims.NAME, or @request.auth.claims[NAME][INNER]";

/** Reports conditions of routes on a token's claims where they are written otherwise, or where nobody says whose tokens are good. */
export function analyzeClaims(bindings: Bindings, rules: readonly Rule[], mesh: MeshSettings, report: Report): void {
  for (const rule of bindings.virtualServices) {
    for (const route of rule.http) {
      for (const match of route.match ?? []) {
        const names = tokenNames(match);
        if (names.length === 0) continue;
        const wrong = names.find((name) => claimPath(name) === undefined);
        const why = wrong === undefined ? whyNobody(rule, bindings, rules, mesh) : `${FORMS}, and no token has another`;
        if (why === undefined) continue;
        const { headers, withoutHeaders } = match.at.fields;
        const place = headers ?? withoutHeaders ?? match.at.position;
        report("TR0277", place, `${rule.name} matches ${quote(wrong ?? names[0]!)}: ${why}`);
      }
    }
  }
}

function whyNobody(
  rule: VirtualService,
  bindings: Bindings,
  rules: readonly Rule[],
  mesh: MeshSettings,
): string | undefined {
  const issuers = issuersIn(rules);
  const then = "so that no call has a claim there";
  if (issuers.length === 0) return `no RequestAuthentication says whose tokens are good, ${then}`;
  const index = createPolicyIndex(issuers, rules, mesh);
  const service = bindings.servicesOf(rule).find((entry) => index.find(entry).length === 0);
  if (service !== undefined)
    return `no RequestAuthentication holds for ${printServiceKey(service.service)}, the service that is called, ${then}`;
  const gateway = bindings.gateways.find(
    (one) => isBoundTo(rule, one) && gatewayIssuers(rules, [one], { labels: {}, mesh }).length === 0,
  );
  return gateway === undefined
    ? undefined
    : `no RequestAuthentication holds for Gateway ${gateway.namespace}/${gateway.name}, ${then}`;
}

function issuersIn(rules: readonly Rule[]): readonly RequestAuthentication[] {
  return rules.filter((rule) => rule.kind === "RequestAuthentication").filter(({ jwtRules }) => jwtRules.length > 0);
}

/** RequestAuthentications by which routes of gateways go. */
export function issuersOfGateways(rules: readonly Rule[], mesh: MeshSettings): ReadonlySet<RequestAuthentication> {
  const byClaims = rules
    .filter((rule) => rule.kind === "VirtualService")
    .filter(({ http }) => http.some(({ match = [] }) => match.some((one) => tokenNames(one).length > 0)));
  const gateways = rules
    .filter((rule) => rule.kind === "Gateway")
    .filter((gateway) => byClaims.some((rule) => isBoundTo(rule, gateway)));
  return new Set(gatewayIssuers(rules, gateways, { labels: {}, mesh }));
}
