import { BlockList, sameItems } from "../../../base/block-list.ts";
import type { Application } from "../../../model/application.ts";
import type { Consumer, Entry, Finding, World } from "../../../model/entry.ts";
import {
  type BuiltApplication,
  buildApplication,
  type ReadNodes,
  readApplicationNodes,
} from "../../application/application.ts";
import type { ApplicationOffer, OffersByInterface } from "../../application/offers.ts";
import type { Revisions } from "../../application/revisions.ts";
import { buildInterface, type InterfaceContext, type InterfaceWorld } from "../../dubbo/interface-world.ts";
import { type ConfigRule, interfaceOfStem, readConfigRule } from "../../dubbo/overrides/config-rules.ts";
import { finding } from "../../findings.ts";
import { DEFAULT_ROOTS } from "./dubbo-plan.ts";
import { buildSpringService, type SpringContext, type SpringService } from "./spring-service.ts";
import type { InterfaceNodes, SpringNodes, TreeChanges } from "./tree.ts";

/** Settings of {@link createZookeeperWorld}. */
export interface ZookeeperWorldOptions {
  /** The registry's name; origin of every endpoint. */
  readonly name: string;
  /** Whether an address is one of Trestle's own; such a provider is refused (TR0110). */
  readonly isOwnAddress?: (address: string, port: number) => boolean;
  /** Where application-level instances of Dubbo are; `/services` unless told. */
  readonly services?: string;
  /** Knows the services of revisions, and is told which are wanted; without it application-level instances count for nothing. */
  readonly revisions?: Pick<Revisions, "services" | "failure" | "follow">;
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
  readonly #spring = new Map<string, SpringService>();
  readonly #interfacesByApplication = new Map<string, Set<string>>();
  readonly #providedByApplication = new Map<string, Set<string>>();
  readonly #mappedByApplication = new Map<string, Set<string>>();
  readonly #entries = new BlockList<Entry>();
  readonly #consumers = new BlockList<Consumer>();
  readonly #findings = new BlockList<Finding>();
  readonly #applicationList = new BlockList<Application>();
  readonly #applications = new Map<string, { readonly nodes: ReadNodes; readonly built: BuiltApplication }>();
  readonly #offers = new Map<string, Map<string, readonly ApplicationOffer[]>>();
  readonly #services: string;
  readonly #revisions: ZookeeperWorldOptions["revisions"];
  #world: World;

