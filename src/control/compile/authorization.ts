import {
  ALLOW_FILTER,
  AUDIT_FILTER,
  type AuthzConfigs,
  CUSTOM_FILTER,
  CUSTOM_TRIAL_FILTER,
  DENY_FILTER,
  EXT_AUTHZ_FILTER,
  EXT_AUTHZ_TRIAL_FILTER,
  type ExtAuthz,
  type HttpRbac,
  JWT_FILTER,
  type JwtAuthentication,
  type JwtProvider,
  type RbacPerRoute,
  type RbacPolicy,
  type RbacRules,
} from "../../codecs/xds/authz.ts";
import { SERIALIZATION_FILTER } from "../../codecs/xds/serialization-guard.ts";
import type { Entry } from "../../model/entry.ts";
import type { ExtensionProvider, MeshSettings } from "../../model/mesh.ts";
import type { Rule } from "../../model/rule.ts";
import type { AuthorizationAction, AuthorizationPolicy } from "../../model/rules/authorization.ts";
import type { JwtRule, RequestAuthentication } from "../../model/rules/request-authentication.ts";
import type { SerializationGuard } from "../../model/rules/serialization-guard.ts";
import { printDuration } from "../rules/values.ts";
import { compileAuthorizationRule, type PolicyContext } from "./authorization-rule.ts";
import { clusterName } from "./clusters.ts";
import { createPolicyIndex, type PolicyIndex } from "./policy-scope.ts";
import { compileSerializationGuard } from "./serialization-guard.ts";

/** The policies in force, found by the services that they are for. */
export interface AuthorizationIndex {
  /** The typed configs of the service's virtual host; undefined where nobody restricts its calls. */
  configsOf(entry: Entry): AuthzConfigs | undefined;
  /** Policies that hold for the service, oldest first. */
  policiesOf(entry: Entry): readonly AuthorizationPolicy[];
  /** Guards that hold for the service, oldest first. */
  guardsOf(entry: Entry): readonly SerializationGuard[];
}

/** Sorts the policies among `rules` into an index. */
export function indexAuthorization(rules: readonly Rule[], mesh: MeshSettings): AuthorizationIndex {
  const policies = rules.filter(isAuthorization);
  const index: PolicyIndex<AuthorizationPolicy> = createPolicyIndex(policies, rules, mesh);
  const issuers = rules.filter((rule) => rule.kind === "RequestAuthentication");
  const tokens = createPolicyIndex(issuers, rules, mesh);
  const guards = rules.filter((rule) => rule.kind === "SerializationGuard");
  const guarded = createPolicyIndex(guards, rules, mesh);
  return {
    policiesOf: (entry) => index.find(entry),
    guardsOf: (entry) => guarded.find(entry),
    configsOf(entry) {
      const found = policies.length === 0 ? [] : index.find(entry);
      const asked = issuers.length === 0 ? [] : tokens.find(entry).filter(({ jwtRules }) => jwtRules.length > 0);
      const guarding = guards.length === 0 ? [] : guarded.find(entry);
      if (found.length === 0 && asked.length === 0 && guarding.length === 0) return undefined;
      return {
        ...(asked.length > 0 && { [JWT_FILTER]: compileTokens(asked) }),
        ...(found.length > 0 && compileAuthorization(entry, found, mesh)),
        ...(guarding.length > 0 && { [SERIALIZATION_FILTER]: compileSerializationGuard(guarding) }),
      };
    },
  };
}

/** All issuers that are asked for a service, by names such as `default/shop/0`. Keys that have not come yet are none. */
export function compileTokens(objects: readonly RequestAuthentication[]): JwtAuthentication {
  const providers = objects.flatMap(({ namespace, name, jwtRules }) =>
    jwtRules.map((rule, i) => [`${namespace}/${name}/${i}`, compileIssuer(rule)] as const),
  );
  return { providers: Object.fromEntries(providers) };
}

function compileIssuer(rule: JwtRule): JwtProvider {
  const { issuer, audiences, jwks, fromHeaders, fromParams, fromCookies } = rule;
  const { outputPayloadToHeader, outputClaimToHeaders, spaceDelimitedClaims, forward = true } = rule;
  return {
    issuer,
    ...(audiences && audiences.length > 0 && { audiences }),
    localJwks: { inlineString: jwks ?? "" },
    ...(fromHeaders && {
      fromHeaders: fromHeaders.map(({ name, prefix }) => ({
        name,
        ...(prefix !== undefined && { valuePrefix: prefix }),
      })),
    }),
    ...(fromParams && { fromParams }),
    ...(fromCookies && { fromCookies }),
    forward,
    ...(outputPayloadToHeader !== undefined && { forwardPayloadHeader: outputPayloadToHeader }),
    ...(outputClaimToHeaders && {
      claimToHeaders: outputClaimToHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim })),
    }),
    ...(spaceDelimitedClaims && { normalizePayloadInMetadata: { spaceDelimitedClaims } }),
  };
}

