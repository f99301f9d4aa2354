import type { Consumer, Entry, Finding, World } from "../../../model/entry.ts";
import { BlockList } from "../../block-list.ts";
import { finding } from "../../findings.ts";
import { type ConfigRule, interfaceOfStem, readConfigRule } from "./config-rules.ts";
import { buildInterface, type InterfaceContext, type InterfaceWorld } from "./interface-world.ts";
import type { InterfaceNodes, TreeChanges } from "./tree.ts";

/** Settings of {@link createZookeeperWorld}. */
export interface ZookeeperWorldOptions {
  /** The registry's name; origin of every endpoint. */
  readonly name: string;
  /** Whether an address is one of Trestle's own; such a provider is refused (TR0110). */
  readonly isOwnAddress?: (address: string, port: number) => boolean;
  /** Protocols that are led through the proxy, Dubbo2 alone unless told; a service that is offered in another is told of (TR0120). */
  readonly protocols?: readonly string[];
}

/** Turns what a ZooKeeper registry holds into a world, one change at a time. */
export interface ZookeeperWorld {
  /** Takes changes in and gives the whole world, frozen; the same object as before where nothing that counts changed. */
  update(changes: TreeChanges): World;
}

/**
 * Pure state: no I/O, no clock. The work of an update grows with what changed (the interfaces named, and those that a
 * changed rule or application touches), not with the world; readings of node names that stay are kept.
 */
export function createZookeeperWorld(options: ZookeeperWorldOptions): ZookeeperWorld {
  return new IncrementalWorld(options);
}

class IncrementalWorld implements ZookeeperWorld {
  readonly #name: string;
  readonly #context: InterfaceContext;
  readonly #nodes = new Map<string, InterfaceNodes>();
  readonly #built = new Map<string, InterfaceWorld>();
  readonly #mapping = new Map<string, readonly string[]>();
  readonly #instances = new Map<string, readonly string[]>();
  readonly #rules = new Map<string, Map<string, ConfigRule>>();
  readonly #interfacesByApplication = new Map<string, Set<string>>();
  readonly #providedByApplication = new Map<string, Set<string>>();
  readonly #mappedByApplication = new Map<string, Set<string>>();
  readonly #entries = new BlockList<Entry>();
  readonly #consumers = new BlockList<Consumer>();
  readonly #findings = new BlockList<Finding>();
  #world: World;

