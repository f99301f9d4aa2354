import { sameItems } from "../../base/block-list.ts";
import type { Consumer, Endpoint, Entry, Finding, World } from "../../model/entry.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import type { Source } from "../contracts.ts";
import { compareEndpoints, compareText, endpointId } from "../dubbo/endpoint.ts";
import { finding } from "../findings.ts";
import { hostOf } from "../naming/naming.ts";
import type { Naming } from "../naming/naming-styles.ts";
import type { StyleLabels } from "../naming/style-labels.ts";
import { anyOf } from "../patterns.ts";
import { compileRenames, joinEntries, type RenameRule, withLabels } from "./rename.ts";

/** What of a registry is taken over, and how it is called. */
export interface ShapeOptions {
  /** The registry's name, for findings. */
  readonly registry: string;
  /** Names or keys of the services that are taken over, with `*` for any run of characters; all unless told. */
  readonly include?: readonly string[];
  /** Those that are not, though `include` has them. */
  readonly exclude?: readonly string[];
  /** The first that fits a service counts. */
  readonly rename?: readonly RenameRule[];
  /** How services are called; as the source calls them unless told. */
  readonly naming?: Naming;
  /** Labels beside those of renames, which win. */
  readonly labels?: StyleLabels;
}

/** What stands between a source and the guard: pure, but for what it remembers of entries it has seen. */
export interface Shape {
  /** A source's world as configuration wants it; the same object where nothing is changed. Costs what changed, plus a walk over the entries. */
  apply(world: World): World;
  /** The host that an entry of this registry has; its own where configuration says nothing of names. */
  hostOf(entry: Entry): string;
}

/** Whether any of it does anything; where not, no shape is needed. */
export function shapes({ include, exclude = [], rename = [], naming, labels }: ShapeOptions): boolean {
  return (
    include !== undefined || exclude.length > 0 || rename.length > 0 || naming !== undefined || labels !== undefined
  );
}

/**
 * Applies one registry's filters, renames and naming style. Services that come to have one key are joined into one entry. A filter
 * or a rename that fits nothing is told of (TR0170) once the registry has services.
 */
export function createShape(options: ShapeOptions): Shape {
  return new WorldShape(options);
}

/** A source whose worlds are shaped. */
export function shapedSource(source: Source, shape: Shape): Source {
  return {
    name: source.name,
    hostOf: (entry) => {
      const host = shape.hostOf(entry);
      return host === entry.host ? (source.hostOf?.(entry) ?? host) : host;
    },
    ...(source.status && { status: () => source.status!() }),
    async *watch(signal, onDisturbed) {
      for await (const world of source.watch(signal, onDisturbed)) yield shape.apply(world);
    },
  };
}

/** What was made of a source's entry; `entry` is undefined where the filters leave it out. */
interface Made {
  readonly entry: Entry | undefined;
  readonly rule: number;
}

class WorldShape implements Shape {
  readonly #options: ShapeOptions;
  readonly #isIncluded: (name: string) => boolean;
  readonly #isExcluded: (name: string) => boolean;
  readonly #renamed: (service: ServiceKey) => { readonly rule: number; readonly service: ServiceKey } | undefined;
  readonly #made = new WeakMap<Entry, Made>();
  readonly #joined = new WeakMap<Entry, { readonly other: Entry; readonly entry: Entry }>();
  readonly #consumers = new WeakMap<Consumer, Consumer>();
  /** Hosts of the services of the last world: one that lost its endpoints keeps its own. */
  #hosts: ReadonlyMap<string, string> = new Map();
  readonly #usedRules = new Set<number>();

  constructor(options: ShapeOptions) {
    this.#options = options;
    this.#isIncluded = anyOf(options.include ?? ["*"]);
    this.#isExcluded = anyOf(options.exclude ?? []);
    this.#renamed = compileRenames(options.rename ?? []);
  }

  apply(world: World): World {
    const entries: Entry[] = [];
    const at = new Map<string, number>();
    const hosts = new Map<string, string>();
    this.#usedRules.clear();
    for (const given of world.entries) {
      const { entry, rule } = this.#make(given);
      if (rule >= 0) this.#usedRules.add(rule);
      if (entry === undefined) continue;
      const key = printServiceKey(entry.service);
      const known = at.get(key);
      hosts.set(key, entry.host);
      if (known === undefined) {
        at.set(key, entries.length);
        entries.push(entry);
      } else entries[known] = this.#join(entries[known]!, entry);
    }
    this.#hosts = hosts;
    const findings = this.#findings(world);
    const consumers = world.consumers.flatMap((consumer) => this.#consumer(consumer));
    const isSame = sameItems(entries, world.entries);
    if (isSame && findings.length === 0 && sameItems(consumers, world.consumers)) return world;
    if (!isSame) entries.sort((a, b) => compareText(a.host, b.host));
    return Object.freeze({
      ...world,
      entries: isSame ? world.entries : Object.freeze(entries),
      consumers,
      findings: findings.length === 0 ? world.findings : [...world.findings, ...findings],
    });
  }

  hostOf(entry: Entry): string {
    return this.#written(entry, entry.host).toLowerCase();
  }

  #make(given: Entry): Made {
    const known = this.#made.get(given);
    if (known !== undefined) return known;
    const made = this.#makeNew(given);
    this.#made.set(given, made);
    return made;
  }