/** Whether a rule is one of the kinds that allow and deny calls. */
export function isAuthorization(rule: Rule): rule is AuthorizationPolicy {
  return rule.kind === "AuthorizationPolicy" || rule.kind === "DubboAuthorizationPolicy";
}

/**
 * Compiles the policies that hold for a service: one RBAC filter for each action, as Istio does. Rules that no call of the service can
 * meet are left out; an ALLOW filter without policies denies all calls.
 */
export function compileAuthorization(
  entry: Entry,
  policies: readonly AuthorizationPolicy[],
  mesh: MeshSettings,
): AuthzConfigs {
  const rulesOf = (action: AuthorizationAction, dryRun: boolean): RbacRules | undefined => {
    const chosen = policies.filter((policy) => policy.action === action && policy.dryRun === dryRun);
    if (chosen.length === 0) return undefined;
    const compiled: Record<string, RbacPolicy> = Object.create(null);
    for (const policy of chosen) {
      const context: PolicyContext = { entry, namespace: policy.namespace, isAllow: action === "ALLOW", mesh };
      policy.rules.forEach((rule, i) => {
        const made = compileAuthorizationRule(rule, context);
        if (made !== undefined) compiled[`ns[${policy.namespace}]-policy[${policy.name}]-rule[${i}]`] = made;
      });
    }
    if (action !== "ALLOW" && Object.keys(compiled).length === 0) return undefined;
    const rbacAction = action === "ALLOW" ? "ALLOW" : action === "AUDIT" ? "LOG" : "DENY";
    return { action: rbacAction, policies: { ...compiled } };
  };
  const filterOf = (action: "ALLOW" | "DENY"): RbacPerRoute | undefined => {
    const rules = rulesOf(action, false);
    const shadowRules = rulesOf(action, true);
    if (rules === undefined && shadowRules === undefined) return undefined;
    const rbac: HttpRbac = {
      ...(rules && { rules }),
      ...(shadowRules && { shadowRules, shadowRulesStatPrefix: `istio_dry_run_${action.toLowerCase()}_` }),
    };
    return { rbac };
  };
  const custom = askedOf(rulesOf("CUSTOM", false), providerOf(policies, false, mesh));
  const trial = askedOf(rulesOf("CUSTOM", true), providerOf(policies, true, mesh));
  const audit = rulesOf("AUDIT", false);
  const deny = filterOf("DENY");
  const allow = filterOf("ALLOW");
  return {
    ...(custom && { [CUSTOM_FILTER]: custom.rules, ...(custom.server && { [EXT_AUTHZ_FILTER]: custom.server }) }),
    ...(trial?.server && { [CUSTOM_TRIAL_FILTER]: trial.rules, [EXT_AUTHZ_TRIAL_FILTER]: trial.server }),
    ...(audit && { [AUDIT_FILTER]: { rbac: { rules: audit } } }),
    ...(deny && { [DENY_FILTER]: deny }),
    ...(allow && { [ALLOW_FILTER]: allow }),
  };
}

/** The rules that have a server asked, and the server; without one, calls that they match are denied. */
function askedOf(
  shadowRules: RbacRules | undefined,
  provider: ExtensionProvider | undefined,
): { readonly rules: RbacPerRoute; readonly server: ExtAuthz | undefined } | undefined {
  if (shadowRules === undefined) return undefined;
  const rules = { rbac: { shadowRules, shadowRulesStatPrefix: "istio_ext_authz_" } };
  return { rules, server: provider && compileExtAuthz(provider) };
}

/** The one provider that a service's CUSTOM policies name; undefined where it is not known, or they name several: nobody can be asked then. */
export function providerOf(
  policies: readonly AuthorizationPolicy[],
  dryRun: boolean,
  { extensionProviders = [] }: MeshSettings,
): ExtensionProvider | undefined {
  const custom = policies.filter((policy) => policy.action === "CUSTOM" && policy.dryRun === dryRun);
  const names = new Set(custom.map(({ provider }) => provider));
  return names.size === 1 ? extensionProviders.find(({ name }) => names.has(name)) : undefined;
}

function compileExtAuthz({ service, port, timeoutMs, failOpen, statusOnError }: ExtensionProvider): ExtAuthz {
  return {
    grpcService: {
      envoyGrpc: { clusterName: clusterName(port, "", service), authority: service },
      timeout: printDuration(timeoutMs),
    },
    transportApiVersion: "V3",
    ...(failOpen && { failureModeAllow: true }),
    ...(statusOnError !== 403 && { statusOnError: { code: statusOnError } }),
  };
}
