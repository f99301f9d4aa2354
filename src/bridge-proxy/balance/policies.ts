/** What a policy asks of an endpoint. */
export interface Choosable {
  readonly host: {
    readonly address: string;
    readonly port: number;
    /** The calls that wait for an answer from there. */
    readonly active: number;
  };
  /** As it is listed, warm. */
  readonly weight: number;
  readonly record: { rttMs(nowMs: number): number } | undefined;
}

/** An endpoint with its weight at this time; `upTo` is the running sum of the weights, itself included. */
export interface Candidate<E> {
  readonly endpoint: E;
  readonly weight: number;
  readonly upTo: number;
}

/** What a policy chooses from; another object after every change. */
export interface Offer<E> {
  /** At least one. */
  readonly candidates: readonly Candidate<E>[];
  readonly totalWeight: number;
  /** All endpoints that keys may belong to, those included that take no call now; the same object as long as the list is. */
  readonly listed: readonly E[];
}

/** Chooses one; `random` in [0, 1), `hash` from 0 to 2^32 - 1 where the call has one, `nowMs` of any clock that goes on. */
export type Choose = <E extends Choosable>(
  offer: Offer<E>,
  random: () => number,
  hash: number | undefined,
  nowMs: number,
) => Candidate<E>;

/** Random by weight: what Dubbo consumers do by default. */
export function createRandom(): Choose {
  return byWeight;
}

/** Each in turn, as often as its weight says, spread out evenly (smooth weighted round robin). */
export function createRoundRobin(): Choose {
  const credit = new WeakMap<Choosable["host"], number>();
  let turns = 0;
  let known: object | undefined;
  let isEven = false;
  return (offer) => {
    const { candidates, totalWeight } = offer;
    if (known !== offer) {
      known = offer;
      isEven = candidates.every(({ weight }) => weight === candidates[0]!.weight);
    }
    if (isEven) return candidates[turns++ % candidates.length]!;
    let best = candidates[0]!;
    let most = Number.NEGATIVE_INFINITY;
    for (const candidate of candidates) {
      const now = (credit.get(candidate.endpoint.host) ?? 0) + candidate.weight;
      credit.set(candidate.endpoint.host, now);
      if (now > most) {
        most = now;
        best = candidate;
      }
    }
    credit.set(best.endpoint.host, most - totalWeight);
    return best;
  };
}

/** Of two drawn by weight, the one with fewer calls in flight for its weight; the first of them where that is equal. */
export function createLeastRequest(): Choose {
  return (offer, random) => {
    const one = byWeight(offer, random);
    const two = another(offer, one, random);
    return two.endpoint.host.active * one.weight < one.endpoint.host.active * two.weight ? two : one;
  };
}

/** What has to be faster to be preferred: times are never quite alike. */
const FASTER = 0.9;

/**
 * Of two drawn by weight, the one where a call costs less: the time that answers take there, by its peaks, times the calls that would wait,
 * for its weight. The first of them where that is about equal. A slow or failing provider is left before calls pile up there.
 */
export function createPeakEwma(): Choose {
  return (offer, random, _, nowMs) => {
    const one = byWeight(offer, random);
    const two = another(offer, one, random);
    const fair = offer.totalWeight / offer.candidates.length;
    return costOf(two, fair, nowMs) < costOf(one, fair, nowMs) * FASTER ? two : one;
  };
}

function costOf({ endpoint, weight }: Candidate<Choosable>, fair: number, nowMs: number): number {
  return (endpoint.record?.rttMs(nowMs) ?? 1) * ((endpoint.host.active * fair) / weight + 1);
}

function byWeight<E>({ candidates, totalWeight }: Offer<E>, random: () => number): Candidate<E> {
  return at(candidates, random() * totalWeight);
}

/** One drawn by weight from all but `one`: of two candidates one that does not answer would still get a quarter of the calls. */
function another<E>({ candidates, totalWeight }: Offer<E>, one: Candidate<E>, random: () => number): Candidate<E> {
  if (candidates.length === 1) return one;
  const point = random() * (totalWeight - one.weight);
  // Points at and behind the first one's are moved over it.
  return at(candidates, point < one.upTo - one.weight ? point : point + one.weight);
}

/** The candidate whose share of the running sum `point` is in. */
function at<E>(candidates: readonly Candidate<E>[], point: number): Candidate<E> {
  let low = 0;
  let high = candidates.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (point < candidates[middle]!.upTo) high = middle;
    else low = middle + 1;
  }
  return candidates[low]!;
}
