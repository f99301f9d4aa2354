import { isMeant, takenBy, type ValueOf } from "../../codecs/xds/routing.ts";
import { callKeys, type RouterStep, type Routing, references } from "../../model/routing.ts";
import type { EndpointSet } from "../balance/endpoint-set.ts";
import type { EndpointOf } from "./endpoint.ts";
import type { UpstreamConnection } from "./host.ts";

/** Lists, and answers that changed none, that are remembered, the most; who makes up values of `$key` has them worked out anew. */
const MAX_LISTS = 1_024;
/** What calls with longer values than this are answered is not remembered, characters. */
const MAX_KEY = 1_024;

/** What was left of a set by some steps. */
interface Left<C extends UpstreamConnection> {
  readonly endpoints: readonly EndpointOf<C>[];
  set: EndpointSet<C> | undefined;
  /** By step, and the caller's values that it refers to. */
  readonly after: Map<string, Branch<C>>;
}

/** What one step leaves: lists by share, or nothing but the list before it. */
interface Branch<C extends UpstreamConnection> {
  readonly lists: readonly { readonly upTo: number; readonly left: Left<C> }[];
  readonly total: number;
}

/** Narrows the endpoints of a service by the routers of its registry; each list is made once, so that a call draws from a ready one. */
export class RoutedSets<C extends UpstreamConnection> {
  /** What calls have to tell. */
  readonly callKeys: readonly string[];
  readonly #steps: readonly { readonly step: RouterStep; readonly refers: readonly string[] }[];
  readonly #create: (endpoints: readonly EndpointOf<C>[]) => EndpointSet<C>;
  #roots = new Map<EndpointSet<C>, Left<C>>();
  #count = 0;

  constructor(routing: Routing, create: (endpoints: readonly EndpointOf<C>[]) => EndpointSet<C>) {
    this.callKeys = callKeys(routing);
    this.#steps = routing.steps.map((step) => ({ step, refers: references(step) }));
    this.#create = create;
  }

  /** The endpoints of `set` that are left for a call; `random` in [0, 1) draws where a step has shares. */
  narrow(set: EndpointSet<C>, call: ValueOf, random: () => number): EndpointSet<C> {
    let left = this.#roots.get(set);
    if (left === undefined) {
      if (this.#count >= MAX_LISTS) this.#forget();
      left = this.#left(set.endpoints, set);
      this.#roots.set(set, left);
    }
    for (const [index, { step, refers }] of this.#steps.entries()) {
      if (left.endpoints.length === 0) break;
      if (!isMeant(step, call)) continue;
      const key = refers.length === 0 ? String(index) : JSON.stringify([index, ...refers.map((name) => call(name))]);
      left = draw(left.after.get(key) ?? this.#branch(left, key, step, call), random);
    }
    left.set ??= this.#create(left.endpoints);
    return left.set;
  }

  #branch(left: Left<C>, key: string, step: RouterStep, call: ValueOf): Branch<C> {
    const taken = takenBy(step, left.endpoints, (endpoint, name) => endpoint.values?.[name], call);
    if (this.#count >= MAX_LISTS) this.#forget();
    this.#count++;
    let total = 0;
    const lists =
      taken === undefined
        ? [{ upTo: 1, left }]
        : taken.map(({ weight, providers }) => {
            total += taken.length === 1 ? 1 : Math.max(0, weight);
            return { upTo: total, left: this.#left(providers) };
          });
    const branch = { lists: lists.length > 0 ? lists : [{ upTo: 1, left: this.#left([]) }], total };
    if (key.length <= MAX_KEY) left.after.set(key, branch);
    return branch;
  }

  #left(endpoints: readonly EndpointOf<C>[], set?: EndpointSet<C>): Left<C> {
    this.#count++;
    return { endpoints, set, after: new Map() };
  }

  #forget(): void {
    this.#roots = new Map();
    this.#count = 0;
  }
}

function draw<C extends UpstreamConnection>({ lists, total }: Branch<C>, random: () => number): Left<C> {
  if (lists.length === 1) return lists[0]!.left;
  const point = random() * total;
  return (lists.find(({ upTo }) => point < upTo) ?? lists.at(-1)!).left;
}
