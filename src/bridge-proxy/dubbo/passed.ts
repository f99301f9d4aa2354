import { AskedEntries, type SaidEntries } from "../../codecs/dubbo2/asked-entries.ts";
import type { RequestHead } from "../../codecs/dubbo2/head.ts";
import type { Peer } from "../authz/peer.ts";
import type { RouteTable } from "../route.ts";
import { attachmentsAsked } from "./readings.ts";

/** Methods of one name, told apart by their arguments, of which that is remembered. */
const MAX_KNOWN = 4;
/** Beginnings of calls of one peer of which that is remembered for all its connections. */
const MAX_BEGINNINGS = 512;
/** Longer ones, in bytes, are remembered for nobody else. */
const MAX_BEGINNING = 512;
/** After so many calls in a row that none of them was like, calls are read in full for a while: looking twice costs more. */
const MAX_MISSES = 16;
const PAUSE_CALLS = 1_000;

/**
 * What calls of a lane said that policies let through. Where policies go by attachments alone, a call that says the same in those that they ask for
 * is let through as well, without its being asked.
 */
export class PassedCalls {
  #asked: AskedEntries | undefined;
  #known: SaidEntries[] = [];
  /** The place of the next one to be forgotten. */
  #next = 0;
  #misses = 0;
  #pause = 0;

  /** Whether the request whose method ends at `at`, in a body that ends at `end`, is like one that passed. */
  has(bytes: Buffer, at: number, end: number): boolean {
    const known = this.#known;
    if (known.length === 0) return false;
    if (this.#pause > 0) {
      this.#pause--;
      return false;
    }
    for (let i = 0; i < known.length; i++) {
      if (this.#asked!.says(known[i]!, bytes, at, end)) {
        this.#misses = 0;
        return true;
      }
    }
    if (++this.#misses >= MAX_MISSES) {
      this.#misses = 0;
      this.#pause = PAUSE_CALLS;
    }
    return false;
  }

  /** A call passed; `asks` are the headers that policies go by, undefined where they go by more. */
  add(head: RequestHead, asks: readonly string[] | undefined): void {
    if (asks === undefined || this.#pause > 0) return;
    if (this.#asked === undefined) {
      const names = attachmentsAsked(asks);
      if (!AskedEntries.canTell(names)) return;
      this.#asked = new AskedEntries(names);
    }
    const said = this.#asked.said(head);
    if (said === undefined) return;
    const same = this.#known.findIndex(({ types }) => types.equals(said.types));
    this.#known[same < 0 ? this.#next : same] = said;
    if (same < 0) this.#next = (this.#next + 1) % MAX_KNOWN;
  }
}

const shared = new WeakMap<RouteTable, WeakMap<Peer, Map<string, PassedCalls>>>();

/** One for all calls of a peer that begin with these bytes and name this group, over whichever connection they come, while the routes stay. */
export function passedCalls(routes: RouteTable, peer: Peer, prefix: Buffer, group = ""): PassedCalls {
  // What is not all ASCII has no beginning that others could have.
  if (prefix.length === 0 || prefix.length + group.length > MAX_BEGINNING) return new PassedCalls();
  const peers = shared.get(routes) ?? new WeakMap<Peer, Map<string, PassedCalls>>();
  shared.set(routes, peers);
  const beginnings = peers.get(peer) ?? new Map<string, PassedCalls>();
  peers.set(peer, beginnings);
  const key = prefix.toString("latin1") + group;
  const known = beginnings.get(key);
  if (known !== undefined) return known;
  if (beginnings.size >= MAX_BEGINNINGS) beginnings.clear();
  const made = new PassedCalls();
  beginnings.set(key, made);
  return made;
}
