import { BlockList } from "../../../base/block-list.ts";
import type { NacosInstance, NacosServiceInfo } from "../../../codecs/nacos/service-info.ts";
import { splitGroupedName } from "../../../codecs/nacos/service-info.ts";
import type { Consumer, Entry, Finding, World } from "../../../model/entry.ts";
import { printServiceKey } from "../../../model/service.ts";
import type { ApplicationOffer } from "../../application/offers.ts";
import { serviceKeyOf } from "../../dubbo/endpoint.ts";
import { buildInterface, type InterfaceContext, type InterfaceWorld } from "../../dubbo/interface-world.ts";
import { type ConfigRule, interfaceOfStem, readConfigRule } from "../../dubbo/overrides/config-rules.ts";
import { type DubboUrl, printNodeName } from "../../dubbo/url.ts";
import { type KnownRevisions, NacosApplications } from "./applications.ts";
import { dubboUrlOf } from "./instances.ts";
import { buildPlainService, type PlainService } from "./plain-service.ts";
import { type DubboServiceName, parseServiceName } from "./service-names.ts";

/** Settings of {@link createNacosWorld}. */
export interface NacosWorldOptions {
  /** The registry's name; origin of every endpoint. */
  readonly name: string;
  /** Whether an address is one of Trestle's own; such a provider is refused (TR0110). */
  readonly isOwnAddress?: (address: string, port: number) => boolean;
  /** Dubbo's protocols that are led through the proxy, Dubbo2 alone unless told. */
  readonly protocols?: readonly string[];
  /** Knows the services of revisions, and is told which are wanted; without it instances at application level count for nothing. */
  readonly revisions?: KnownRevisions;
}

/** What changed since the last update; `undefined` for what is gone. */
export interface NacosChanges {
  /** By `group@@name`. */
  readonly services?: ReadonlyMap<string, NacosServiceInfo | undefined>;
  /** Texts of the config centre's group `dubbo` by data id: `{app}.configurators`, `{interface}:{version}:{group}.tag-router`. */
  readonly rules?: ReadonlyMap<string, string | undefined>;
  /** Applications of whose revisions more or less is known. */
  readonly revisions?: ReadonlySet<string>;
}

/** Turns what a Nacos holds into a world, one change at a time. */
export interface NacosWorld {
  /** Takes changes in and gives the whole world, frozen; the same object as before where nothing that counts changed. */
  update(changes: NacosChanges): World;
}

/** Pure state: no I/O, no clock. The work of an update grows with what changed, not with the world. */
export function createNacosWorld(options: NacosWorldOptions): NacosWorld {
  return new IncrementalWorld(options);
}

/** One service of Dubbo's interface level. */
interface DubboService {
  readonly name: DubboServiceName;
  readonly isProtected: boolean;
  /** What was made of each instance. */
  readonly made: ReadonlyMap<NacosInstance, ApplicationOffer>;
}

class IncrementalWorld implements NacosWorld {
  readonly #name: string;
  readonly #context: InterfaceContext;
  readonly #dubbo = new Map<string, DubboService>();
  readonly #plain = new Map<string, PlainService>();
  /** Interface to the keys of its services. */
  readonly #services = new Map<string, Set<string>>();
  readonly #built = new Map<string, InterfaceWorld>();
  readonly #rules = new Map<string, Map<string, ConfigRule>>();
  readonly #byApplication = new Map<string, Set<string>>();
  readonly #entries = new BlockList<Entry>();
  readonly #consumers = new BlockList<Consumer>();
  readonly #findings = new BlockList<Finding>();
  readonly #applications: NacosApplications;
  /** What is offered of the interface that is being built. */
  #offers: readonly ApplicationOffer[] = [];
  #world: World;

  constructor({ name, isOwnAddress = () => false, protocols = ["dubbo"], revisions }: NacosWorldOptions) {
    this.#name = name;
    this.#context = {
      origin: name,
      isOwnAddress,
      protocols,
      rulesOf: (stem) => [...(this.#rules.get(stem)?.values() ?? [])],
      offersOf: () => this.#offers,
    };
    this.#applications = new NacosApplications(revisions ?? NO_REVISIONS, this.#findings);
    this.#world = this.#freeze();
  }

  update({ services, rules, revisions }: NacosChanges): World {
    const rebuild = new Set<string>();
    const applications = new Set(revisions);
    for (const [dataId, text] of rules ?? []) this.#takeRule(dataId, text, rebuild);
    let changed = false;
    for (const [key, info] of services ?? []) {
      const { group, name } = splitGroupedName(key);
      const dubbo = parseServiceName(name);
      if (dubbo === "other") continue;
      if (dubbo !== undefined) this.#takeDubbo(key, dubbo, info, rebuild);
      else {
        changed = this.#takePlain(key, group, name, info) || changed;
        if (this.#applications.take(key, name, info)) applications.add(name);
      }
    }
    for (const name of applications) changed = this.#applications.rebuild(name, rebuild) || changed;
    for (const name of rebuild) changed = this.#rebuild(name) || changed;
    if (changed) this.#world = this.#freeze();
    return this.#world;
  }

  #takeDubbo(key: string, name: DubboServiceName, info: NacosServiceInfo | undefined, rebuild: Set<string>): void {
    rebuild.add(name.interfaceName);
    const ofInterface = this.#services.get(name.interfaceName) ?? new Set();
    if (info === undefined || info.hosts.length === 0) {
      this.#dubbo.delete(key);
      ofInterface.delete(key);
      if (ofInterface.size === 0) this.#services.delete(name.interfaceName);
      return;
    }
    const before = this.#dubbo.get(key);
    const isProtected = info.reachProtectionThreshold;
    const made = new Map<NacosInstance, ApplicationOffer>();
    for (const instance of info.hosts) {
      const known = before?.isProtected === isProtected ? before.made.get(instance) : undefined;
      made.set(instance, known ?? { id: offerId(key, instance), url: dubboUrlOf(instance, name, isProtected) });
    }
    this.#dubbo.set(key, { name, isProtected, made });
    this.#services.set(name.interfaceName, ofInterface.add(key));
  }

  #takePlain(key: string, group: string, name: string, info: NacosServiceInfo | undefined): boolean {
    const before = this.#plain.get(key);
    if (before === undefined && (info === undefined || info.hosts.length === 0)) return false;
    const { origin, isOwnAddress } = this.#context;
    const built = info && buildPlainService({ group, name, info, origin, isOwnAddress }, before);
    if (built === undefined || built.made.size === 0) this.#plain.delete(key);
    else this.#plain.set(key, built);
    // No interface's name has a colon: a hostile one takes no other service's place.
    const isChanged = this.#entries.replace(`${name}:@@${group}`, built?.entry === undefined ? [] : [built.entry]);
    return this.#findings.replace(`service ${key}`, built?.findings ?? []) || isChanged;
  }

