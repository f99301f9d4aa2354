import { hashOfText, joinHashes, mix } from "./hash.ts";

/** One that keys are spread over: its name decides its places, its weight (above 0) how many they are. */
export interface Member {
  readonly name: string;
  readonly weight: number;
}

/**
 * Where each key belongs: the members in the order in which they stand up for one another. `find` gives the index of the first member that
 * `usable` takes, -1 where it takes none; a key's own member does not change as others become usable or not.
 */
export interface HashTable {
  find(hash: number, usable: (index: number) => boolean): number;
}

/** Entries of a ring unless its cluster says more; as Envoy and Istio have it. */
const MIN_RING = 1_024;
/** Most entries of a ring, whatever is asked for: one endpoint with a hundredth of a percent of the weight has 26 of them. */
export const MAX_RING = 262_144;
/** Envoy's own table size; a prime, as every table size must be. */
const TABLE_SIZE = 65_537;
/** Largest table that is made: building it holds up a worker for about 150 ms. Envoy's own limit is 5,000,011. */
export const MAX_TABLE = 262_147;

/** How large a ring may be: between the two numbers of entries, as many as the weights need. */
export interface RingBounds {
  readonly minimumRingSize?: number | undefined;
  readonly maximumRingSize?: number | undefined;
}

/**
 * Builds a ring (Karger): each member has places by its weight, a key belongs to the next place clockwise. The heaviest has as many as the
 * ring must have at least (as a power of two), halved as often as the upper bound asks: so a member that leaves or comes moves its own keys
 * alone, as long as neither of the two changes. Envoy's rings, no larger than asked for, move others' keys too.
 */
export function buildRing(members: readonly Member[], bounds: RingBounds = {}): HashTable {
  const largest = members.reduce((sum, { weight }) => Math.max(sum, weight), 0);
  const all = members.reduce((sum, { weight }) => sum + weight, 0) / largest;
  const most = Math.min(MAX_RING, Math.max(1, bounds.maximumRingSize ?? MAX_RING));
  const least = Math.min(most, Math.max(1, bounds.minimumRingSize ?? MIN_RING));
  let each = 2 ** Math.ceil(Math.log2(least));
  while (each * all > most && each > 1) each /= 2;
  const places: number[] = [];
  members.forEach(({ name, weight }, index) => {
    const count = Math.max(1, Math.round((weight / largest) * each));
    const base = hashOfText(name);
    // A place and its owner in one number, so that sorting needs no comparing function.
    for (let i = 0; i < count; i++) places.push(joinHashes(base, i) * OWNERS + index);
  });
  return new Ring(Float64Array.from(places).sort());
}

/** Most members of one table: with a 32-bit place beside it, an index fits a double's integers. */
const OWNERS = 2 ** 20;

class Ring implements HashTable {
  readonly #places: Float64Array;

  constructor(places: Float64Array) {
    this.#places = places;
  }

  find(hash: number, usable: (index: number) => boolean): number {
    const places = this.#places;
    let low = 0;
    let high = places.length;
    const point = hash * OWNERS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (places[middle]! < point) low = middle + 1;
      else high = middle;
    }
    for (let steps = 0; steps < places.length; steps++) {
      const index = places[(low + steps) % places.length]! % OWNERS;
      if (usable(index)) return index;
    }
    return -1;
  }
}

/**
 * Builds a Maglev table (Eisenbud et al., NSDI 2016, 3.4): every member has its own order of the slots, and takes the next free one in its
 * turn, turns being as frequent as its weight. Spreads keys more evenly than a ring; a member that leaves or comes moves few others' keys.
 */
export function buildMaglev(members: readonly Member[], tableSize = TABLE_SIZE): HashTable {
  const size = primeFrom(Math.min(MAX_TABLE, Math.max(members.length, tableSize)));
  const owners = new Int32Array(size).fill(-1);
  const places = members.map(({ name }) => ({
    at: hashOfText(name) % size,
    skip: (hashOfText(name, 0x9e3779b9) % (size - 1)) + 1,
  }));
  const turns = turnsOf(members, size);
  for (let filled = 0; filled < size; filled++) {
    const index = turns[filled]! % OWNERS;
    const place = places[index]!;
    while (owners[place.at]! >= 0) place.at = (place.at + place.skip) % size;
    owners[place.at] = index;
  }
  return new Table(owners);
}

/**
 * At least `count` turns in their order: the heaviest member has one in each round, others as often as their weight asks. Rounds in which
 * only few have a turn cost nothing for all the others.
 */
function turnsOf(members: readonly Member[], count: number): Float64Array {
  const largest = members.reduce((most, { weight }) => Math.max(most, weight), 0);
  const each = members.reduce((sum, { weight }) => sum + weight / largest, 0);
  const rounds = Math.ceil((count + members.length) / each);
  const turns: number[] = [];
  members.forEach(({ weight }, index) => {
    // A round and whose turn it is in one number, so that sorting needs no comparing function.
    for (let turn = 1, round = 0; ; turn++) {
      round = Math.ceil((turn * largest) / weight);
      if (round > rounds) break;
      turns.push(round * OWNERS + index);
    }
  });
  return Float64Array.from(turns).sort();
}

class Table implements HashTable {
  readonly #owners: Int32Array;

  constructor(owners: Int32Array) {
    this.#owners = owners;
  }

  /** Where the owner is of no use, slots are tried that only the key decides: its keys spread over all others. */
  find(hash: number, usable: (index: number) => boolean): number {
    const owners = this.#owners;
    let slot = hash % owners.length;
    if (usable(owners[slot]!)) return owners[slot]!;
    const skip = (mix(hash) % (owners.length - 1)) + 1;
    for (let steps = 1; steps < owners.length; steps++) {
      slot = (slot + skip) % owners.length;
      if (usable(owners[slot]!)) return owners[slot]!;
    }
    return -1;
  }
}

/** The first prime from `least` on, and at least 3. */
function primeFrom(least: number): number {
  for (let number = Math.max(3, Math.floor(least)); ; number++) if (isPrime(number)) return number;
}

function isPrime(number: number): boolean {
  if (number % 2 === 0) return number === 2;
  for (let divisor = 3; divisor * divisor <= number; divisor += 2) if (number % divisor === 0) return false;
  return true;
}
