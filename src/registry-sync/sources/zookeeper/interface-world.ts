import type { Consumer, Endpoint, Entry, Finding } from "../../../model/entry.ts";
import { printServiceKey, type ServiceKey } from "../../../model/service.ts";
import { sameItems } from "../../block-list.ts";
import { compareEndpoints, compareText, endpointOf, serviceKeyOf } from "../../dubbo-endpoint.ts";
import { matchesGroup, matchesVersion } from "../../dubbo-match.ts";
import { type DubboUrl, interfaceOf, param, parseNodeName, type UrlReading } from "../../dubbo-url.ts";
import { finding, type RegistryFindingCode } from "../../findings.ts";
import { hostOf } from "../../naming.ts";
import { type ConfigRule, stemsOfService } from "./config-rules.ts";
import { applyOverride, offers, orderOverrides, overrideReach } from "./overrides.ts";
import { type InterfaceNodes, MAX_DIRECTORY_NAMES } from "./tree.ts";

/** What building one interface needs beside its nodes. */
export interface InterfaceContext {
  /** The registry's name. */
  readonly origin: string;
  /** Whether an address is one of Trestle's own. */
  isOwnAddress(address: string, port: number): boolean;
  /** The rules of the config centre that are in force for a stem (an application or a service). */
  rulesOf(stem: string): readonly ConfigRule[];
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
  /** Endpoints by provider node name, for the overrides of `overridesText`. */
  readonly endpoints: ReadonlyMap<string, ReadEndpoint>;
  readonly overridesText: string;
}

/** An endpoint with what could not be read of it, `key "value"` each. */
interface ReadEndpoint {
  readonly endpoint: Endpoint;
  readonly unreadable: readonly string[];
}

const MAX_FINDINGS_OF_ONE_CODE = 10;
/** Protocols that stand in registries for something else than a provider. */
const NOT_PROVIDERS = new Set([
  "consumer",
  "override",
  "absent",
  "route",
  "condition",
  "script",
  "tag",
  "empty",
  "provider",
]);

interface Offer {
  readonly url: DubboUrl;
  readonly endpoint: Endpoint;
}

/** Builds one interface from its nodes. `before` is what was built last: readings, endpoints and entries that still hold are taken over as they are. */
export function buildInterface(
  name: string,
  nodes: InterfaceNodes,
  before: InterfaceWorld | undefined,
  context: InterfaceContext,
): InterfaceWorld {
  const build = new InterfaceBuild(name, before, context);
  const overrides = orderOverrides(build.read(nodes.configurators, "configurators"));
  const routers = build.read(nodes.routers, "routers");
  const offered = build.offers(nodes.providers, overrides, [...nodes.configurators].sort().join("\n"));
  const consumers = build.consumers(nodes.consumers);
  build.judgeOverrides(overrides, offered);
  const entries = build.entries(offered);
  build.judgeRouters(routers, entries, offered, consumers);
  return build.result(entries, consumers, offered);
}

class InterfaceBuild {
  readonly #name: string;
  readonly #before: InterfaceWorld | undefined;
  readonly #context: InterfaceContext;
  readonly #readings = new Map<string, UrlReading>();
  readonly #endpoints = new Map<string, ReadEndpoint>();
  readonly #findings: Finding[] = [];
  readonly #counts = new Map<string, number>();
  #overridesText = "";

  constructor(name: string, before: InterfaceWorld | undefined, context: InterfaceContext) {
    this.#name = name;
    this.#before = before;
    this.#context = context;
  }

  /** The URLs of a directory; what is no URL becomes a finding, `empty://` is skipped. */
  read(names: readonly string[], directory: string): readonly DubboUrl[] {
    const urls: DubboUrl[] = [];
    for (const name of this.#bounded(names, directory)) {
      const url = this.#readOne(name, directory);
      if (url !== undefined && url.protocol !== "empty") urls.push(url);
    }
    return urls;
  }

