import type { Located, RuleIdentity } from "./located.ts";

/** Who calls. All lists that are there must hold, of each one element; a list that starts with `not` must have none that does. */
export interface AuthorizationSource extends Located {
  /** `trust-domain/ns/NAMESPACE/sa/ACCOUNT`, as every text list here with `*` at its start or end. */
  readonly principals?: readonly string[];
  readonly notPrincipals?: readonly string[];
  /** `issuer/subject` of a token. */
  readonly requestPrincipals?: readonly string[];
  readonly notRequestPrincipals?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly notNamespaces?: readonly string[];
  /** `NAMESPACE/ACCOUNT`, or `ACCOUNT` of the policy's own namespace. */
  readonly serviceAccounts?: readonly string[];
  readonly notServiceAccounts?: readonly string[];
  /** Addresses and prefixes such as `10.0.0.0/8` of the connection. */
  readonly ipBlocks?: readonly string[];
  readonly notIpBlocks?: readonly string[];
  /** The same of the caller that proxies before this one named. */
  readonly remoteIpBlocks?: readonly string[];
  readonly notRemoteIpBlocks?: readonly string[];
  readonly trustDomains?: readonly string[];
  readonly notTrustDomains?: readonly string[];
}

/** What is called. */
export interface AuthorizationOperation extends Located {
  readonly hosts?: readonly string[];
  readonly notHosts?: readonly string[];
  readonly ports?: readonly string[];
  readonly notPorts?: readonly string[];
  /** Java methods on a Dubbo host, HTTP's elsewhere. */
  readonly methods?: readonly string[];
  readonly notMethods?: readonly string[];
  /** `/interface/method`; `{*}` is one segment and `{**}` any number. */
  readonly paths?: readonly string[];
  readonly notPaths?: readonly string[];
  /** Java interfaces: DubboAuthorizationPolicy's. */
  readonly interfaces?: readonly string[];
  readonly notInterfaces?: readonly string[];
}

/** A condition on an attribute such as `request.headers[x]`. */
export interface AuthorizationCondition extends Located {
  readonly key: string;
  readonly values?: readonly string[];
  readonly notValues?: readonly string[];
}

/** One of the three is enough for none; all that are there must hold. */
export interface AuthorizationRule extends Located {
  readonly from?: readonly (Located & { readonly source?: AuthorizationSource })[];
  readonly to?: readonly (Located & { readonly operation?: AuthorizationOperation })[];
  readonly when?: readonly AuthorizationCondition[];
}

/** Names what a policy is for, in the policy's own namespace. */
export interface PolicyTarget extends Located {
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** Which services a policy of its namespace is for: with neither, all of them. */
export interface PolicyScope {
  /** Labels that an endpoint must have. */
  readonly selector: Readonly<Record<string, string>> | undefined;
  readonly targets: readonly PolicyTarget[];
}

/** What becomes of a call that a rule of the policy matches. */
export type AuthorizationAction = "ALLOW" | "DENY" | "AUDIT" | "CUSTOM";

/** Istio's AuthorizationPolicy, and Aeraki's DubboAuthorizationPolicy, which says less in the same words. */
export interface AuthorizationPolicy extends RuleIdentity, PolicyScope {
  readonly kind: "AuthorizationPolicy" | "DubboAuthorizationPolicy";
  readonly action: AuthorizationAction;
  /** Of CUSTOM: the name of an extension provider. */
  readonly provider: string | undefined;
  readonly rules: readonly AuthorizationRule[];
  /** It only counts what it would do (annotation `istio.io/dry-run`). */
  readonly dryRun: boolean;
}
