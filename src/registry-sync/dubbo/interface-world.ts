import { sameItems } from "../../base/block-list.ts";
import type { Consumer, Endpoint, Entry, Finding } from "../../model/entry.ts";
import type { Routing } from "../../model/routing.ts";
import { printServiceKey } from "../../model/service.ts";
import type { ApplicationOffer } from "../application/offers.ts";
import { finding, type RegistryFindingCode } from "../findings.ts";
import { hostOf } from "../naming/naming.ts";
import { type InterfaceNodes, MAX_DIRECTORY_NAMES } from "../sources/zookeeper/tree.ts";
import { compareEndpoints, compareText, endpointId, endpointOf, serviceKeyOf } from "./endpoint.ts";
import {
  addressOf,
  applicationsOf,
  consumerOf,
  cut,
  NOT_PROVIDERS,
  type Offer,
  type Service,
  servicesOf,
} from "./interface-parts.ts";
import type { ConfigRule } from "./overrides/config-rules.ts";
import { DynamicOverrides } from "./overrides/dynamic-overrides.ts";
import {
  applyOverrides,
  createOverrideSet,
  type Override,
  type OverrideReach,
  type OverrideSet,
  overrideReach,
} from "./overrides/overrides.ts";
import { type RouterWorld, routersOf } from "./routers/service-routers.ts";
import { type DubboUrl, interfaceOf, param, parseNodeName, type UrlReading } from "./url.ts";

/** What building one interface needs beside its nodes. */
export interface InterfaceContext {
  /** The registry's name. */
  readonly origin: string;
  /** Whether an address is one of Trestle's own. */
  isOwnAddress(address: string, port: number): boolean;
  /** Protocols that are led through the proxy. */
  readonly protocols: readonly string[];
  /** The rules of the config centre that are in force for a stem (an application or a service). */
  rulesOf(stem: string): readonly ConfigRule[];
  /** What application-level instances offer of an interface. */
  offersOf?(interfaceName: string): readonly ApplicationOffer[];
}

/** One interface of the registry, built; what it took is kept so that the next build reads only what is new. */
export interface InterfaceWorld {
  readonly entries: readonly Entry[];
  readonly consumers: readonly Consumer[];
  readonly findings: readonly Finding[];
  readonly providerApplications: ReadonlySet<string>;
  readonly consumerApplications: ReadonlySet<string>;
  /** Readings by node name, of all four directories. */
  readonly readings: ReadonlyMap<string, UrlReading>;
  /** Consumers by node name. */
  readonly consumersByName: ReadonlyMap<string, Consumer>;
  /** Endpoints by provider node name, for the overrides of `overridesText`. */
  readonly endpoints: ReadonlyMap<string, ReadEndpoint>;
  readonly overridesText: string;
  /** The overrides of the config centre that went into `endpoints`. */
  readonly dynamicText: string;
}

/** An endpoint with what could not be read of it, `key "value"` each. */
interface ReadEndpoint {
  readonly endpoint: Endpoint;
  readonly unreadable: readonly string[];
  /** What it was made of, where that is no node's name. */
  readonly url?: DubboUrl;
}

const MAX_FINDINGS_OF_ONE_CODE = 10;
const TAG = "dubbo.tag";
const MAX_OVERRIDES = 1_000;
const MAX_ROUTERS = 256;
/** Each override is tried on each provider; of so many that this would be passed, the rest is left out (TR0104). */
const MAX_OVERRIDE_TRIES = 500_000;
/**
 * Builds one interface from its nodes. `before` is what was built last: readings, endpoints, consumers and entries that
 * still hold are taken over as they are.
 */
