import type { WireProtocol } from "../../codecs/xds/resources.ts";
import type { World } from "../../model/entry.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import type { DubboUrl } from "../dubbo-url.ts";
import type { Directory } from "./directory.ts";
import { type HiddenInstances, hiddenInstances } from "./instances.ts";
import { createRouterIndex } from "./routers.ts";
import { type TagsInWorld, tagOfProvider, tagsInWorld } from "./tags.ts";

/** What of a registry is led through the proxy; names are exact, or have `*` for any run of characters. */
export interface TakeFilter {
  /** Interfaces, or whole keys `group/interface:version`. */
  readonly services: readonly string[];
  /** Provider applications. */
  readonly applications: readonly string[];
}

/** Takes everything. */
export const TAKE_ALL: TakeFilter = { services: ["*"], applications: ["*"] };

/** Which consumers see real addresses again by an operator's wish. */
export interface Bypass {
  readonly all: boolean;
  /** Interfaces, or whole keys; `*` allowed as in {@link TakeFilter}. */
  readonly services: readonly string[];
}

/** Why a service is shown as the registry has it. `finding` says whether a person should hear of it. */
export interface NotLed {
  readonly reason: string;
  readonly finding: boolean;
  /** It will be led in a moment: who asks now may as well wait for that. */
  readonly soon?: boolean;
}

/** A service that exists by a rule alone: no provider registers it, and the proxy carries its calls all the same. */
export interface RuledService {
  readonly service: ServiceKey;
  /** The methods that can be called; empty where any may be. */
  readonly methods: readonly string[];
}

/** The protocols that proxies may carry, in the order in which a service is listed in them. */
export const CARRIED: readonly WireProtocol[] = ["dubbo", "tri"];

/** All that a facade must know, beside the registry's own answers, to say what a consumer is shown. Frozen; replaced whole. */
export interface PresentContext {
  /**
   * `host:port` of the proxies that carry a protocol now, in the order they are listed; undefined for a protocol that is not
   * carried at all. With none, everything of that protocol passes unchanged.
   */
  addressesOf(protocol: string): readonly string[] | undefined;
  /** Full paths under which `<interface>/providers` stand. */
  readonly roots: readonly string[];
  /** Full paths under which `<application>/<instance>` stand. */
  readonly instanceRoots: readonly string[];
  /** Printed keys of the services that the proxy has been told of; absent: it knows all. */
  readonly served?: ReadonlySet<string>;
  /** Printed keys of the services in the world that are led, if only for one of the applications that provide them. */
  readonly led: ReadonlySet<string>;
  /** The services of an interface that exist by rules: shown where the registry has no provider of them. */
  ruledOf(interfaceName: string): readonly RuledService[];
  /** Undefined when calls to that service of that provider application, in that protocol, are led through the proxy. */
  notLed(service: ServiceKey, application: string, protocol: string): NotLed | undefined;
  /** Whether the proxy knows the protobuf messages of the interface's calls. */
  knowsMessages(interfaceName: string): boolean;
  /** The tag under which a provider that is led is shown, as URLs write it; `""` for none. */
  tagOf(service: ServiceKey, url: DubboUrl): string;
  /** Whether an application-level instance (by its node name) is kept from consumers. */
  hidesInstance(application: string, instance: string): boolean;
  /** Whether a node of a `routers` or `rules` directory is kept from consumers: it chooses among addresses that they do not see. */
  hidesRouter(directory: Directory, name: string): boolean;
}

/** What {@link createPresentContext} is made from; everything but the addresses has a default. */
export interface PresentOptions {
  /** `host:port` of the proxies that carry Dubbo2 now. */
  readonly addresses: readonly string[];
  /** Those that carry Triple; absent: it is not carried at all. */
  readonly triAddresses?: readonly string[];
  readonly roots?: readonly string[];
  readonly instanceRoots?: readonly string[];
  readonly take?: TakeFilter;
  readonly bypass?: Bypass;
  /** Services under rules that the proxy does not apply: printed key or interface -> reason. */
  readonly unruled?: ReadonlyMap<string, string>;
  /** Printed keys of the services that the proxy has been told of; absent: it knows all. */
  readonly served?: ReadonlySet<string>;
  /** gRPC services whose messages the proxy knows. */
  readonly messages?: ReadonlySet<string>;
  /** What the registry holds at interface level; decides which instances are hidden, and knows tags that overrides gave. */
  readonly world?: World;
  /** Services that exist by rules alone. */
  readonly ruled?: readonly RuledService[];
  /** Whether a service (by its printed key) was led until a moment ago: its routers are still hidden. */
  readonly wasLed?: (key: string) => boolean;
}