  #takeRule(dataId: string, text: string | undefined, rebuild: Set<string>): void {
    const stem = dataId.slice(0, Math.max(0, dataId.lastIndexOf(".")));
    const ofStem = this.#rules.get(stem) ?? new Map<string, ConfigRule>();
    const rule = text === undefined ? undefined : readConfigRule(dataId, text, ofStem.get(dataId));
    if (rule === undefined) ofStem.delete(dataId);
    else ofStem.set(dataId, rule);
    if (ofStem.size === 0) this.#rules.delete(stem);
    else this.#rules.set(stem, ofStem);
    const named = interfaceOfStem(stem);
    if (this.#built.has(named)) rebuild.add(named);
    for (const name of this.#byApplication.get(stem) ?? []) rebuild.add(name);
  }

  #rebuild(name: string): boolean {
    const before = this.#built.get(name);
    const consumers = this.#nodesOf(name);
    this.#offers = this.#offersOf(name);
    const isThere = consumers.length > 0 || this.#offers.length > 0;
    const nodes = { providers: [], consumers, configurators: [], routers: [] };
    const built = isThere ? buildInterface(name, nodes, before, this.#context) : undefined;
    for (const application of applicationsOf(before)) {
      const names = this.#byApplication.get(application);
      names?.delete(name);
      if (names?.size === 0) this.#byApplication.delete(application);
    }
    for (const application of applicationsOf(built))
      this.#byApplication.set(application, (this.#byApplication.get(application) ?? new Set()).add(name));
    const isSame = JSON.stringify(before?.findings) === JSON.stringify(built?.findings);
    const findings = isSame ? before?.findings : built?.findings;
    if (built === undefined) this.#built.delete(name);
    else this.#built.set(name, { ...built, findings: findings ?? [] });
    return [
      this.#entries.replace(name, built?.entries ?? []),
      this.#consumers.replace(name, built?.consumers ?? []),
      this.#findings.replace(`interface ${name}`, findings ?? []),
    ].includes(true);
  }

  /** Of a provider that stands at both levels, and so would be there twice, its own URL counts: it has all parameters. */
  #offersOf(interfaceName: string): readonly ApplicationOffer[] {
    const offers: ApplicationOffer[] = [];
    for (const { made } of this.#servicesOf(interfaceName, "providers"))
      for (const one of made.values()) offers.push(one);
    const instances = this.#applications.offersOf(interfaceName);
    if (instances.length === 0) return offers;
    const placeOf = (url: DubboUrl) =>
      `${printServiceKey(serviceKeyOf(interfaceName, url))} ${url.protocol}://${url.host}:${url.port}`;
    const standing = new Set(offers.map(({ url }) => placeOf(url)));
    for (const one of instances) if (!standing.has(placeOf(one.url))) offers.push(one);
    return offers;
  }

  /** Consumers as the names that they would have in ZooKeeper. */
  #nodesOf(interfaceName: string): readonly string[] {
    const names = new Set<string>();
    for (const { made } of this.#servicesOf(interfaceName, "consumers"))
      for (const { url } of made.values()) names.add(printNodeName(url));
    return [...names];
  }

  *#servicesOf(interfaceName: string, category: DubboServiceName["category"]): Iterable<DubboService> {
    for (const key of this.#services.get(interfaceName) ?? []) {
      const service = this.#dubbo.get(key)!;
      if (service.name.category === category) yield service;
    }
  }

  #freeze(): World {
    const applications = this.#applications.list;
    return Object.freeze({
      name: this.#name,
      entries: this.#entries.get(),
      consumers: this.#consumers.get(),
      findings: this.#findings.get(),
      ...(applications.length > 0 && { applications }),
    });
  }
}

/** Nobody knows any. */
const NO_REVISIONS: KnownRevisions = { services: () => undefined, failure: () => undefined, follow() {} };

function offerId(key: string, { ip, port, clusterName, metadata }: NacosInstance): string {
  return `${key}#${clusterName}#${ip}:${port}#${metadata["protocol"] ?? ""}`;
}

function applicationsOf(built: InterfaceWorld | undefined): Iterable<string> {
  return new Set([...(built?.providerApplications ?? []), ...(built?.consumerApplications ?? [])]);
}
