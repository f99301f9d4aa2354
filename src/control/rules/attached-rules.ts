import type { Rule, VirtualService } from "../../model/rule.ts";
import type { GatewayRoute } from "../../model/rules/gateway-route.ts";
import { limitsCalls, type MetaRouter } from "../../model/rules/meta-router.ts";
import type { Report } from "./findings.ts";
import { bindGatewayRoutes } from "./gateway-api/attach.ts";
import { type BoundSessions, bindSessions } from "./gateway-api/sessions.ts";
import { oldestFirst } from "./rule-set.ts";

const known = new WeakMap<readonly Rule[], readonly Rule[]>();

/**
 * The rules with VirtualServices in place of what other APIs have for them: GRPCRoute, HTTPRoute, MetaRouter. A MetaRouter that limits calls
 * stays as well: its limits hold whoever routes them. Oldest first; the same list gives the same list.
 */
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
  const bound = bindGatewayRoutes(routes, rules);
  const { destinationRules } = sessionsOf(bound, rules);
  return oldestFirst([
    ...rules.filter(
      (rule) =>
        rule.kind !== "DestinationRule" && (!isAttached(rule) || (rule.kind === "MetaRouter" && limitsCalls(rule))),
    ),
    ...destinationRules,
    ...bound,
    // One without routes leaves them to others.
    ...routers.filter(({ http }) => http.length > 0).map(toVirtualService),
  ]);
}

function sessionsOf(routes: readonly VirtualService[], rules: readonly Rule[]): BoundSessions {
  return bindSessions(
    routes,
    rules.filter((rule) => rule.kind === "DestinationRule"),
  );
}

/** Names ports of parents that are not there, and sessions that are not kept, since a DestinationRule says how their backends are chosen. */
export function analyzeSessions(rules: readonly Rule[], report: Report): void {
  const routes = rules.filter((rule): rule is GatewayRoute => isAttached(rule) && rule.kind !== "MetaRouter");
  for (const { position, message } of sessionsOf(bindGatewayRoutes(routes, rules, report), rules).unkept)
    report("TR0247", position, message);
}

function toVirtualService(router: MetaRouter): VirtualService {
  const { at, name, namespace, createdAtMs, hosts, gateways, http } = router;
  return {
    ...{ at, name, namespace, createdAtMs, hosts, http },
    kind: "VirtualService",
    inMesh: gateways.length === 0 || gateways.includes("mesh"),
    gateways: gateways.filter((gateway) => gateway !== "mesh"),
    attached: [router],
  };
}
