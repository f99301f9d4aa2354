import { joinHashes } from "./hash.ts";
import type { HashTable, Member } from "./hash-table.ts";
import type { Candidate, Choosable, Choose, Offer } from "./policies.ts";

const HASHES = 2 ** 32;
/** Places that are tried for a key whose endpoint is not warm enough for it, before it gets it all the same. */
const MOVES = 8;

/** What of an offer does not change from call to call. */
interface Slots {
  /** By member; undefined for those that take no call. */
  readonly candidates: readonly (Candidate<Choosable> | undefined)[];
  /** Whether any member takes calls. */
  readonly isServed: boolean;
  /** The warmest candidate's share of its full weight, of 1. */
  readonly warmest: number;
}

/**
 * Calls with the same hash go to the same endpoint; a call without one goes anywhere. The table is made of all listed endpoints by their
 * full weights: those that take no call now are passed over, which moves nobody else's keys, and get theirs back. An endpoint that warms up
 * takes the share of its keys that its weight has of the full one, always the same ones, where others are warmer.
 */
export function createConsistent(build: (members: readonly Member[]) => HashTable): Choose {
  let listed: readonly Choosable[] | undefined;
  let table: HashTable | undefined;
  let order: readonly Choosable[] = [];
  const known = new WeakMap<object, Slots>();
  return <E extends Choosable>(offer: Offer<E>, random: () => number, hash: number | undefined): Candidate<E> => {
    if (listed !== offer.listed || table === undefined) {
      listed = offer.listed;
      order = membersOf(listed);
      table = build(order.map((endpoint) => ({ name: nameOf(endpoint), weight: endpoint.weight || 1 })));
    }
    let slots = known.get(offer);
    if (slots === undefined) {
      slots = slotsOf(offer, order);
      known.set(offer, slots);
    }
    const { candidates, isServed, warmest } = slots;
    const key = hash ?? Math.floor(random() * HASHES);
    if (!isServed) return offer.candidates[key % offer.candidates.length]!;
    const isUsable = (index: number) => candidates[index] !== undefined;
    const first = candidates[table.find(key, isUsable)]!;
    const point = joinHashes(key, -1) / HASHES;
    let found = first;
    for (let moves = 1; moves <= MOVES; moves++) {
      if (shareOf(found) >= point * warmest) return found as Candidate<E>;
      found = candidates[table.find(joinHashes(key, moves), isUsable)]!;
    }
    return first as Candidate<E>;
  };
}

function slotsOf(offer: Offer<Choosable>, order: readonly Choosable[]): Slots {
  const byEndpoint = new Map(offer.candidates.map((candidate) => [candidate.endpoint, candidate]));
  const candidates = order.map((endpoint) => byEndpoint.get(endpoint));
  let warmest = 0;
  for (const candidate of candidates) if (candidate !== undefined) warmest = Math.max(warmest, shareOf(candidate));
  return { candidates, isServed: warmest > 0, warmest };
}

/** What it has of its full weight, of 1. */
function shareOf({ weight, endpoint }: Candidate<Choosable>): number {
  return weight / Math.max(1, endpoint.weight);
}

/** Those with weight, all where none has any; by name, so that the order of a list does not count. */
function membersOf(listed: readonly Choosable[]): readonly Choosable[] {
  const weighed = listed.filter(({ weight }) => weight > 0);
  const members = weighed.length > 0 ? weighed : [...listed];
  return members.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf({ host }: Choosable): string {
  return `${host.address}:${host.port}`;
}
