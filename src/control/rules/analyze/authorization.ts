import type { Entry } from "../../../model/entry.ts";
import type { MeshSettings } from "../../../model/mesh.ts";
import type { Rule } from "../../../model/rule.ts";
import type { AuthorizationPolicy } from "../../../model/rules/authorization.ts";
import { printServiceKey } from "../../../model/service.ts";
import { isAuthorization } from "../../compile/authorization.ts";
import { namesService } from "../../compile/authorization-rule.ts";
import { isFilterKey, isOtherProtocol } from "../../compile/filter-metadata.ts";
import { chosenEndpoints, createPolicyIndex, type Scoped } from "../../compile/policy-scope.ts";
import type { Report } from "../findings.ts";
import { isHttpService } from "../http-service.ts";
import { quote } from "../schema.ts";
import { issuersOfGateways } from "./claims.ts";
import { choosesInbound, type InboundLabels } from "./peer-authentications.ts";

const VERBS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"]);

/** The mesh that policies are for. */
type PolicyMesh = MeshSettings & { readonly inboundLabels?: InboundLabels };
type ScopedRule = Extract<Rule, Scoped & { readonly kind: string }>;

/** Checks what policies are for and what they ask, for the services that are known; without `entries` only what they ask. */
export function analyzeAuthorization(
  rules: readonly Rule[],
  entries: readonly Entry[] | undefined,
  mesh: PolicyMesh,
  report: Report,
): void {
  const policies = rules.filter(isPolicy);
  if (policies.length === 0) return;
  const atGateways: ReadonlySet<Rule> = issuersOfGateways(rules, mesh);
  const written = rules.filter(({ kind }) => kind === "ServiceEntry");
  for (const policy of policies) {
    const index = createPolicyIndex([policy], written, mesh);
    const services = entries?.filter((entry) => index.find(entry).length > 0);
    if (services !== undefined && (services.length > 0 || !atGateways.has(policy)))
      reportScope(policy, services, mesh, report);
    if (isAuthorization(policy)) reportConditions(policy, services ?? [], report);
  }
  reportServers(policies.filter(isAuthorization), rules, entries, mesh, report);
}

/** CUSTOM policies whose server cannot be asked, and services that several servers would have to be asked for. */
function reportServers(
  policies: readonly AuthorizationPolicy[],
  rules: readonly Rule[],
  entries: readonly Entry[] | undefined,
  mesh: MeshSettings,
  report: Report,
): void {
  const custom = policies.filter(({ action }) => action === "CUSTOM");
  for (const { name, provider, at } of custom) {
    const why = whyUnasked(provider ?? "", entries, mesh);
    if (why !== undefined) report("TR0274", at.fields.provider ?? at.fields.action ?? at.position, `${name} ${why}`);
  }
  const enforced = custom.filter(({ dryRun }) => !dryRun);
  if (new Set(enforced.map(({ provider }) => provider)).size < 2) return;
  const index = createPolicyIndex(enforced, rules, mesh);
  const told = new Set<AuthorizationPolicy>();
  for (const entry of entries ?? []) {
    const found = index.find(entry);
    const other = found.find(({ provider }) => provider !== found[0]!.provider);
    if (other === undefined || told.has(other)) continue;
    told.add(other);
    const message = `${other.name} asks provider ${quote(other.provider ?? "")} and ${found[0]!.name} asks ${quote(found[0]!.provider ?? "")} for calls of ${printServiceKey(entry.service)}: one server alone can be asked for a service, and calls that either matches are denied`;
    report("TR0274", other.at.fields.provider ?? other.at.position, message);
  }
}