export function buildInterface(
  name: string,
  nodes: InterfaceNodes,
  before: InterfaceWorld | undefined,
  context: InterfaceContext,
): InterfaceWorld {
  const build = new InterfaceBuild(name, before, context);
  const most = Math.min(MAX_OVERRIDES, Math.ceil(MAX_OVERRIDE_TRIES / (nodes.providers.length + 1)));
  const overrides = createOverrideSet(build.read(nodes.configurators, "configurators", most));
  const routers = build.read(nodes.routers, "routers", MAX_ROUTERS);
  const registered = build.offers(nodes.providers, overrides, [...nodes.configurators].sort().join("\n"));
  const offers = build.withInstances(registered, context.offersOf?.(name) ?? [], overrides);
  const consumers = build.consumers(nodes.consumers);
  build.judgeOverrides(overrides, offers);
  const services = servicesOf(name, offers);
  const entries = services.map((one) => build.entry(one, build.routing(one, { routers, consumers })));
  return build.result(entries, consumers, offers);
}

class InterfaceBuild {
  readonly #name: string;
  readonly #before: InterfaceWorld | undefined;
  readonly #context: InterfaceContext;
  readonly #readings = new Map<string, UrlReading>();
  readonly #endpoints = new Map<string, ReadEndpoint>();
  readonly #consumers = new Map<string, Consumer>();
  readonly #oldEntries: ReadonlyMap<string, Entry>;
  readonly #findings: Finding[] = [];
  readonly #counts = new Map<string, number>();
  readonly #dynamic: DynamicOverrides;
  #overridesText = "";
  /** Endpoints built before under the same overrides. */
  #known: ReadonlyMap<string, ReadEndpoint> | undefined;

  constructor(name: string, before: InterfaceWorld | undefined, context: InterfaceContext) {
    this.#name = name;
    this.#before = before;
    this.#context = context;
    this.#dynamic = new DynamicOverrides(name, context.rulesOf);
    this.#oldEntries = new Map(before?.entries.map((entry) => [printServiceKey(entry.service), entry]));
  }