  offers(names: readonly string[], overrides: readonly DubboUrl[], overridesText: string): readonly Offer[] {
    this.#overridesText = overridesText;
    const known = this.#before?.overridesText === overridesText ? this.#before.endpoints : undefined;
    const offered: Offer[] = [];
    for (const name of this.#bounded(names, "providers")) {
      const read = this.#readOne(name, "providers");
      if (read === undefined || !this.#isProvider(read, name)) continue;
      const url = overrides.reduce(
        (merged, override) => (overrideReach(override, read) === "applies" ? applyOverride(override, merged) : merged),
        read,
      );
      const one = known?.get(name) ?? this.#readEndpoint(url);
      this.#endpoints.set(name, one);
      for (const what of one.unreadable) {
        this.#tell("TR0103", `provider ${addressOf(url)} has no usable ${what}`, this.#path("providers", name));
      }
      offered.push({ url, endpoint: one.endpoint });
    }
    return offered;
  }

  consumers(names: readonly string[]): readonly Consumer[] {
    const consumers: Consumer[] = [];
    for (const url of this.read(names, "consumers")) {
      const service = serviceKeyOf(this.#name, url);
      consumers.push({
        service,
        address: url.host,
        application: param(url, "application"),
        params: url.params,
      });
      if (param(url, "cluster") !== "broadcast") continue;
      const who = `consumer ${url.host === "" ? "(no address)" : url.host} of ${printServiceKey(service)}`;
      this.#tell("TR0132", `${who} calls every provider (cluster=broadcast) and is not led through the proxy`, who);
    }
    return consumers.sort((a, b) => compareText(a.address, b.address) || compareText(a.application, b.application));
  }

  /** One entry for each group and version, with one endpoint for each address, port and protocol: the latest registered. */
  entries(offered: readonly Offer[]): readonly Entry[] {
    const services = new Map<string, { service: ServiceKey; endpoints: Map<string, Endpoint> }>();
    for (const { url, endpoint } of offered) {
      const service = serviceKeyOf(this.#name, url);
      const key = printServiceKey(service);
      const one = services.get(key) ?? { service, endpoints: new Map<string, Endpoint>() };
      services.set(key, one);
      const id = `${endpoint.protocol} ${endpoint.address} ${endpoint.port}`;
      const other = one.endpoints.get(id);
      if (other === undefined || other.startedAtMs <= endpoint.startedAtMs) one.endpoints.set(id, endpoint);
      if (endpoint.protocol !== "dubbo") this.#tellProtocol(key, endpoint.protocol);
    }
    const old = new Map(this.#before?.entries.map((entry) => [printServiceKey(entry.service), entry]));
    return [...services]
      .sort(([a], [b]) => compareText(a, b))
      .map(([key, { service, endpoints }]) => {
        const sorted = [...endpoints.values()].sort(compareEndpoints);
        const last = old.get(key);
        if (last !== undefined && sameItems(last.endpoints, sorted)) return last;
        return Object.freeze({ host: hostOf(service), service, endpoints: Object.freeze(sorted) });
      });
  }

  judgeOverrides(overrides: readonly DubboUrl[], offered: readonly Offer[]): void {
    for (const override of overrides) {
      const reaches = new Set(offered.map(({ url }) => overrideReach(override, url)));
      const what = `override for ${addressOf(override)}`;
      const at = `/${this.#name}/configurators`;
      if (reaches.has("consumer")) {
        this.#tell("TR0133", `${what} is for some consumers only; they apply it themselves, the proxy does not`, at);
      } else if (!reaches.has("applies") && !reaches.has("off") && offered.length > 0) {
        this.#tell("TR0134", `${what} matches no provider by address, group and version`, at);
      }
    }
  }

  judgeRouters(
    routers: readonly DubboUrl[],
    entries: readonly Entry[],
    offered: readonly Offer[],
    consumers: readonly Consumer[],
  ): void {
    for (const entry of entries) {
      const key = printServiceKey(entry.service);
      const urls = offered
        .filter(({ url }) => printServiceKey(serviceKeyOf(this.#name, url)) === key)
        .map(({ url }) => url);
      const legacy = routers.find(
        (rule) => param(rule, "enabled") !== "false" && urls.some((url) => offers(rule, url)),
      );
      if (legacy !== undefined) {
        this.#tell(
          "TR0130",
          `${key} is under a ${legacy.protocol}:// router; remove it or write it as a rule of Trestle`,
          key,
        );
      }
      for (const rule of this.#rulesFor(entry.service, urls, consumers)) {
        if (rule.type === "router") {
          this.#tell("TR0131", `${key} is under ${rule.key}; remove it or write it as a rule of Trestle`, key);
        } else {
          this.#tell("TR0135", `${rule.key} changes parameters of ${key}; the proxy does not read it`, key);
        }
      }
    }
  }

  result(entries: readonly Entry[], consumers: readonly Consumer[], offered: readonly Offer[]): InterfaceWorld {
    return {
      entries,
      consumers,
      findings: this.#findings,
      providerApplications: applicationsOf(offered.map(({ url }) => param(url, "application"))),
      consumerApplications: applicationsOf(consumers.map(({ application }) => application)),
      readings: this.#readings,
      endpoints: this.#endpoints,
      overridesText: this.#overridesText,
    };
  }

  /** Rules that name the service, an application that provides it, or (conditions) one that consumes it. */
  #rulesFor(service: ServiceKey, urls: readonly DubboUrl[], consumers: readonly Consumer[]): readonly ConfigRule[] {
    const takers = consumers.filter(
      (one) => matchesGroup(one.service.group, service.group) && matchesVersion(one.service.version, service.version),
    );
    const rules = new Set<ConfigRule>();
    for (const stem of stemsOfService(service)) for (const rule of this.#context.rulesOf(stem)) rules.add(rule);
    for (const application of applicationsOf(urls.map((url) => param(url, "application")))) {
      for (const rule of this.#context.rulesOf(application)) rules.add(rule);
    }
    for (const application of applicationsOf(takers.map((one) => one.application))) {
      for (const rule of this.#context.rulesOf(application)) {
        if (rule.key.endsWith(".condition-router")) rules.add(rule);
      }
    }
    return [...rules];
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

  #readEndpoint(url: DubboUrl): ReadEndpoint {
    const unreadable: string[] = [];
    const endpoint = endpointOf(url, this.#context.origin, (key) =>
      unreadable.push(`${key} "${cut(param(url, key))}"`),
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

  #bounded(names: readonly string[], directory: string): readonly string[] {
    if (names.length <= MAX_DIRECTORY_NAMES) return names;
    const text = `${names.length} names, of which the first ${MAX_DIRECTORY_NAMES} are read`;
    this.#tell("TR0104", `/${this.#name}/${directory} holds ${text}`, `/${this.#name}/${directory}`);
    return names.slice(0, MAX_DIRECTORY_NAMES);
  }

  #tellProtocol(key: string, protocol: string): void {
    const message = `${key} is offered over ${cut(protocol)}, which is not led through the proxy`;
    if (!this.#findings.some((one) => one.message === message)) this.#tell("TR0120", message, key);
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

function applicationsOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.filter((name) => name !== ""));
}

function addressOf(url: DubboUrl): string {
  return `${cut(url.host)}${url.port > 0 ? `:${url.port}` : ""}`;
}

function cut(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}
