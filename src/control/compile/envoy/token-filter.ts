import { forgetOldest } from "../../../base/bounded.ts";
import { plainKeySet } from "../../../codecs/key-set.ts";
import { JWT_FILTER, type JwtProvider } from "../../../codecs/xds/authz.ts";
import type { VirtualHost } from "../../../codecs/xds/route.ts";
import type { ProtoJson } from "../targets.ts";

const TYPE = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

/**
 * The filter by which an Envoy judges the tokens of a gateway's requests, and then chooses their routes anew, by what the tokens say; undefined
 * where no route goes by that. As in Istio, every request of the port is judged, and one without a token passes; an issuer whose keys have not come
 * is judged by keys that nobody has.
 */
export function tokenFilter(hosts: readonly VirtualHost[]): ProtoJson | undefined {
  const all = hosts.flatMap(({ typedPerFilterConfig: configs }) =>
    Object.entries(configs?.[JWT_FILTER]?.providers ?? {}),
  );
  const providers = new Map(all);
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
  const { forwardPayloadHeader: _, claimToHeaders: __, localJwks, normalizePayloadInMetadata, ...judged } = provider;
  const { spaceDelimitedClaims = [] } = normalizePayloadInMetadata ?? {};
  return {
    ...judged,
    localJwks: { inlineString: keysFor(localJwks.inlineString) },
    forward: true,
    payloadInMetadata: "payload",
    normalizePayloadInMetadata: { spaceDelimitedClaims: ["scope", "permission", ...spaceDelimitedClaims] },
    clearRouteCache: true,
  };
}

/** Sets that are kept: reading one takes a while, and ports are compiled anew for each change of a route. */
const MAX_SETS = 100;
const sets = new Map<string, string>();

/** By the same keys as Trestle: of symmetric ones, weak ones and private halves an Envoy is told nothing. */
function keysFor(text: string): string {
  const known = sets.get(text) ?? plainKeySet(text);
  sets.delete(text);
  sets.set(text, known);
  forgetOldest(sets, MAX_SETS);
  return known;
}