  /** The URLs of a directory; what is no URL becomes a finding, `empty://` is skipped. */
  read(names: readonly string[], directory: string, most: number): readonly DubboUrl[] {
    return this.#bounded(names, directory, most).flatMap((name) => {
      const url = this.#readOne(name, directory);
      return url === undefined || url.protocol === "empty" ? [] : [url];
    });
  }

  offers(names: readonly string[], overrides: OverrideSet, overridesText: string): readonly Offer[] {
    this.#overridesText = overridesText;
    const before = this.#before;
    const isKnown =
      before?.overridesText === overridesText &&
      before.dynamicText === this.#dynamic.textFor(before.providerApplications, before.entries);
    this.#known = isKnown ? before.endpoints : undefined;
    const offers: Offer[] = [];
    for (const name of this.#bounded(names, "providers", MAX_DIRECTORY_NAMES)) {
      const url = this.#readOne(name, "providers");
      if (url === undefined || !this.#isProvider(url, name)) continue;
      const one = this.#known?.get(name) ?? this.#readEndpoint(url, overrides);
      this.#endpoints.set(name, one);
      for (const what of one.unreadable) {
        this.#tell("TR0103", `provider ${addressOf(url)} has no usable ${what}`, this.#path("providers", name));
      }
      offers.push({ url, endpoint: one.endpoint });
    }
    return offers;
  }

  /**
   * These with what instances offer at application level. A provider that stands at both is one endpoint, as its URL says it: that
   * one has all parameters, and overrides name its address.
   */
  withInstances(
    registered: readonly Offer[],
    instances: readonly ApplicationOffer[],
    overrides: OverrideSet,
  ): readonly Offer[] {
    if (instances.length === 0) return registered;
    const idOf = (url: DubboUrl) =>
      `${printServiceKey(serviceKeyOf(this.#name, url))} ${url.protocol}://${url.host}:${url.port}`;
    const standing = new Set(registered.map(({ url }) => idOf(url)));
    const offers = [...registered];
    for (const { id, url } of instances) {
      const name = `instance ${id}`;
      if (standing.has(idOf(url)) || !this.#isProvider(url, name)) continue;
      const last = this.#known?.get(name);
      const one = last?.url === url ? last : { ...this.#readEndpoint(url, overrides), url };
      this.#endpoints.set(name, one);
      for (const what of one.unreadable) {
        this.#tell("TR0103", `instance ${id} has no usable ${what}`, this.#path("instances", id));
      }
      offers.push({ url, endpoint: one.endpoint });
    }
    return offers;
  }

  consumers(names: readonly string[]): readonly Consumer[] {
    const broadcasting = new Set<string>();
    for (const name of this.#bounded(names, "consumers", MAX_DIRECTORY_NAMES)) {
      const url = this.#readOne(name, "consumers");
      if (url === undefined || url.protocol === "empty") continue;
      const consumer = this.#before?.consumersByName.get(name) ?? consumerOf(this.#name, url);
      this.#consumers.set(name, consumer);
      if (param(url, "cluster") !== "broadcast") continue;
      const who = `consumer ${url.host === "" ? "(no address)" : url.host} of ${printServiceKey(consumer.service)}`;
      // An address may have several nodes: references that differ in a parameter, or processes.
      if (broadcasting.has(who)) continue;
      broadcasting.add(who);
      this.#tell("TR0132", `${who} calls every provider (cluster=broadcast) and is not led through the proxy`, who);
    }
    return [...this.#consumers.values()].sort(
      (a, b) => compareText(a.address, b.address) || compareText(a.application, b.application),
    );
  }

  /** One endpoint for each address, port and protocol: the latest registered. The entry built before where it says the same. */
  entry({ key, service, offers }: Service, routing: Routing | undefined): Entry {
    const endpoints = new Map<string, Endpoint>();
    const others = new Set<string>();
    for (const { endpoint } of offers) {
      const id = endpointId(endpoint);
      const other = endpoints.get(id);
      if (other === undefined || other.startedAtMs <= endpoint.startedAtMs) endpoints.set(id, endpoint);
      if (!this.#context.protocols.includes(endpoint.protocol)) others.add(cut(endpoint.protocol));
    }
    for (const protocol of others) {
      this.#tell("TR0120", `${key} is offered over ${protocol}, which is not led through the proxy`, key);
    }
    const sorted = [...endpoints.values()].sort(compareEndpoints);
    const last = this.#oldEntries.get(key);
    const kept = JSON.stringify(last?.routing) === JSON.stringify(routing) ? last?.routing : routing;
    if (last !== undefined && sameItems(last.endpoints, sorted) && last.routing === kept) return last;
    const endpointList = Object.freeze(sorted);
    return Object.freeze({ host: hostOf(service), service, endpoints: endpointList, ...(kept && { routing: kept }) });
  }

  judgeOverrides(overrides: OverrideSet, offers: readonly Offer[]): void {
    const reached = new Map<Override, Set<OverrideReach>>();
    for (const { url } of offers) {
      for (const override of overrides.candidates(url)) {
        const reaches = reached.get(override) ?? new Set();
        reached.set(override, reaches.add(overrideReach(override, url)));
      }
    }
    for (const override of overrides.all) {
      const reaches = reached.get(override) ?? new Set();
      const what = `override for ${addressOf(override.url)}`;
      const at = `/${this.#name}/configurators`;
      if (reaches.has("consumer")) {
        this.#tell("TR0133", `${what} is for some consumers only; they apply it themselves, the proxy does not`, at);
      } else if (!reaches.has("applies") && !override.isOff && offers.length > 0) {
        this.#tell("TR0134", `${what} matches no provider by address, group and version`, at);
      }
    }
  }

  /** What routers say of a service, as far as that is applied. */
  routing(service: Service, { routers, consumers }: Pick<RouterWorld, "routers" | "consumers">): Routing | undefined {
    const { routing, findings } = routersOf(service, { routers, consumers, rulesOf: this.#context.rulesOf });
    for (const { code, message, at } of findings) this.#tell(code, message, at);
    return routing;
  }

  result(entries: readonly Entry[], consumers: readonly Consumer[], offers: readonly Offer[]): InterfaceWorld {
    const providerApplications = applicationsOf(offers.map(({ url }) => param(url, "application")));
    return {
      entries,
      consumers,
      findings: this.#findings,
      providerApplications,
      consumerApplications: applicationsOf(consumers.map(({ application }) => application)),
      readings: this.#readings,
      consumersByName: this.#consumers,
      endpoints: this.#endpoints,
      overridesText: this.#overridesText,
      dynamicText: this.#dynamic.textFor(providerApplications, entries),
    };
  }

  #isProvider(url: DubboUrl, name: string): boolean {
    const at = this.#path("providers", name);
    if (url.protocol === "empty") return false;
    if (NOT_PROVIDERS.has(url.protocol) || url.host === "" || url.port === 0) {
      this.#tell("TR0101", `${cut(url.protocol)}://${addressOf(url)} is no provider's address`, at);
      return false;
    }
    const named = interfaceOf(url);
    if (param(url, "interface") !== "" && named !== this.#name) {
      this.#tell("TR0102", `provider ${addressOf(url)} says interface ${cut(named)}`, at);
      return false;
    }
    if (url.host === "0.0.0.0" || url.host === "::") {
      this.#tell(
        "TR0111",
        `provider of ${this.#name} registered ${addressOf(url)}; set its host (DUBBO_IP_TO_REGISTRY)`,
        at,
      );
      return false;
    }
    if (this.#context.isOwnAddress(url.host, url.port)) {
      this.#tell(
        "TR0110",
        `provider ${addressOf(url)} of ${this.#name} is the proxy itself; calls would go in a circle`,
        at,
      );
      return false;
    }
    return true;
  }

  #readEndpoint(url: DubboUrl, overrides: OverrideSet): ReadEndpoint {
    // Dynamic configuration comes after overrides, as Dubbo applies it (apache/dubbo 3.3 DynamicDirectory, RegistryProtocol).
    const all = [overrides, ...this.#dynamic.of(url)].flatMap((set) => set.candidates(url));
    const plain = applyOverrides(all, url);
    const tag = this.#dynamic.tagOf(url);
    const merged = tag === undefined ? plain : withParam(plain, TAG, tag);
    const unreadable: string[] = [];
    const endpoint = endpointOf(merged, this.#context.origin, (key) =>
      unreadable.push(`${key} "${cut(param(merged, key))}"`),
    );
    return { endpoint, unreadable };
  }

  #readOne(name: string, directory: string): DubboUrl | undefined {
    const reading = this.#before?.readings.get(name) ?? parseNodeName(name);
    this.#readings.set(name, reading);
    if (reading.type === "url") return reading.url;
    this.#tell(
      "TR0101",
      `node under ${this.#name}/${directory} is left out: ${reading.message}`,
      this.#path(directory, name),
    );
    return undefined;
  }

  #bounded(names: readonly string[], directory: string, most: number): readonly string[] {
    if (names.length <= most) return names;
    const at = `/${this.#name}/${directory}`;
    this.#tell("TR0104", `${at} holds ${names.length} names, of which the first ${most} are read`, at);
    return names.slice(0, most);
  }

  /** Bounded, so that a directory of rubbish does not make a list of rubbish. */
  #tell(code: RegistryFindingCode, message: string, at: string): void {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    const bounded = code !== "TR0130" && code !== "TR0131";
    if (!bounded || count <= MAX_FINDINGS_OF_ONE_CODE) this.#findings.push(finding(code, message, at));
  }

  #path(directory: string, name: string): string {
    return `/${this.#name}/${directory}/${cut(name)}`;
  }
}

function withParam(url: DubboUrl, key: string, value: string): DubboUrl {
  const params = Object.assign(Object.create(null), url.params, { [key]: value }) as Record<string, string>;
  return { ...url, params };
}