/** Compiles the context. Pure: equal options give a context that answers alike. */
export function createPresentContext(options: PresentOptions): PresentContext {
  const take = options.take ?? TAKE_ALL;
  const takesService = anyOf(take.services);
  const takesApplication = anyOf(take.applications);
  const bypassed = anyOf(options.bypass?.services ?? []);
  const all = options.bypass?.all === true;
  const { unruled, served } = options;
  const addresses: ReadonlyMap<string, readonly string[]> = new Map([
    ["dubbo", Object.freeze([...options.addresses])],
    ...(options.triAddresses === undefined ? [] : [["tri", Object.freeze([...options.triAddresses])] as const]),
  ]);

  function notLed(service: ServiceKey, application: string, protocol: string): NotLed | undefined {
    const proxies = addresses.get(protocol);
    if (proxies === undefined) return { reason: `${protocol}:// is not a protocol that is led through`, finding: true };
    if (proxies.length === 0) return quiet("no proxy is in service");
    const key = printServiceKey(service);
    if (all || bypassed(service.interface) || bypassed(key)) return quiet("bypassed");
    if (!takesService(service.interface) && !takesService(key)) return quiet("not taken by the service filter");
    if (!takesApplication(application)) return quiet("not taken by the application filter");
    const rule = unruled?.get(key) ?? unruled?.get(service.interface);
    if (rule !== undefined) return { reason: rule, finding: true };
    if (served !== undefined && !served.has(key))
      return { ...quiet("the proxy has not been told of it yet"), soon: true };
    return undefined;
  }

  const led = options.world === undefined ? new Set<string>() : ledServices(options.world, notLed);
  const wasLed = options.wasLed ?? (() => false);
  const ruled = new Map<string, RuledService[]>();
  for (const one of options.ruled ?? []) {
    ruled.set(one.service.interface, [...(ruled.get(one.service.interface) ?? []), one]);
  }
  const routers = options.world === undefined ? undefined : createRouterIndex(options.world);
  const hidden: HiddenInstances = options.world === undefined ? new Map() : hiddenInstances(options.world, notLed);
  const tags: TagsInWorld = options.world === undefined ? new Map() : tagsInWorld(options.world);
  return Object.freeze({
    addressesOf: (protocol: string) => addresses.get(protocol),
    roots: options.roots ?? ["/dubbo"],
    instanceRoots: options.instanceRoots ?? ["/services"],
    ...(served !== undefined && { served }),
    led,
    ruledOf: (interfaceName: string) => ruled.get(interfaceName) ?? [],
    notLed,
    knowsMessages: (interfaceName: string) => options.messages?.has(interfaceName) === true,
    tagOf: (service: ServiceKey, url: DubboUrl) => tagOfProvider(service, url, tags),
    hidesInstance: (application: string, instance: string) => hidden.get(application)?.has(instance) === true,
    hidesRouter({ kind, name: interfaceName }: Directory, name: string) {
      if (routers === undefined) return false;
      const ruled = kind === "rules" ? routers.ofKey(name) : routers.ofNode(interfaceName, name);
      return ruled.some((key) => led.has(key) || wasLed(key));
    },
  });
}

function ledServices(world: World, notLed: PresentContext["notLed"]): ReadonlySet<string> {
  const led = new Set<string>();
  for (const { service, endpoints } of world.entries) {
    const isLed = endpoints.some(
      ({ protocol, params }) => notLed(service, params["application"] ?? "", protocol) === undefined,
    );
    if (isLed) led.add(printServiceKey(service));
  }
  return led;
}

/** A test for a list of names with `*`; the list is compiled once, matching is linear in the name. */
function anyOf(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.includes("*")) return () => true;
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const wild = patterns.filter((pattern) => pattern.includes("*")).map((pattern) => pattern.split("*"));
  return (name) => exact.has(name) || wild.some((parts) => matchesParts(name, parts));
}

function matchesParts(name: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

function quiet(reason: string): NotLed {
  return { reason, finding: false };
}
