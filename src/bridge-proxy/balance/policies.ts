import type { LbPolicy } from "../../codecs/xds/resources.ts";

/** What a policy asks of an endpoint: the calls that wait for an answer from there. */
export interface Choosable {
  readonly host: { readonly active: number };
}

/** An endpoint with its weight at this time; `upTo` is the running sum of the weights, itself included. */
export interface Candidate<E> {
  readonly endpoint: E;
  readonly weight: number;
  readonly upTo: number;
}

/** Chooses one of at least one candidates; `random` in [0, 1). */
export type Choose = <E extends Choosable>(
  candidates: readonly Candidate<E>[],
  totalWeight: number,
  random: () => number,
) => Candidate<E>;

/** Random by weight: what Dubbo consumers do by default. */
export function createRandom(): Choose {
  return byWeight;
}

/** Each in turn, as often as its weight says, spread out evenly (smooth weighted round robin). */
export function createRoundRobin(): Choose {
  const credit = new WeakMap<Choosable, number>();
  return (candidates, totalWeight) => {
    let best = candidates[0]!;
    let most = Number.NEGATIVE_INFINITY;
    for (const candidate of candidates) {
      const now = (credit.get(candidate.endpoint) ?? 0) + candidate.weight;
      credit.set(candidate.endpoint, now);
      if (now > most) {
        most = now;
        best = candidate;
      }
    }
    credit.set(best.endpoint, most - totalWeight);
    return best;
  };
}

/**
 * Of two drawn by weight, the one with fewer calls in flight for its weight; the first of them where that is equal. Never the
 * same one twice: of two candidates the one that does not answer would still get a quarter of the calls.
 */
export function createLeastRequest(): Choose {
  return (candidates, totalWeight, random) => {
    const one = byWeight(candidates, totalWeight, random);
    if (candidates.length === 1) return one;
    const point = random() * (totalWeight - one.weight);
    // Points at and behind the first one's are moved over it.
    const two = at(candidates, point < one.upTo - one.weight ? point : point + one.weight);
    return two.endpoint.host.active * one.weight < one.endpoint.host.active * two.weight ? two : one;
  };
}

/** Every policy by its xDS name; each set of endpoints gets one of its own. */
export const POLICIES: Readonly<Record<LbPolicy, () => Choose>> = {
  RANDOM: createRandom,
  ROUND_ROBIN: createRoundRobin,
  LEAST_REQUEST: createLeastRequest,
};

function byWeight<E>(candidates: readonly Candidate<E>[], totalWeight: number, random: () => number): Candidate<E> {
  return at(candidates, random() * totalWeight);
}

function at<E>(candidates: readonly Candidate<E>[], point: number): Candidate<E> {
  return candidates.find((candidate) => point < candidate.upTo) ?? candidates.at(-1)!;
}