  constructor(options: ZookeeperWorldOptions) {
    this.#name = options.name;
    this.#services = options.services ?? DEFAULT_ROOTS.services;
    this.#revisions = options.revisions;
    this.#context = {
      origin: options.name,
      isOwnAddress: options.isOwnAddress ?? (() => false),
      protocols: options.protocols ?? ["dubbo"],
      rulesOf: (stem) => [...(this.#rules.get(stem)?.values() ?? [])],
      offersOf: (name) => [...(this.#offers.get(name)?.values() ?? [])].flat(),
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
    const rebuilt = new Set<string>();
    for (const [folder, nodes] of changes.spring ?? []) {
      const application = this.#applicationAt(folder);
      if (application === undefined) continue;
      rebuilt.add(application);
      changed = this.#takeApplication(application, nodes ?? NO_NODES, rebuild) || changed;
    }
    for (const application of changes.revisions ?? []) {
      if (!rebuilt.has(application)) changed = this.#takeApplication(application, undefined, rebuild) || changed;
      applications.add(application);
      for (const name of this.#mappedByApplication.get(application) ?? []) mapped.add(name);
    }
    for (const name of rebuild) {
      changed = this.#rebuild(name, applications) || changed;
      mapped.add(name);
    }
    for (const application of applications) changed = this.#judgeApplication(application) || changed;
    for (const name of mapped) changed = this.#judgeMapping(name) || changed;
    for (const [folder, nodes] of changes.spring ?? []) changed = this.#takeSpring(folder, nodes) || changed;
    if (changed) this.#world = this.#freeze();
    return this.#world;
  }

  #takeSpring(folder: string, nodes: SpringNodes | undefined): boolean {
    const context: SpringContext = { origin: this.#name, isOwnAddress: this.#context.isOwnAddress };
    const built = nodes && buildSpringService(folder, nodes, this.#spring.get(folder), context);
    put(this.#spring, folder, built);
    const key = `${folder.slice(folder.lastIndexOf("/") + 1)} ${folder}`;
    const isChanged = this.#entries.replace(key, built?.entry === undefined ? [] : [built.entry]);
    return this.#findings.replace(`application ${key}`, built?.findings ?? []) || isChanged;
  }

  #applicationAt(folder: string): string | undefined {
    const slash = folder.lastIndexOf("/");
    return folder.slice(0, slash) === this.#services ? folder.slice(slash + 1) : undefined;
  }

  /** `nodes` are undefined where only more or less is known of revisions. Interfaces whose offers changed go into `rebuild`. */
  #takeApplication(name: string, nodes: SpringNodes | undefined, rebuild: Set<string>): boolean {
    const revisions = this.#revisions;
    const before = this.#applications.get(name);
    if (revisions === undefined || (nodes === undefined && before === undefined)) return false;
    const read = nodes === undefined ? before!.nodes : readApplicationNodes(nodes, before?.nodes);
    const { instances, faults, left } = read;
    const at = `${this.#services}/${name}`;
    const built = buildApplication({ name, instances, faults, left, at }, revisions, before?.built);
    const isGone = read.read.size === 0;
    put(this.#applications, name, isGone ? undefined : { nodes: read, built });
    revisions.follow(name, built.wanted);
    if (built === before?.built) return false;
    const was = before?.built.offers.byInterface ?? NO_OFFERS;
    const is = built.offers.byInterface;
    for (const one of new Set([...was.keys(), ...is.keys()])) {
      const offers = is.get(one);
      if (sameItems(was.get(one) ?? [], offers ?? [])) continue;
      const ofInterface = this.#offers.get(one) ?? new Map<string, readonly ApplicationOffer[]>();
      put(ofInterface, name, offers);
      put(this.#offers, one, ofInterface.size > 0 ? ofInterface : undefined);
      rebuild.add(one);
    }
    const { application, findings } = built;
    const replaced = [
      this.#applicationList.replace(name, application.instances.length > 0 ? [application] : []),
      this.#findings.replace(`instances ${name}`, findings),
    ];
    return replaced.includes(true);
  }

  #rebuild(name: string, applications: Set<string>): boolean {
    const nodes = this.#nodes.get(name) ?? (this.#offers.has(name) ? NO_DIRECTORIES : undefined);
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
    const stem = key.slice(0, Math.max(0, key.lastIndexOf(".")));
    const ofStem = this.#rules.get(stem) ?? new Map<string, ConfigRule>();
    const rule = text === undefined ? undefined : readConfigRule(key, text, ofStem.get(key));
    put(ofStem, key, rule);
    put(this.#rules, stem, ofStem.size > 0 ? ofStem : undefined);
    const named = interfaceOfStem(stem);
    if (this.#built.has(named)) rebuild.add(named);
    for (const name of this.#interfacesByApplication.get(stem) ?? []) rebuild.add(name);
  }

  #takeMapping(name: string, list: readonly string[] | undefined): void {
    for (const application of this.#mapping.get(name) ?? []) remove(this.#mappedByApplication, application, name);
    put(this.#mapping, name, list);
    for (const application of list ?? []) add(this.#mappedByApplication, application, name);
  }

  #judgeApplication(application: string): boolean {
    const alone = this.#isUnknown(application) && !this.#providedByApplication.has(application);
    const at = `${this.#services}/${application}`;
    const message = `application ${application} has no interface-level registration, and its services are not known; set its register-mode to all to lead it through the proxy`;
    return this.#findings.replace(`application ${application}`, alone ? [finding("TR0122", message, at)] : []);
  }

  #judgeMapping(name: string): boolean {
    const live = (this.#mapping.get(name) ?? []).filter((one) => this.#isUnknown(one));
    const alone = live.length > 0 && (this.#built.get(name)?.entries.length ?? 0) === 0;
    const message = `${name} is offered at application level only (by ${live.slice(0, 5).join(", ")})`;
    return this.#findings.replace(`mapping ${name}`, alone ? [finding("TR0121", message, name)] : []);
  }

  /** Whether an application has instances of which it is not known, and not being asked, what they offer. */
  #isUnknown(name: string): boolean {
    if ((this.#instances.get(name)?.length ?? 0) === 0) return false;
    const built = this.#applications.get(name)?.built.application;
    if (this.#revisions === undefined || built === undefined) return this.#revisions === undefined;
    return built.instances.some(({ revision }) => revision === "" || built.failed.has(revision));
  }

  #freeze(): World {
    const applications = this.#applicationList.get();
    return Object.freeze({
      name: this.#name,
      entries: this.#entries.get(),
      consumers: this.#consumers.get(),
      findings: this.#findings.get(),
      ...(applications.length > 0 && { applications }),
    });
  }
}

const NO_NODES: SpringNodes = new Map();
const NO_OFFERS: OffersByInterface = new Map();
const NO_DIRECTORIES: InterfaceNodes = { providers: [], consumers: [], configurators: [], routers: [] };

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
