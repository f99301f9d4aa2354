import type { EndpointOf } from "../upstream/endpoint.ts";
import type { UpstreamConnection } from "../upstream/host.ts";
import type { BalancePlan } from "./plan.ts";
import type { Candidate, Offer } from "./policies.ts";
import { slowStartShare } from "./slow-start.ts";

/** Endpoints among which a policy chooses, and their share of the calls. */
export interface Part<E> extends Offer<E> {
  /** Its priority, and its locality where those have shares. */
  readonly name: string;
  /** The running sum of the shares, its own included; 1 at the last one. */
  readonly upTo: number;
}

/** What all parts of a cluster have in common. */
export interface PartRules extends Pick<BalancePlan, "isConsistent" | "slowStart" | "weighsLocalities" | "panicBelow"> {
  /** A priority counts as whole while this many times its healthy share reach 1; 1.4 in Envoy. */
  readonly overprovisioning: number;
}

/** Endpoints of one locality of one priority. */
interface Place<E> {
  readonly name: string;
  readonly weight: number;
  readonly all: E[];
}

/** The endpoints of one priority. */
interface Level<E> {
  readonly name: string;
  readonly all: E[];
  readonly places: readonly Place<E>[];
}

/** Endpoints by priority, the first one first, and locality. */
export type Layout<E> = readonly Level<E>[];

type AnyEndpoint = EndpointOf<UpstreamConnection>;

/** Puts endpoints in order; to be done once for a list. */
export function layOut<E extends AnyEndpoint>(endpoints: readonly E[]): Layout<E> {
  const levels = new Map<number, { readonly all: E[]; readonly places: Map<string, Place<E>> }>();
  for (const endpoint of endpoints) {
    const { priority, locality, localityWeight: weight } = endpoint;
    const level = levels.get(priority) ?? { all: [], places: new Map<string, Place<E>>() };
    levels.set(priority, level);
    level.all.push(endpoint);
    const place = level.places.get(locality) ?? { name: `${priority} ${locality}`, weight, all: [] };
    level.places.set(locality, place);
    place.all.push(endpoint);
  }
  return [...levels]
    .sort(([a], [b]) => a - b)
    .map(([priority, { all, places }]) => ({ name: String(priority), all, places: [...places.values()] }));
}

interface Share<E> {
  readonly name: string;
  readonly share: number;
  readonly from: readonly E[];
  readonly listed: readonly E[];
}

/**
 * Shares calls out to priorities and localities, as Envoy does: a priority takes what its healthy share, overprovisioned, leaves to it; in
 * it localities by weight, each no more than it can take. Endpoints that cannot be connected to, or said READONLY, count as not healthy.
 * Where nobody is able, the next best take the calls, but never one that is ejected or called unhealthy, unless panic is allowed. Hosts in
 * `avoid` take no call, and a priority that has no others none either. `wallMs` is the time of day. Empty where nobody may take a call.
 */
export function shareOut<E extends AnyEndpoint>(
  layout: Layout<E>,
  rules: PartRules,
  wallMs: number,
  avoid: readonly object[] = NOBODY,
): Part<E>[] {
  const shares = sharesOf(layout, rules, avoid);
  const total = shares.reduce((sum, { share }) => sum + share, 0);
  let upTo = 0;
  return shares.map(({ name, share, from, listed }) => {
    upTo += share / total;
    const candidates = weigh(bestTier(from, rules.isConsistent), rules, wallMs);
    return { name, upTo, listed, candidates, totalWeight: candidates.at(-1)?.upTo ?? 0 };
  });
}

const NOBODY: readonly object[] = [];

function sharesOf<E extends AnyEndpoint>(layout: Layout<E>, rules: PartRules, avoid: readonly object[]): Share<E>[] {
  const isLeft = ({ host }: E) => avoid.length === 0 || !avoid.includes(host);
  const able = layout.map(({ all }) => all.filter(isAble));
  const left = avoid.length === 0 ? able : able.map((some) => some.filter(isLeft));
  const health = layout.map(({ all }, i) =>
    left[i]!.length === 0 ? 0 : Math.min(1, (able[i]!.length / all.length) * rules.overprovisioning),
  );
  const sum = health.reduce((whole, one) => whole + one, 0);
  if (sum === 0) return lastResort(layout, rules, isLeft);
  const shares: Share<E>[] = [];
  let rest = 1;
  for (const [i, { name, all, places }] of layout.entries()) {
    const share = Math.min(rest, health[i]! / Math.min(1, sum));
    if (!(share > 0)) continue;
    rest -= share;
    const isPanic = sum < 1 && able[i]!.length / all.length < rules.panicBelow;
    const whole = { name, share, from: isPanic ? all.filter(isLeft) : left[i]!, listed: all };
    const parts = rules.weighsLocalities && !isPanic ? placesOf(places, share, rules.overprovisioning, isLeft) : [];
    shares.push(...(parts.length > 0 ? parts : [whole]));
  }
  return shares;
}

