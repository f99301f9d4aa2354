import { JWT_FILTER, type JwtProvider } from "../../../codecs/xds/authz.ts";
import type { VirtualHost } from "../../../codecs/xds/route.ts";
import type { ProtoJson } from "../targets.ts";

const TYPE = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

/**
 * The filter by which an Envoy judges the tokens of a gateway's requests, and then chooses their routes anew, by what the tokens say; undefined
 * where no route goes by that, or no key has come yet: Envoy refuses an issuer without keys. As in Istio, every request of the port is judged,
 * and one without a token passes.
 */
export function tokenFilter(hosts: readonly VirtualHost[]): ProtoJson | undefined {
  const all = hosts.flatMap(({ typedPerFilterConfig: configs }) =>
    Object.entries(configs?.[JWT_FILTER]?.providers ?? {}),
  );
  const providers = new Map(all.filter(([, { localJwks }]) => hasKeys(localJwks.inlineString)));
  if (providers.size === 0) return undefined;
  const requirements = [...[...providers.keys()].map((providerName) => ({ providerName })), { allowMissing: {} }];
  return {
    name: JWT_FILTER,
    typedConfig: {
      "@type": TYPE,
      providers: Object.fromEntries([...providers].map(([name, provider]) => [name, judging(provider)])),
      rules: [{ match: { prefix: "/" }, requires: { requiresAny: { requirements } } }],
    },
  };
}

/** What callees are told of tokens is said by the services' own proxies. */
function judging(provider: JwtProvider): ProtoJson {
  const { forwardPayloadHeader: _, claimToHeaders: __, normalizePayloadInMetadata, ...judged } = provider;
  const { spaceDelimitedClaims = [] } = normalizePayloadInMetadata ?? {};
  return {
    ...judged,
    forward: true,
    payloadInMetadata: "payload",
    normalizePayloadInMetadata: { spaceDelimitedClaims: ["scope", "permission", ...spaceDelimitedClaims] },
    clearRouteCache: true,
  };
}

/** Whether one of the keys may be one that verifies signatures: Envoy refuses a listener with a set that has none. */
function hasKeys(text: string): boolean {
  try {
    const { keys } = JSON.parse(text) as { readonly keys: readonly { readonly kty?: unknown }[] };
    return keys.some(({ kty }) => kty === "RSA" || kty === "EC" || kty === "OKP");
  } catch {
    return false;
  }
}
