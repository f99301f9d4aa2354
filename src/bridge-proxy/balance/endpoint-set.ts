import type { LbPolicy } from "../../codecs/xds/resources.ts";
import type { EndpointOf } from "../upstream/endpoint.ts";
import type { HostPool, UpstreamConnection } from "../upstream/host.ts";
import { type Candidate, type Choose, POLICIES } from "./policies.ts";

const WARMUP_STEP_MS = 1_000;

/**
 * Endpoints to choose one from. What can be known without a call (who is connected, drained, warming up) is worked out when
 * a host's state changes, at most; a choice itself only draws from a ready list.
 */
export class EndpointSet<C extends UpstreamConnection> {
  readonly endpoints: readonly EndpointOf<C>[];
  readonly #hosts: HostPool<C>;
  readonly #choose: Choose;
  #seenVersion = -1;
  #freshUntilMs = 0;
  #best: readonly Candidate<EndpointOf<C>>[] = [];
  #bestWeight = 0;

  constructor(endpoints: readonly EndpointOf<C>[], policy: LbPolicy, hosts: HostPool<C>) {
    this.endpoints = endpoints;
    this.#hosts = hosts;
    this.#choose = POLICIES[policy]();
  }

  /**
   * Chooses an endpoint, preferring connected ones over those that have to be connected to; undefined where there are none.
   * Endpoints whose host is in `avoid` are left out. `wallMs` is the time of day, for warm-up.
   */
  pick(wallMs: number, random: () => number, avoid?: readonly object[]): EndpointOf<C> | undefined {
    if (avoid !== undefined && avoid.length > 0) return this.#pickOther(wallMs, random, avoid);
    if (this.#seenVersion !== this.#hosts.version || wallMs >= this.#freshUntilMs) this.#refresh(wallMs);
    const best = this.#best;
    if (best.length === 0) return undefined;
    return best.length === 1 ? best[0]!.endpoint : this.#choose(best, this.#bestWeight, random).endpoint;
  }

  /** Whether an endpoint is connected whose host is not in `avoid`. */
  hasReady(avoid: readonly object[]): boolean {
    return this.endpoints.some(({ host }) => host.state === "ready" && !host.draining && !avoid.includes(host));
  }

  #pickOther(wallMs: number, random: () => number, avoid: readonly object[]): EndpointOf<C> | undefined {
    const left = bestTier(this.endpoints.filter((endpoint) => !avoid.includes(endpoint.host)));
    if (left.length === 0) return undefined;
    const candidates = weigh(left, wallMs);
    return this.#choose(candidates, totalOf(candidates), random).endpoint;
  }

  #refresh(wallMs: number): void {
    for (const { host } of this.endpoints) host.warm();
    this.#seenVersion = this.#hosts.version;
    this.#best = weigh(bestTier(this.endpoints), wallMs);
    this.#bestWeight = totalOf(this.#best);
    const warming = this.endpoints.some((endpoint) => wallMs - endpoint.startedAtMs < endpoint.warmupMs);
    this.#freshUntilMs = warming ? wallMs + WARMUP_STEP_MS : Number.POSITIVE_INFINITY;
  }
}

/** The endpoints that are all equally good to choose from: connected, with weight, not leaving; else the next best. */
function bestTier<C extends UpstreamConnection>(endpoints: readonly EndpointOf<C>[]): readonly EndpointOf<C>[] {
  let best = Number.POSITIVE_INFINITY;
  for (const endpoint of endpoints) best = Math.min(best, tierOf(endpoint));
  return endpoints.filter((endpoint) => tierOf(endpoint) === best);
}

function tierOf({ host, weight }: EndpointOf<UpstreamConnection>): number {
  if (host.state === "down") return 5;
  if (host.draining) return 4;
  const ready = host.state === "ready" ? 0 : 1;
  return weight > 0 ? ready : 2 + ready;
}

function weigh<E extends EndpointOf<UpstreamConnection>>(endpoints: readonly E[], wallMs: number): Candidate<E>[] {
  let upTo = 0;
  return endpoints.map((endpoint) => {
    const weight = warmedWeight(endpoint, wallMs);
    upTo += weight;
    return { endpoint, weight, upTo };
  });
}

function totalOf(candidates: readonly Candidate<unknown>[]): number {
  return candidates.at(-1)?.upTo ?? 0;
}

/** Dubbo's warm-up: the weight grows with the uptime from 1 to full; endpoints of weight 0 are only ever chosen among themselves. */
export function warmedWeight(
  endpoint: Pick<EndpointOf<UpstreamConnection>, "weight" | "startedAtMs" | "warmupMs">,
  wallMs: number,
): number {
  const weight = Math.max(1, endpoint.weight);
  const uptimeMs = wallMs - endpoint.startedAtMs;
  if (endpoint.startedAtMs === 0 || endpoint.warmupMs === 0 || uptimeMs >= endpoint.warmupMs) return weight;
  if (uptimeMs < 0) return 1;
  return Math.min(weight, Math.max(1, Math.floor((uptimeMs * weight) / endpoint.warmupMs)));
}
