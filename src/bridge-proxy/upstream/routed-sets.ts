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
  /** By which steps, shares and values it came about: the same after a change of endpoints; undefined where that is too long. */
  readonly path: string | undefined;
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

/** Makes a set; `before` is the one in whose place it stands. */
type CreateSet<C extends UpstreamConnection> = (
  endpoints: readonly EndpointOf<C>[],
  before?: EndpointSet<C>,
) => EndpointSet<C>;

/** Narrows the endpoints of a service by the routers of its registry; each list is made once, so that a call draws from a ready one. */
export class RoutedSets<C extends UpstreamConnection> {
  /** What calls have to tell. */
  readonly callKeys: readonly string[];
  readonly #steps: readonly { readonly step: RouterStep; readonly refers: readonly string[] }[];
  readonly #create: CreateSet<C>;
  #roots = new Map<EndpointSet<C>, Left<C>>();
  #count = 0;
  /** Sets by path: those made here, and those whose turns go on once they are asked for. */
  readonly #made = new Map<string, EndpointSet<C>>();
  readonly #before: Map<string, EndpointSet<C>>;

  /** `before` stood in its place by the same routing: turns of its sets go on. */
  constructor(routing: Routing, create: CreateSet<C>, before?: RoutedSets<C>) {
    this.callKeys = callKeys(routing);
    this.#steps = routing.steps.map((step) => ({ step, refers: references(step) }));
    this.#create = create;
    this.#before = before === undefined ? new Map() : before.#known();
  }

  /** The endpoints of `set` that are left for a call; `random` in [0, 1) draws where a step has shares. */
  narrow(set: EndpointSet<C>, call: ValueOf, random: () => number): EndpointSet<C> {
    let left = this.#roots.get(set);
    if (left === undefined) {
      if (this.#count >= MAX_LISTS) this.#forget();
      left = this.#left(set.endpoints, set.endpoints[0]?.tag ?? "", set);
      this.#roots.set(set, left);
    }
    for (const [index, { step, refers }] of this.#steps.entries()) {
      if (left.endpoints.length === 0) break;
      if (!isMeant(step, call)) continue;
      const key = refers.length === 0 ? String(index) : JSON.stringify([index, ...refers.map((name) => call(name))]);
      left = draw(left.after.get(key) ?? this.#branch(left, key, step, call), random);
    }
    left.set ??= this.#make(left);
    return left.set;
  }

  #make({ endpoints, path }: Left<C>): EndpointSet<C> {
    const set = this.#create(
      endpoints,
      path === undefined ? undefined : (this.#made.get(path) ?? this.#before.get(path)),
    );
    if (path === undefined) return set;
    this.#before.delete(path);
    if (this.#made.size >= MAX_LISTS) this.#made.clear();
    this.#made.set(path, set);
    return set;
  }

  /** Sets by path, as far as they are not too many. */
  #known(): Map<string, EndpointSet<C>> {
    const isTooMany = this.#before.size + this.#made.size > MAX_LISTS;
    return new Map(isTooMany ? this.#made : [...this.#before, ...this.#made]);
  }

  #branch(left: Left<C>, key: string, step: RouterStep, call: ValueOf): Branch<C> {
    const taken = takenBy(step, left.endpoints, (endpoint, name) => endpoint.values?.[name], call);
    if (this.#count >= MAX_LISTS) this.#forget();
    this.#count++;
    let total = 0;
    const lists =
      taken === undefined
        ? [{ upTo: 1, left }]
        : taken.map(({ weight, providers }, i) => {
            total += taken.length === 1 ? 1 : Math.max(0, weight);
            return { upTo: total, left: this.#left(providers, pathOf(left, key, i)) };
          });
    const branch = { lists: lists.length > 0 ? lists : [{ upTo: 1, left: this.#left([], undefined) }], total };
    if (key.length <= MAX_KEY) left.after.set(key, branch);
    return branch;
  }

  #left(endpoints: readonly EndpointOf<C>[], path: string | undefined, set?: EndpointSet<C>): Left<C> {
    this.#count++;
    return { endpoints, path, set, after: new Map() };
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

function pathOf({ path }: Pick<Left<UpstreamConnection>, "path">, key: string, share: number): string | undefined {
  if (path === undefined || path.length + key.length > MAX_KEY) return undefined;
  return `${path}\n${key} ${share}`;
}
