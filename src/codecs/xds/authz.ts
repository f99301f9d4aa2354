/**
 * Authorization and tokens, as Envoy's HTTP filters have them in proto3's JSON form. They are typed configs of a virtual host, each under
 * the name of a filter of the chain; {@link AUTHZ_FILTERS} is their order in the chain. Source: envoy/config/rbac/v3,
 * envoy/extensions/filters/http/{rbac,jwt_authn,ext_authz}/v3; Istio's order is that of pilot/pkg/security/authz/builder.
 *
 * A Dubbo call is seen as in routes: its path is `/interface/method`, attachments are headers.
 */
import type { Duration, HeaderMatcher, StringMatcher } from "./core.ts";
import { SERIALIZATION_FILTER, type SerializationGuardConfig } from "./serialization-guard.ts";

/** Name of the filter that verifies tokens. */
export const JWT_FILTER = "envoy.filters.http.jwt_authn";
/** Name of the RBAC filter that says which calls the filter after it asks an external server for: its shadow rules match them. */
export const CUSTOM_FILTER = "envoy.filters.http.rbac/custom";
/** Name of the filter that asks an external server. */
export const EXT_AUTHZ_FILTER = "envoy.filters.http.ext_authz";
/** The same two of policies that are only tried: the server is asked, and what it says is counted. Trestle's own. */
export const CUSTOM_TRIAL_FILTER = "envoy.filters.http.rbac/custom-dry-run";
/** See {@link CUSTOM_TRIAL_FILTER}. */
export const EXT_AUTHZ_TRIAL_FILTER = "envoy.filters.http.ext_authz/dry-run";
/** Name of the RBAC filter of policies that only log. */
export const AUDIT_FILTER = "envoy.filters.http.rbac/audit";
/** Name of the RBAC filter of policies that deny. */
export const DENY_FILTER = "envoy.filters.http.rbac/deny";
/** Name of the RBAC filter of policies that allow. */
export const ALLOW_FILTER = "envoy.filters.http.rbac/allow";

/** All of them in the order in which they decide. */
export const AUTHZ_FILTERS = [
  JWT_FILTER,
  CUSTOM_FILTER,
  EXT_AUTHZ_FILTER,
  CUSTOM_TRIAL_FILTER,
  EXT_AUTHZ_TRIAL_FILTER,
  AUDIT_FILTER,
  DENY_FILTER,
  ALLOW_FILTER,
] as const;

/** An address range. */
export interface CidrRange {
  readonly addressPrefix: string;
  readonly prefixLen: number;
}

/** How a value in metadata is compared; one of the three is set. `listMatch` holds where one element does. */
export interface ValueMatcher {
  readonly stringMatch?: StringMatcher;
  readonly presentMatch?: boolean;
  readonly listMatch?: { readonly oneOf: ValueMatcher };
  readonly orMatch?: { readonly valueMatchers: readonly ValueMatcher[] };
}

/** A condition on what {@link JWT_FILTER} found: `path` leads into the token's payload. With `invert` it holds where the rest does not. */
export interface MetadataMatcher {
  readonly filter: string;
  readonly path: readonly { readonly key: string }[];
  readonly value: ValueMatcher;
  readonly invert?: boolean;
}

/** What is called; exactly one is set. */
export interface Permission {
  readonly any?: true;
  readonly andRules?: { readonly rules: readonly Permission[] };
  readonly orRules?: { readonly rules: readonly Permission[] };
  readonly notRule?: Permission;
  readonly header?: HeaderMatcher;
  readonly urlPath?: { readonly path: StringMatcher };
  readonly requestedServerName?: StringMatcher;
}

