/** What a client goes on with in place of what it refused of one type, as far as this server sent it. */
import type { ServedList, ServedResource } from "./served.ts";

/** Most resources that are remembered for a client that refuses one after the other. */
const MAX_KEPT = 1_000;

/** Stands for what an earlier stream sent: it may name anything. */
export const UNKNOWN: ServedResource = { name: "", version: "", resource: {} };

const NONE: ServedList = [];
const texts = new WeakMap<object, ReadonlySet<string>>();

/** All texts that a resource has in it, the names of clusters and routes among them. */
export function textsOf({ resource }: ServedResource): ReadonlySet<string> {
  let found = texts.get(resource);
  if (found === undefined) {
    const all = new Set<string>();
    const visit = (value: unknown): void => {
      if (typeof value === "string") all.add(value);
      else if (typeof value === "object" && value !== null) for (const one of Object.values(value)) visit(one);
    };
    visit(resource);
    texts.set(resource, all);
    found = all;
  }
  return found;
}

/** See the head of the file: the bookkeeping of both kinds of stream, of which each uses its own half. */
export class Former {
  /** Delta: of names that are due what the client was sent last. */
  readonly #before = new Map<string, ServedResource>();
  /** Delta: the same of the response that waits for its answer. */
  #waiting: readonly (readonly [name: string, before: ServedResource | undefined])[] = [];
  /** Delta: of names whose later versions it refused. */
  readonly #kept = new Map<string, ServedResource>();
  /** State-of-the-world: all that it took last. */
  #taken: ServedList = NONE;
  #isRefusing = false;

  /** What it has in place of what it refused; {@link UNKNOWN} among it where nobody knows. */
  get kept(): Iterable<ServedResource> {
    return this.#isRefusing ? this.#taken : this.#kept.values();
  }

  /** A name becomes due, of which the client has this. */
  note(name: string, before: ServedResource): void {
    if (!this.#before.has(name)) this.#before.set(name, before);
  }

  /** A delta response goes out. */
  sent(resources: ServedList): void {
    this.#waiting =
      this.#before.size === 0 && this.#kept.size === 0
        ? NOTHING
        : resources.map(({ name }) => [name, this.#before.get(name)] as const);
    for (const [name] of this.#waiting) this.#before.delete(name);
  }

  /** The client took the response that waited; `all` is what a state-of-the-world client has by that. */
  accept(all: ServedList | undefined): void {
    for (const [name] of this.#waiting) this.#kept.delete(name);
    this.#waiting = NOTHING;
    if (all !== undefined) this.#taken = all;
    this.#isRefusing = false;
  }

  /** The client refused it; what it refused before it has not got either. */
  refuse(isSotw: boolean): void {
    this.#isRefusing = isSotw;
    for (const [name, before] of this.#waiting)
      if (before !== undefined && !this.#kept.has(name) && this.#kept.size < MAX_KEPT) this.#kept.set(name, before);
    this.#waiting = NOTHING;
  }

  /** A resource is there no longer. */
  forget(name: string): void {
    this.#before.delete(name);
    this.#kept.delete(name);
  }
}

const NOTHING: readonly (readonly [name: string, before: ServedResource | undefined])[] = [];
