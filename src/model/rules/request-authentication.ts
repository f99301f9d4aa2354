import type { PolicyScope } from "./authorization.ts";
import type { Located, RuleIdentity } from "./located.ts";

/** An issuer of tokens, where they stand and what is asked of them. */
export interface JwtRule extends Located {
  readonly issuer: string;
  readonly audiences?: readonly string[];
  /** Where the keys are fetched. */
  readonly jwksUri?: string;
  /** The keys, as JSON. */
  readonly jwks?: string;
  /** Headers (attachments of a Dubbo call), and what stands before the token in their values. */
  readonly fromHeaders?: readonly (Located & { readonly name: string; readonly prefix?: string })[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  /** Header that callees get a token's payload in. */
  readonly outputPayloadToHeader?: string;
  readonly outputClaimToHeaders?: readonly (Located & { readonly header: string; readonly claim: string })[];
  /** Claims that are lists of words in one text. */
  readonly spaceDelimitedClaims?: readonly string[];
  /** Whether the token goes on; it does unless said. */
  readonly forward?: boolean;
  /** How long fetching keys may take, ms. */
  readonly timeout?: number;
}

/** Istio's RequestAuthentication. */
export interface RequestAuthentication extends RuleIdentity, PolicyScope {
  readonly kind: "RequestAuthentication";
  readonly jwtRules: readonly JwtRule[];
}