/** What one priority's localities get of its share; empty where none with a weight is able. */
function placesOf<E extends AnyEndpoint>(
  places: readonly Place<E>[],
  share: number,
  overprovisioning: number,
  isLeft: (endpoint: E) => boolean,
): Share<E>[] {
  const weighed = places.map(({ name, weight, all }) => {
    const able = all.filter(isAble);
    const from = able.filter(isLeft);
    const part = from.length === 0 ? 0 : weight * Math.min(1, (able.length / all.length) * overprovisioning);
    return { name, part, from, listed: all };
  });
  const total = weighed.reduce((sum, { part }) => sum + part, 0);
  return weighed
    .filter(({ part }) => part > 0)
    .map(({ name, part, from, listed }) => ({ name, share: (share * part) / total, from, listed }));
}

/** Nobody is able: those of the first priority that has any who are neither ejected nor called unhealthy; else panic, where that is allowed. */
function lastResort<E extends AnyEndpoint>(
  layout: Layout<E>,
  { panicBelow }: PartRules,
  isLeft: (endpoint: E) => boolean,
): Share<E>[] {
  for (const isAllowed of panicBelow > 0 ? [isInService, () => true] : [isInService]) {
    for (const { name, all } of layout) {
      const from = all.filter((endpoint) => isAllowed(endpoint) && isLeft(endpoint));
      if (from.length > 0) return [{ name, share: 1, from, listed: all }];
    }
  }
  return [];
}

function isInService(endpoint: AnyEndpoint): boolean {
  return endpoint.healthy && endpoint.record?.ejected !== true;
}

function isAble(endpoint: AnyEndpoint): boolean {
  return isInService(endpoint) && endpoint.host.state !== "down" && !endpoint.host.draining;
}

/** The endpoints that are all equally good to choose from: connected, with weight, not leaving; else the next best. */
function bestTier<E extends AnyEndpoint>(endpoints: readonly E[], isConsistent: boolean): readonly E[] {
  let best = Number.POSITIVE_INFINITY;
  for (const endpoint of endpoints) best = Math.min(best, tierOf(endpoint, isConsistent));
  return endpoints.filter((endpoint) => tierOf(endpoint, isConsistent) === best);
}

function tierOf({ host, weight }: AnyEndpoint, isConsistent: boolean): number {
  if (host.state === "down") return 5;
  if (host.draining) return 4;
  const ready = host.state === "ready" || isConsistent ? 0 : 1;
  return weight > 0 ? ready : 2 + ready;
}

function weigh<E extends AnyEndpoint>(
  endpoints: readonly E[],
  { slowStart }: PartRules,
  wallMs: number,
): Candidate<E>[] {
  let upTo = 0;
  return endpoints.map((endpoint) => {
    const warmed = warmedWeight(endpoint, wallMs);
    const weight = slowStart === undefined ? warmed : warmed * slowStartShare(slowStart, wallMs - endpoint.addedAtMs);
    upTo += weight;
    return { endpoint, weight, upTo };
  });
}

/** Whether weights grow now. */
export function isWarming(
  { startedAtMs, warmupMs, addedAtMs }: AnyEndpoint,
  { slowStart }: PartRules,
  wallMs: number,
): boolean {
  return wallMs - startedAtMs < warmupMs || (slowStart !== undefined && wallMs - addedAtMs < slowStart.windowMs);
}

/** Dubbo's warm-up: the weight grows with the uptime from 1 to full; endpoints of weight 0 are only ever chosen among themselves. */
export function warmedWeight(
  endpoint: Pick<AnyEndpoint, "weight" | "startedAtMs" | "warmupMs">,
  wallMs: number,
): number {
  const weight = Math.max(1, endpoint.weight);
  const uptimeMs = wallMs - endpoint.startedAtMs;
  if (endpoint.startedAtMs === 0 || endpoint.warmupMs === 0 || uptimeMs >= endpoint.warmupMs) return weight;
  if (uptimeMs < 0) return 1;
  return Math.min(weight, Math.max(1, Math.floor((uptimeMs * weight) / endpoint.warmupMs)));
}