function whyUnasked(
  name: string,
  entries: readonly Entry[] | undefined,
  { extensionProviders }: MeshSettings,
): string | undefined {
  if (extensionProviders === undefined) return undefined;
  const provider = extensionProviders.find((one) => one.name === name);
  if (provider === undefined)
    return `asks provider ${quote(name)}, which mesh.extensionProviders does not name: calls that it matches are denied`;
  if (entries === undefined) return undefined;
  const { service, failOpen } = provider;
  const entry = entries.find(({ host }) => host === service);
  const what = `asks provider ${quote(name)}, whose service ${quote(service)}`;
  const then = failOpen ? "calls pass unasked, since it fails open" : "calls that it matches are refused";
  if (entry === undefined) return `${what} is not known: ${then}`;
  return entry.endpoints.some(({ protocol }) => protocol === "tri")
    ? undefined
    : `${what} has nobody who speaks gRPC: ${then}`;
}

function isPolicy(rule: Rule): rule is ScopedRule {
  return isAuthorization(rule) || rule.kind === "RequestAuthentication" || rule.kind === "SerializationGuard";
}

function reportScope(policy: ScopedRule, services: readonly Entry[], mesh: PolicyMesh, report: Report): void {
  const { position } = policy.at;
  if (services.length === 0) {
    const isHere = [mesh.namespace, mesh.rootNamespace].includes(policy.namespace);
    if (isHere && policy.selector !== undefined && choosesInbound(policy.selector, mesh)) return;
    const where = policy.namespace === mesh.rootNamespace ? "" : ` of namespace ${policy.namespace}`;
    report("TR0270", position, `${policy.kind} ${policy.name} holds for no service${where} that is known`);
    return;
  }
  const { selector } = policy;
  if (selector === undefined) return;
  for (const entry of services) {
    if (chosenEndpoints(selector, entry) !== "some") continue;
    const key = printServiceKey(entry.service);
    const message = `selector of ${policy.name} chooses some providers of ${key} alone: where callers' proxies decide, it holds for all its calls, since no provider is picked yet`;
    report("TR0271", policy.at.fields.selector ?? position, message);
  }
}

function reportConditions(policy: AuthorizationPolicy, services: readonly Entry[], report: Report): void {
  const isDubbo = services.some((entry) => !isHttpService(entry));
  for (const rule of policy.rules) {
    for (const { operation } of rule.to ?? []) {
      for (const host of operation?.hosts ?? []) {
        // HTTP services are called by whatever Host the caller writes.
        if (services.length === 0 || services.some((entry) => isHttpService(entry) || namesService(host, entry)))
          continue;
        const message = `host ${quote(host)} of ${policy.name} is none of the services that the policy is for, by host or interface`;
        report("TR0273", operation!.at.fields.hosts ?? operation!.at.position, message);
      }
      for (const method of [...(operation?.methods ?? []), ...(operation?.notMethods ?? [])]) {
        if (!VERBS.has(method) || !isDubbo) continue;
        const position = operation!.at.fields.methods ?? operation!.at.fields.notMethods ?? operation!.at.position;
        report(
          "TR0273",
          position,
          `method ${method} of ${policy.name} is a verb of HTTP: of a Dubbo service methods are Java's, and none has that name`,
        );
      }
    }
    for (const { key, at } of rule.when ?? [])
      if (isFilterKey(key))
        report("TR0284", at.fields.key ?? at.position, `${key} of ${policy.name} ${whatFollows(key, policy)}`);
    for (const { source } of rule.from ?? []) {
      if (source?.remoteIpBlocks === undefined && source?.notRemoteIpBlocks === undefined) continue;
      const { fields, position } = source.at;
      const message = `remoteIpBlocks of ${policy.name} are compared with the connection's address: no header that names another is believed`;
      report("TR0276", fields.remoteIpBlocks ?? fields.notRemoteIpBlocks ?? position, message);
    }
  }
}

function whatFollows(key: string, { action }: AuthorizationPolicy): string {
  if (isOtherProtocol(key))
    return "is said of a protocol that is neither Dubbo nor HTTP: for these calls none of its values is ever met, and notValues always are";
  const where = "is said by a filter of an Envoy, and no such filter is here";
  return action === "ALLOW"
    ? `${where}: the rule matches no call`
    : `${where}: the rule matches whatever else it says, whether the condition would hold or not`;
}