/** Who calls; exactly one is set. `principalName` is compared with the SPIFFE id, `spiffe://` included. */
export interface Principal {
  readonly any?: true;
  readonly andIds?: { readonly ids: readonly Principal[] };
  readonly orIds?: { readonly ids: readonly Principal[] };
  readonly notId?: Principal;
  readonly authenticated?: { readonly principalName: StringMatcher };
  readonly directRemoteIp?: CidrRange;
  readonly remoteIp?: CidrRange;
  readonly header?: HeaderMatcher;
  readonly metadata?: MetadataMatcher;
}

/** A call that any of `permissions` and any of `principals` hold for. */
export interface RbacPolicy {
  readonly permissions: readonly Permission[];
  readonly principals: readonly Principal[];
}

/** Policies by name, such as `ns[default]-policy[orders]-rule[0]`. ALLOW without any denies every call; LOG denies none. */
export interface RbacRules {
  readonly action: "ALLOW" | "DENY" | "LOG";
  readonly policies: Readonly<Record<string, RbacPolicy>>;
}

/** Config of an RBAC filter; `shadowRules` only count. */
export interface HttpRbac {
  readonly rules?: RbacRules;
  readonly shadowRules?: RbacRules;
  readonly shadowRulesStatPrefix?: string;
}

/** RBACPerRoute: the form of {@link HttpRbac} in a virtual host. */
export interface RbacPerRoute {
  readonly rbac: HttpRbac;
}

/** Where a token stands: a header with what is before the token in its value. */
export interface JwtHeader {
  readonly name: string;
  readonly valuePrefix?: string;
}

/** One issuer of tokens. */
export interface JwtProvider {
  readonly issuer: string;
  /** One of them must be among the token's; none asks for nothing. */
  readonly audiences?: readonly string[];
  /** The key set as JSON text. */
  readonly localJwks: { readonly inlineString: string };
  readonly fromHeaders?: readonly JwtHeader[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  /** The token goes on to the provider. */
  readonly forward?: boolean;
  readonly forwardPayloadHeader?: string;
  readonly claimToHeaders?: readonly { readonly headerName: string; readonly claimName: string }[];
  /** Claims that are lists of words in one text, besides `scope` and `permission`. */
  readonly normalizePayloadInMetadata?: { readonly spaceDelimitedClaims: readonly string[] };
}

/**
 * JwtAuthentication, cut to what Istio writes: each provider by a name; a call whose token is one provider's is held to that provider, and one
 * without a token passes. (Envoy takes a virtual host's part of this filter as the name of a requirement: `compile/envoy` makes it so.)
 */
export interface JwtAuthentication {
  readonly providers: Readonly<Record<string, JwtProvider>>;
}

/** ExtAuthz, cut to gRPC servers: asked for calls that {@link CUSTOM_FILTER}'s shadow rules match. */
export interface ExtAuthz {
  readonly grpcService: {
    /** `authority`: what servers are called by; gRPC's own refuse the name of a cluster there. */
    readonly envoyGrpc: { readonly clusterName: string; readonly authority?: string };
    readonly timeout: Duration;
  };
  readonly transportApiVersion: "V3";
  /** A server that does not answer lets the call through. */
  readonly failureModeAllow?: boolean;
  /** What the caller is told where the server does not answer; 403 where it is not set. */
  readonly statusOnError?: { readonly code: number };
}

/** The typed configs of a virtual host that decide who may call. */
export interface AuthzConfigs {
  readonly [JWT_FILTER]?: JwtAuthentication;
  readonly [CUSTOM_FILTER]?: RbacPerRoute;
  readonly [EXT_AUTHZ_FILTER]?: ExtAuthz;
  readonly [CUSTOM_TRIAL_FILTER]?: RbacPerRoute;
  readonly [EXT_AUTHZ_TRIAL_FILTER]?: ExtAuthz;
  readonly [AUDIT_FILTER]?: RbacPerRoute;
  readonly [DENY_FILTER]?: RbacPerRoute;
  readonly [ALLOW_FILTER]?: RbacPerRoute;
  readonly [SERIALIZATION_FILTER]?: SerializationGuardConfig;
}
