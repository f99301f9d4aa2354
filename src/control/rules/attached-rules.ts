import type { Rule, VirtualService } from "../../model/rule.ts";
import type { GatewayRoute } from "../../model/rules/gateway-route.ts";
import type { MetaRouter } from "../../model/rules/meta-router.ts";
import { bindGatewayRoutes } from "./gateway-api/attach.ts";
import { oldestFirst } from "./rule-set.ts";

const known = new WeakMap<readonly Rule[], readonly Rule[]>();

/** The rules with VirtualServices in place of what other APIs have for them: GRPCRoute, HTTPRoute, MetaRouter. Oldest first; the same list gives the same list. */
export function withAttachedRules(rules: readonly Rule[]): readonly Rule[] {
  const before = known.get(rules);
  if (before !== undefined) return before;
  const result = rules.some(isAttached) ? attach(rules) : rules;
  known.set(rules, result);
  return result;
}

function isAttached(rule: Rule): rule is GatewayRoute | MetaRouter {
  return rule.kind === "GRPCRoute" || rule.kind === "HTTPRoute" || rule.kind === "MetaRouter";
}

function attach(rules: readonly Rule[]): readonly Rule[] {
  const attached = rules.filter(isAttached);
  const routes = attached.filter((rule): rule is GatewayRoute => rule.kind !== "MetaRouter");
  const routers = attached.filter((rule): rule is MetaRouter => rule.kind === "MetaRouter");
  return oldestFirst([
    ...rules.filter((rule) => !isAttached(rule)),
    ...bindGatewayRoutes(routes, rules),
    ...routers.map(toVirtualService),
  ]);
}

function toVirtualService(router: MetaRouter): VirtualService {
  return { ...router, kind: "VirtualService", inMesh: true, gateways: [], attached: [router] };
}
