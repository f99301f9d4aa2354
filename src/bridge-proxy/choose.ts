import type { CallReason } from "../base/errors.ts";
import type { ProxyContext } from "./context.ts";
import type { Cluster } from "./upstream/cluster.ts";
import type { EndpointOf } from "./upstream/endpoint.ts";
import type { CallWish, EndpointGroup } from "./upstream/endpoint-group.ts";
import type { UpstreamConnection } from "./upstream/host.ts";

/** Why a call gets no endpoint. */
export interface NoEndpoint {
  readonly reason: CallReason;
  readonly message: string;
}

/** What a try asks of its endpoint, whatever its caller speaks. */
export interface Wish extends CallWish {
  readonly cluster: Cluster;
  /** Hosts that had the call already. */
  readonly avoid: readonly object[];
  /** Their whole priorities are left out, where others are left. */
  readonly avoidsPriorities: boolean;
  /** What balancers with a ring or a table choose by; undefined where the call has none. */
  readonly hash: number | undefined;
}

/** Chooses the endpoint of a try among those of its cluster that speak one protocol; undefined where all are to be avoided. */
export function chooseEndpoint<C extends UpstreamConnection>(
  context: ProxyContext,
  group: EndpointGroup<C>,
  wish: Wish,
): EndpointOf<C> | NoEndpoint | undefined {
  const { cluster, avoid, avoidsPriorities, hash } = wish;
  const set = group.forCall(wish, context.random);
  const pick = (without: readonly object[]) =>
    set?.pick(context.originMs + context.nowMs, context.random, without, hash);
  const elsewhere = avoidsPriorities && avoid.length > 0 ? pick(hostsBeside(group.endpoints, avoid)) : undefined;
  const endpoint = elsewhere ?? pick(avoid);
  if (endpoint === undefined)
    return avoid.length > 0 ? undefined : { reason: "no_endpoint", message: cluster.noProvider };
  const { overLimit } = cluster;
  return overLimit === undefined ? endpoint : { reason: "overflow", message: overLimit };
}

/** Those hosts, and all others of their priorities. */
function hostsBeside(endpoints: readonly EndpointOf<UpstreamConnection>[], hosts: readonly object[]): object[] {
  const priorities = new Set<number>();
  for (const { host, priority } of endpoints) if (hosts.includes(host)) priorities.add(priority);
  return [...hosts, ...endpoints.filter(({ priority }) => priorities.has(priority)).map(({ host }) => host)];
}
