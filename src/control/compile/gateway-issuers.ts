import { type AuthzConfigs, JWT_FILTER } from "../../codecs/xds/authz.ts";
import type { Gateway, Rule } from "../../model/rule.ts";
import type { RequestAuthentication } from "../../model/rules/request-authentication.ts";
import { type RuleClient, selectsLabels } from "../rules/client.ts";
import { compileTokens } from "./authorization.ts";

/** What is asked of the proxy. */
export type IssuerClient = Pick<RuleClient, "labels" | "mesh">;

/** The issuers by whose tokens the routes of a gateway's port go, as a virtual host's config; undefined where there are none. */
export function gatewayTokens(
  rules: readonly Rule[],
  gateways: readonly Gateway[],
  client: IssuerClient,
): Pick<AuthzConfigs, typeof JWT_FILTER> | undefined {
  const issuers = gatewayIssuers(rules, gateways, client);
  return issuers.length === 0 ? undefined : { [JWT_FILTER]: compileTokens(issuers) };
}

/**
 * The RequestAuthentications that hold for a proxy that serves these Gateways, as Istio has it: those of the root namespace and of a Gateway's own
 * that select no workload, or such as the Gateway selects too, or one with the proxy's labels.
 */
export function gatewayIssuers(
  rules: readonly Rule[],
  gateways: readonly Gateway[],
  { labels, mesh }: IssuerClient,
): readonly RequestAuthentication[] {
  return rules.filter((rule): rule is RequestAuthentication => {
    if (rule.kind !== "RequestAuthentication" || rule.jwtRules.length === 0 || rule.targets.length > 0) return false;
    const near = gateways.filter(({ namespace }) => [namespace, mesh.rootNamespace].includes(rule.namespace));
    const { selector } = rule;
    if (selector === undefined) return near.length > 0;
    return near.some((gateway) => [gateway.selector ?? {}, labels].some((one) => selectsLabels(selector, one)));
  });
}
