import type { Cluster } from "../../codecs/xds/cluster.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { Route } from "../../codecs/xds/route.ts";
import type { ValueOf } from "../../codecs/xds/routing.ts";
import type { AskedTag } from "../../codecs/xds/tags.ts";
import { describeBalancer, describeCluster } from "./cluster-words.ts";
import { type EndpointShare, explainEndpoints } from "./endpoints.ts";
import type { Destination } from "./explanation.ts";
import { explainRouters } from "./routers.ts";
import type { RuleBook } from "./rule-book.ts";

/** How a route is taken, and what is known of the services that it leads to. */
export interface Led {
  /** The call as routers of the registry see it. */
  readonly asRouters: ValueOf;
  /** Absent for a call that asks for none, as all from outside do. */
  readonly tag?: AskedTag;
  /** It goes on as a request of HTTP: services that speak that alone take it, and no others. */
  readonly isRequest: boolean;
  readonly book: Pick<RuleBook, "destinationRuleOf" | "listedBy" | "mappingOf">;
}

/** Where a route leads calls, each place with its share. */
export function destinationsOf(
  { clusters, endpoints }: Pick<ResourceSet, "clusters" | "endpoints">,
  { route }: Route,
  { asRouters, tag, isRequest, book }: Led,
): Destination[] {
  const places = clustersOf(route);
  const sum = places.reduce((total, { weight }) => total + weight, 0);
  return places.map(({ name, weight }) => {
    const cluster: Cluster | undefined = clusters.find((one) => one.name === name)?.resource;
    const facts = cluster?.metadata.filterMetadata[TRESTLE_METADATA];
    const all = endpoints.find((one) => one.name === name)?.resource;
    const { verdicts, assignment } = explainRouters(all, asRouters, tag);
    const host = facts?.host ?? name.split("|")[3] ?? name;
    const list = explainEndpoints(assignment);
    const mapping = book.mappingOf(host);
    const refusal = refusalOf(list, { isRequest, isMapped: mapping !== "" });
    return {
      cluster: name,
      host,
      subset: facts?.subset ?? name.split("|")[2] ?? "",
      share: sum === 0 ? 0 : Math.round((weight / sum) * 1_000) / 10,
      loadBalancer: describeBalancer(cluster),
      rule: book.destinationRuleOf(host),
      listedBy: book.listedBy(host),
      policies: [
        ...(cluster === undefined ? [] : [describeCluster(cluster)]),
        ...(mapping === "" ? [] : [`calls become requests by ${mapping}`]),
      ]
        .filter((text) => text !== "")
        .join("; "),
      ...(verdicts.length > 0 && { routers: verdicts }),
      ...(refusal !== undefined && { refusal }),
      endpoints: list,
    };
  });
}

/** Why none of a destination's providers is called; undefined where some may be. */
function refusalOf(
  endpoints: readonly EndpointShare[],
  { isRequest, isMapped }: { readonly isRequest: boolean; readonly isMapped: boolean },
): string | undefined {
  if (endpoints.length === 0) return "no provider is known: the call is answered 503";
  const isTaken = ({ protocol }: EndpointShare) => (protocol === "http" ? isRequest || isMapped : !isRequest);
  if (endpoints.some(isTaken)) return undefined;
  return isRequest
    ? "none of its providers speaks HTTP: the request is answered 503"
    : "its providers speak HTTP alone, and no RestMapping says what requests calls become: the call is answered 503";
}

/** The clusters of a route's action, each with its weight. */
export function clustersOf(route: Route["route"]): readonly { readonly name: string; readonly weight: number }[] {
  if (route === undefined) return [];
  return route.weightedClusters?.clusters ?? [{ name: route.cluster ?? "", weight: 1 }];
}
