import { ARGUMENT } from "../../../codecs/xds/match.ts";
import { FAULT_FILTER, type HashPolicy, type RetryPolicy, type Route } from "../../../codecs/xds/route.ts";
import { type ClusterNames, finalFault, readsArguments } from "../envoy/http-routes.ts";
import { oldHeaderMatchers } from "../old-matchers.ts";
import type { ProtoJson } from "../targets.ts";
import { routesWithoutTokens } from "../without-tokens.ts";

/** What gRPC's clients try again after; they pass over Envoy's other words. */
const RETRY_WORDS: readonly string[] = [
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
];

/** A hash of where a call comes from: a channel is what a gRPC client has in place of a caller's address. */
const OWN_CHANNEL: ProtoJson = { filterState: { key: "io.grpc.channel_id" } };

/**
 * The routes of one service for gRPC's own xDS clients, with nothing in them that such a client refuses. Routes that ask for an argument
 * or a token's claim, or for more alternatives than can be written are left out; one that answers by itself fails the call as unavailable.
 */
export function grpcRoutes(routes: readonly Route[], clusterOf: ClusterNames): readonly ProtoJson[] {
  return routesWithoutTokens(routes).flatMap((route) => {
    if (readsArguments(route) || (route.match.queryParameters ?? []).length > 0) return [];
    const lists = oldHeaderMatchers(route.match.headers ?? []) ?? [];
    const { path, prefix, safeRegex, caseSensitive } = route.match;
    const one = path !== undefined ? { path } : prefix !== undefined ? { prefix } : { safeRegex };
    const match = { ...one, ...(caseSensitive !== undefined && { caseSensitive }) };
    const action = (route.route && grpcAction(route.route, clusterOf)) ?? { nonForwardingAction: {} };
    const fault = route.typedPerFilterConfig?.[FAULT_FILTER];
    const fixed = fault && finalFault(fault);
    return lists.map((headers) => ({
      ...(route.name !== undefined && { name: route.name }),
      match: { ...match, ...(headers.length > 0 && { headers }) },
      ...action,
      ...(fixed && { typedPerFilterConfig: { [FAULT_FILTER]: fixed } }),
    }));
  });
}

function grpcAction(action: NonNullable<Route["route"]>, clusterOf: ClusterNames): ProtoJson | undefined {
  const { cluster, weightedClusters, timeout, retryPolicy, hashPolicy } = action;
  const named = cluster === undefined ? undefined : clusterOf(cluster);
  const weighted = (weightedClusters?.clusters ?? []).flatMap(({ name, weight }) => {
    const known = clusterOf(name);
    return known === undefined || weight === 0 ? [] : [{ name: known, weight }];
  });
  if (named === undefined && weighted.length === 0) return undefined;
  // Clients before 2022 take 100 for the sum where it is not said.
  const totalWeight = weighted.reduce((sum, { weight }) => sum + weight, 0);
  const retries = retryPolicy && grpcRetries(retryPolicy);
  const hashes = (hashPolicy ?? []).flatMap(grpcHash);
  return {
    route: {
      ...(named === undefined ? { weightedClusters: { clusters: weighted, totalWeight } } : { cluster: named }),
      ...(timeout !== undefined &&
        Number.parseFloat(timeout) > 0 && { maxStreamDuration: { maxStreamDuration: timeout } }),
      ...(retries && { retryPolicy: retries }),
      ...(hashes.length > 0 && { hashPolicy: hashes }),
    },
  };
}

function grpcRetries({ retryOn, numRetries, retryBackOff }: RetryPolicy): ProtoJson | undefined {
  const words = retryOn.split(",").filter((word) => RETRY_WORDS.includes(word));
  if (words.length === 0 || numRetries < 1) return undefined;
  return { retryOn: words.join(","), numRetries, ...(retryBackOff && { retryBackOff }) };
}

/** Headers as they are; a caller's address is its channel; cookies and queries gRPC does not have. */
function grpcHash({ header, connectionProperties, terminal }: HashPolicy): readonly ProtoJson[] {
  const end = terminal === true && { terminal };
  if (header !== undefined) return header.headerName.startsWith(ARGUMENT) ? [] : [{ header, ...end }];
  return connectionProperties?.sourceIp === true ? [{ ...OWN_CHANNEL, ...end }] : [];
}
