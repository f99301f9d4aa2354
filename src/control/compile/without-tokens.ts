import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { Route, VirtualHost } from "../../codecs/xds/route.ts";
import type { Finding } from "../../model/entry.ts";

/** Clients that look at no tokens, as people are told of them. */
const CLIENTS = {
  envoy: "a stock Envoy",
  grpc: "a gRPC client",
  "dubbo-xds": "a dubbo-xds client",
} as const;

const plain = new WeakMap<readonly Route[], readonly Route[]>();

/**
 * Routes for a client to which no call has a token: those that ask for a claim are met by none, and what a token must not say is not said. The
 * same list where none goes by claims, and the same for the same.
 */
export function routesWithoutTokens(routes: readonly Route[]): readonly Route[] {
  if (!routes.some(goesByClaims)) return routes;
  let made = plain.get(routes);
  if (made === undefined) {
    made = routes.flatMap((route) => {
      const { dynamicMetadata = [], ...match } = route.match;
      return dynamicMetadata.every(({ invert }) => invert === true) ? [{ ...route, match }] : [];
    });
    plain.set(routes, made);
  }
  return made;
}

/** Whether a route asks what a call's token says. */
export function goesByClaims({ match }: Pick<Route, "match">): boolean {
  return match.dynamicMetadata !== undefined;
}

const told = new WeakMap<object, Map<string, readonly Finding[]>>();

/** What of a set's routes goes by claims, where clients of that kind are given them. */
export function ignoredClaims({ virtualHosts }: ResourceSet, kind: keyof typeof CLIENTS): readonly Finding[] {
  const kinds = told.get(virtualHosts) ?? new Map<string, readonly Finding[]>();
  told.set(virtualHosts, kinds);
  const known = kinds.get(kind) ?? virtualHosts.flatMap(({ resource }) => findingsOf(resource, CLIENTS[kind]));
  kinds.set(kind, known);
  return known;
}

function findingsOf({ name, routes }: VirtualHost, client: string): readonly Finding[] {
  return routes.filter(goesByClaims).map((route) => {
    const { rule, file, line } = route.metadata?.filterMetadata[TRESTLE_METADATA] ?? {};
    const what = `route ${route.name ?? rule ?? "default"} of ${name}`;
    return {
      code: "TR0717",
      severity: "warning",
      message: `${what} in ${client}: it goes by a token's claims, and no call has a token there; a Trestle proxy looks at them`,
      at: file === undefined ? name : `${file}:${line ?? 1}:1`,
    };
  });
}