  constructor(options: ZookeeperWorldOptions) {
    this.#name = options.name;
    this.#context = {
      origin: options.name,
      isOwnAddress: options.isOwnAddress ?? (() => false),
      protocols: options.protocols ?? ["dubbo"],
      rulesOf: (stem) => [...(this.#rules.get(stem)?.values() ?? [])],
    };
    this.#world = this.#freeze();
  }

  update(changes: TreeChanges): World {
    const rebuild = new Set<string>();
    const applications = new Set<string>();
    const mapped = new Set<string>();
    for (const [key, text] of changes.rules ?? []) this.#takeRule(key, text, rebuild);
    for (const [application, names] of changes.instances ?? []) {
      put(this.#instances, application, names?.filter(isDubboInstance));
      applications.add(application);
      for (const name of this.#mappedByApplication.get(application) ?? []) mapped.add(name);
    }
    for (const [name, list] of changes.mapping ?? []) {
      this.#takeMapping(name, list);
      mapped.add(name);
    }
    for (const [name, nodes] of changes.interfaces ?? []) {
      put(this.#nodes, name, nodes);
      rebuild.add(name);
    }
    let changed = false;
    for (const name of rebuild) {
      changed = this.#rebuild(name, applications) || changed;
      mapped.add(name);
    }
    for (const application of applications) changed = this.#judgeApplication(application) || changed;
    for (const name of mapped) changed = this.#judgeMapping(name) || changed;
    if (changed) this.#world = this.#freeze();
    return this.#world;
  }

  #rebuild(name: string, applications: Set<string>): boolean {
    const nodes = this.#nodes.get(name);
    const before = this.#built.get(name);
    const built = nodes && keepEqual(before, buildInterface(name, nodes, before, this.#context));
    put(this.#built, name, built);
    for (const [index, list] of [
      [this.#providedByApplication, (one: InterfaceWorld) => one.providerApplications],
      [
        this.#interfacesByApplication,
        (one: InterfaceWorld) => union(one.providerApplications, one.consumerApplications),
      ],
    ] as const) {
      for (const application of before ? list(before) : []) remove(index, application, name, applications);
      for (const application of built ? list(built) : []) add(index, application, name, applications);
    }
    const replaced = [
      this.#entries.replace(name, built?.entries ?? []),
      this.#consumers.replace(name, built?.consumers ?? []),
      this.#findings.replace(`interface ${name}`, built?.findings ?? []),
    ];
    return replaced.includes(true);
  }

  #takeRule(key: string, text: string | undefined, rebuild: Set<string>): void {
    const rule = text === undefined ? undefined : readConfigRule(key, text);
    const stem = rule?.stem ?? key.slice(0, Math.max(0, key.lastIndexOf(".")));
    const ofStem = this.#rules.get(stem) ?? new Map<string, ConfigRule>();
    put(ofStem, key, rule);
    put(this.#rules, stem, ofStem.size > 0 ? ofStem : undefined);
    const named = interfaceOfStem(stem);
    if (this.#nodes.has(named)) rebuild.add(named);
    for (const name of this.#interfacesByApplication.get(stem) ?? []) rebuild.add(name);
  }

  #takeMapping(name: string, list: readonly string[] | undefined): void {
    for (const application of this.#mapping.get(name) ?? []) remove(this.#mappedByApplication, application, name);
    put(this.#mapping, name, list);
    for (const application of list ?? []) add(this.#mappedByApplication, application, name);
  }

  #judgeApplication(application: string): boolean {
    const alone = (this.#instances.get(application)?.length ?? 0) > 0 && !this.#providedByApplication.has(application);
    const at = `/services/${application}`;
    const message = `application ${application} has no interface-level registration; set its register-mode to all to lead it through the proxy`;
    return this.#findings.replace(`application ${application}`, alone ? [finding("TR0122", message, at)] : []);
  }

  #judgeMapping(name: string): boolean {
    const live = (this.#mapping.get(name) ?? []).filter((one) => (this.#instances.get(one)?.length ?? 0) > 0);
    const alone = live.length > 0 && (this.#built.get(name)?.entries.length ?? 0) === 0;
    const message = `${name} is offered at application level only (by ${live.slice(0, 5).join(", ")})`;
    return this.#findings.replace(`mapping ${name}`, alone ? [finding("TR0121", message, name)] : []);
  }

  #freeze(): World {
    return Object.freeze({
      name: this.#name,
      entries: this.#entries.get(),
      consumers: this.#consumers.get(),
      findings: this.#findings.get(),
    });
  }
}

/** Dubbo names its instances `host:port`; Spring Cloud names them by a UUID. Both stand under `/services`. */
function isDubboInstance(name: string): boolean {
  return /:\d{1,5}$/.test(name);
}

/** The old findings where the new ones say the same, so that nothing is taken for changed. */
function keepEqual(before: InterfaceWorld | undefined, after: InterfaceWorld): InterfaceWorld {
  if (before === undefined) return after;
  const same = JSON.stringify(before.findings) === JSON.stringify(after.findings);
  return { ...after, findings: same ? before.findings : after.findings };
}

function union(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...a, ...b]);
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function add(index: Map<string, Set<string>>, key: string, name: string, touched?: Set<string>): void {
  const set = index.get(key) ?? new Set<string>();
  index.set(key, set.add(name));
  touched?.add(key);
}

function remove(index: Map<string, Set<string>>, key: string, name: string, touched?: Set<string>): void {
  const set = index.get(key);
  set?.delete(name);
  if (set?.size === 0) index.delete(key);
  touched?.add(key);
}