  #makeNew(given: Entry): Made {
    if (!this.#takes(given.service)) return { entry: undefined, rule: -1 };
    const { labels, naming, rename = [] } = this.#options;
    const renamed = this.#renamed(given.service);
    const service = renamed?.service ?? given.service;
    const named = renamed === undefined ? undefined : rename[renamed.rule]?.labels;
    const endpoints = given.endpoints.map((one) => this.#endpoint(one, labels, named));
    const isLabelled = endpoints.some((one, i) => one !== given.endpoints[i]);
    if (renamed === undefined && naming === undefined && !isLabelled) return { entry: given, rule: -1 };
    const shaped = { ...given, service, endpoints: isLabelled ? Object.freeze(endpoints) : given.endpoints };
    const written = this.#written(shaped, renamed === undefined ? given.host : hostOf(service));
    const host = written.toLowerCase();
    const entry = Object.freeze({ ...shaped, host, ...(written !== host && { writtenHost: written }) });
    return { entry, rule: renamed?.rule ?? -1 };
  }

  #endpoint(
    endpoint: Endpoint,
    style: StyleLabels | undefined,
    named: Readonly<Record<string, string>> | undefined,
  ): Endpoint {
    const styled = style?.(endpoint) ?? {};
    const before =
      Object.keys(styled).length === 0 ? endpoint : { ...endpoint, labels: { ...endpoint.labels, ...styled } };
    const after = named === undefined ? before : withLabels(before, named);
    if (after === endpoint) return endpoint;
    const labels = Object.entries(after.labels ?? {}).sort(([a], [b]) => compareText(a, b));
    return Object.freeze({ ...after, labels: Object.freeze(Object.fromEntries(labels)) });
  }

  #written(entry: Entry, host: string): string {
    const { naming } = this.#options;
    if (naming === undefined) return host;
    if (entry.endpoints.length > 0) return naming(entry);
    const known = this.#hosts.get(printServiceKey(entry.service));
    const guess = naming(entry);
    return known === undefined || known === guess.toLowerCase() ? guess : known;
  }

  #takes(service: ServiceKey): boolean {
    const key = printServiceKey(service);
    if (!this.#isIncluded(service.interface) && !this.#isIncluded(key)) return false;
    return !this.#isExcluded(service.interface) && !this.#isExcluded(key);
  }

  #join(first: Entry, second: Entry): Entry {
    const known = this.#joined.get(second);
    if (known?.other === first) return known.entry;
    const endpoints = Object.freeze([...joinEntries(first, second, endpointId)].sort(compareEndpoints));
    const entry = Object.freeze({ ...first, endpoints });
    this.#joined.set(second, { other: first, entry });
    return entry;
  }

  #consumer(consumer: Consumer): readonly Consumer[] {
    if (!this.#takes(consumer.service)) return [];
    const known = this.#consumers.get(consumer);
    if (known !== undefined) return [known];
    const renamed = this.#renamed(consumer.service);
    const made = renamed === undefined ? consumer : Object.freeze({ ...consumer, service: renamed.service });
    this.#consumers.set(consumer, made);
    return [made];
  }

  /** Patterns and rules that fit no service, while there are services. */
  #findings({ entries }: World): readonly Finding[] {
    if (entries.length === 0) return [];
    const { registry, include = [], exclude = [], rename = [] } = this.#options;
    const found: Finding[] = [];
    const tell = (what: string, pattern: string) =>
      found.push(finding("TR0170", `${what} "${pattern}" of registry ${registry} fits none of its services`, registry));
    for (const [what, patterns] of [
      ["services.include", include],
      ["services.exclude", exclude],
    ] as const) {
      for (const pattern of patterns) if (!fitsAny(pattern, entries)) tell(what, pattern);
    }
    for (const [index, { from }] of rename.entries()) if (!this.#usedRules.has(index)) tell("rename", from);
    return found;
  }
}

function fitsAny(pattern: string, entries: readonly Entry[]): boolean {
  const fits = anyOf([pattern]);
  return entries.some(({ service }) => fits(service.interface) || fits(printServiceKey(service)));
}
