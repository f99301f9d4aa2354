import type { WireProtocol } from "../../codecs/xds/core.ts";
import type { Entry, World } from "../../model/entry.ts";
import type { InboundPlace } from "../../model/inbound.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import type { MetadataInfo } from "../application/metadata-info.ts";
import type { DubboUrl } from "../dubbo/url.ts";
import {
  type ApplicationTreatment,
  applicationOf,
  isLeadable,
  looksLikeInstance,
  type PresentedApplication,
  proxyPorts,
  treatApplication,
  waitedApplication,
  wouldHide,
} from "./applications.ts";
import type { ProvidersFrom } from "./changed.ts";
import type { Directory } from "./directory.ts";
import { type Elsewhere, type ElsewhereHttp, type ElsewhereProvider, NOWHERE } from "./elsewhere.ts";
import { type ElsewhereLedBy, elsewhereApplication, mappedElsewhere } from "./elsewhere-applications.ts";
import { type HttpService, httpNamesIn, httpServiceIn } from "./http-services.ts";
import { hiddenInstances, isInstanceOf } from "./instances.ts";
import { LedServices } from "./led-services.ts";
import { broadcastInterfaces, entriesOfApplication, providingOf } from "./providing.ts";
import type { RegisteringContext } from "./registering.ts";
import { createRouterIndex } from "./routers.ts";
import type { LedApplications } from "./spacing.ts";
import { tagOfProvider, tagsInWorld } from "./tags.ts";
import { compileTake, TAKE_ALL, type TakeFilter, type TakeOptions } from "./take.ts";

export { type Bypass, TAKE_ALL, type TakeFilter } from "./take.ts";

/** Who asks a facade, as far as that is known. */
export interface FacadeClient {
  /** IP address, without port. */
  readonly address?: string;
  readonly application?: string;
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

/** An {@link ElsewhereHttp} that is led through the proxy. */
export interface HttpElsewhere extends ElsewhereHttp {
  /** `host:port` at the proxy. */
  readonly address: string;
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
  /** What decides how lists of providers are shown: compared with another context's, it says which may be shown otherwise. */
  readonly providersFrom: ProvidersFrom;
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
  /**
   * `host:port` at the proxy that takes the HTTP requests for a service (one port for each), where consumers are to be shown it;
   * undefined where they are to see what the registry has.
   */
  httpAddressOf(service: ServiceKey): string | undefined;
  /** Whether an HTTP service that is led is shown under its own name as the host, for applications that resolve it to the proxy. */
  readonly namesAsHosts: boolean;
  /** Undefined when the HTTP requests of a service's consumers are led through the proxy. */
  notLedHttp(service: ServiceKey): NotLed | undefined;
  /** The names of the HTTP services (of no group) that the registry itself holds, or held until a loss that the guard does not believe yet. */
  readonly httpNames: readonly string[];
  /** Whether the guard holds what the registry lost at once: its own lists have less than there is. */
  readonly isHolding: boolean;
  /** The HTTP service of that name (and no group) that the registry itself holds; undefined where it holds none. */
  httpServiceOf(name: string): HttpService | undefined;
  /** Whether the registry has a node of an application's folder as one of Dubbo's application-level instances. */
  isDubboInstance(application: string, instance: string): boolean;
  /**
   * Providers of an interface that other registries hold, led or not. `present` shows them, through the proxy alone, where the
   * directory has no provider of their group and version, and else counts them in: what shows lists by `present` need not ask.
   */
  elsewhereOf(interfaceName: string): readonly ElsewhereProvider[];
  /**
   * The HTTP services that other registries hold and this one does not, and that are led through the proxy: to be listed beside the
   * registry's own, one instance each at `address`. Sorted. A facade leaves out those whose name its registry's own answer has.
   */
  readonly httpElsewhere: readonly HttpElsewhere[];
  /**
   * The one of {@link httpElsewhere} of that name and group (in any case of letters): to be shown where the registry's own list of that
   * service is empty, or there is no such service.
   */
  httpElsewhereOf(service: ServiceKey): HttpElsewhere | undefined;
  /** Whether this client is shown what the registry has, of all services: it uses the list for other ends than calls. */
  passesClient(client: FacadeClient): boolean;
  /** Which providers are registered at the proxy in front of them. */
  readonly registering: RegisteringContext;
  /** Whether the proxy knows the protobuf messages of the interface's calls. */
  knowsMessages(interfaceName: string): boolean;
  /** The tag under which a provider that is led is shown, as URLs write it; `""` for none. */
  tagOf(service: ServiceKey, url: DubboUrl): string;
  /** What consumers at application level are shown of an application; undefined where its instances are shown as they are. */
  application(name: string): PresentedApplication | undefined;
  /**
   * The applications by which consumers find the services of an interface that other registries hold, sorted: to be named by the
   * interface's mapping beside the registry's own, and shown as {@link application} says.
   */
  mappedElsewhere(interfaceName: string): readonly string[];
  /** Why an application's instances are shown as they are, where a person might expect otherwise. */
  applicationPasses(name: string): string | undefined;
  /** Whether an application-level instance (by its node name) is kept from consumers. */
  hidesInstance(application: string, instance: string): boolean;
  /** Whether an application-level instance is shown as it is for a moment: the proxy will stand in its place. */
  isSoon(application: string, instance: string): boolean;
  /** Whether nothing is to be waited for any more: a printed service key that the proxy has been told of, or an application's wait. */
  isSettled(waited: string): boolean;
  /** Whether a node of a `routers` or `rules` directory is kept from consumers: it chooses among addresses that they do not see. */
  hidesRouter(directory: Directory, name: string): boolean;
}

/** What {@link createPresentContext} is made from; everything but the addresses has a default. */
export interface PresentOptions extends TakeOptions {
  /** `host:port` of the proxies that carry Dubbo2 now. */
  readonly addresses: readonly string[];
  /** Those that carry Triple; absent: it is not carried at all. */
  readonly triAddresses?: readonly string[];
  readonly roots?: readonly string[];
  readonly instanceRoots?: readonly string[];
  /** Who is shown real addresses of everything; nobody unless told. */
  readonly passesClient?: (client: FacadeClient) => boolean;
  /** `host:port` of the proxy's port for each service that speaks HTTP, by printed key. */
  readonly httpAddresses?: Pick<ReadonlyMap<string, string>, "get">;
  /** Whether HTTP services are shown under their names as hosts; no unless told. */
  readonly namesAsHosts?: boolean;
  /** Proxies in front of providers, to be registered in their place; none unless told. */
  readonly inbound?: readonly InboundPlace[];
  /** Services under rules that the proxy does not apply: printed key or interface -> reason. */
  readonly unruled?: ReadonlyMap<string, string>;
  /** Printed keys of the services that the proxy has been told of; absent: it knows all. */
  readonly served?: ReadonlySet<string>;
  /** gRPC services whose messages the proxy knows. */
  readonly messages?: ReadonlySet<string>;
  /** What the registry holds at interface level; decides which instances are hidden, and knows tags that overrides gave. */
  readonly world?: World;
  /** Whether some of that world stands only because the guard holds it; no unless told. */
  readonly isHolding?: boolean;
  /** What other registries hold; nothing unless told. */
  readonly elsewhere?: Elsewhere;
  /** Services that exist by rules alone. */
  readonly ruled?: readonly RuledService[];
  /** Told what each revision of the proxy's own offers before anybody is shown it. */
  readonly onRevision?: (info: MetadataInfo) => void;
  /** Whether a service (by its printed key) was led until a moment ago: its routers are still hidden. */
  readonly wasLed?: (key: string) => boolean;
  /** Remembers from one context of a facade to the next what is led; changes nothing but the cost. */
  readonly ledMemory?: LedServices;
  /** Remembers from one context of a facade to the next which applications are shown at the proxies. */
  readonly applicationsLed?: LedApplications;
}

/** Compiles the context. Pure: equal options give a context that answers alike. */
export function createPresentContext(options: PresentOptions): PresentContext {
  const take = options.take ?? TAKE_ALL;
  const notChosen = compileTake(options);
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
    return notTaken(service, application);
  }

  function notLedHttp(service: ServiceKey): NotLed | undefined {
    if (options.addresses.length === 0) return quiet("no proxy is in service");
    if (options.httpAddresses?.get(printServiceKey(service)) === undefined)
      return { ...quiet("the proxy has no port for it"), soon: true };
    return notTaken(service, service.interface);
  }

  function notTaken(service: ServiceKey, application: string): NotLed | undefined {
    const key = printServiceKey(service);
    const filtered = notChosen(service, application, key);
    if (filtered !== undefined) return quiet(filtered);
    const rule = unruled?.get(key) ?? unruled?.get(service.interface);
    if (rule !== undefined) return { reason: rule, finding: true };
    if (served !== undefined && !served.has(key))
      return { ...quiet("the proxy has not been told of it yet"), soon: true };
    return undefined;
  }

  const isLed = (entry: Entry, application: string, protocol: string) =>
    notLed(entry.service, application, protocol) === undefined;
  const led = (options.ledMemory ?? new LedServices()).of(options.world?.entries ?? [], basisOf(options), isLed);
  const wasLed = options.wasLed ?? (() => false);
  const ruled = new Map<string, RuledService[]>();
  for (const one of options.ruled ?? []) {
    ruled.set(one.service.interface, [...(ruled.get(one.service.interface) ?? []), one]);
  }
  const routers = options.world === undefined ? undefined : createRouterIndex(options.world);
  const hides = options.world === undefined ? () => false : hiddenInstances(options.world, notLed);
  const elsewhere = options.elsewhere ?? NOWHERE;
  const httpAddressOf = (service: ServiceKey) =>
    notLedHttp(service) === undefined ? options.httpAddresses?.get(printServiceKey(service)) : undefined;
  const ledHttp = (one: ElsewhereHttp): HttpElsewhere | undefined => {
    const address = httpAddressOf(one.service);
    return address === undefined ? undefined : { ...one, address };
  };
  const ledBy = {
    proxies: proxyPorts(options.addresses, options.triAddresses ?? []),
    notLed,
    needsInterface(application: string) {
      const entries = entriesOfApplication(options.world?.entries ?? [], application);
      if (entries.some((entry) => providingOf(entry).isTagged)) return "providers of it have tags";
      const broadcast = broadcastInterfaces(options.world?.consumers ?? []);
      const called = entries.find(({ service }) => broadcast.has(service.interface));
      return called && `a consumer of ${called.service.interface} calls every provider (cluster=broadcast)`;
    },
    ...(served !== undefined && { served }),
  };
  const ledElsewhere: ElsewhereLedBy = {
    proxies: ledBy.proxies,
    notLed,
    isBroadcast: (name) => broadcastInterfaces(options.world?.consumers ?? []).has(name),
    onRevision: options.onRevision,
  };
  const mapped = new Map<string, readonly string[]>();
  const standingFor = new Map<string, PresentedApplication>();
  const standing = (name: string): PresentedApplication | undefined => {
    const known = standingFor.get(name) ?? elsewhereApplication(elsewhere, name, ledElsewhere);
    if (known !== undefined) standingFor.set(name, known);
    return known;
  };
  const treatments = new Map<string, ApplicationTreatment>();
  const treated = (name: string): ApplicationTreatment | undefined => {
    if (!treatments.has(name)) {
      const application = applicationOf(options.world?.applications ?? [], name);
      // Names that nobody has are not kept: clients may ask for any.
      if (application === undefined) return undefined;
      let isWhole = true;
      const stays = () => {
        isWhole = false;
        return options.applicationsLed?.stays(name) === true;
      };
      const treatment = treatApplication(application, { ...ledBy, stays });
      treatments.set(name, treatment);
      options.applicationsLed?.note(name, treatment.type === "led", isWhole);
      if (treatment.type === "led") for (const { info } of treatment.presented.instances) options.onRevision?.(info);
    }
    return treatments.get(name);
  };
  const tags = options.world === undefined ? () => undefined : tagsInWorld(options.world);
  const mayCome = options.world !== undefined && !all && options.addresses.length > 0;
  return Object.freeze({
    addressesOf: (protocol: string) => addresses.get(protocol),
    providersFrom: providersFromOf(options, take),
    roots: options.roots ?? ["/dubbo"],
    instanceRoots: options.instanceRoots ?? ["/services"],
    ...(served !== undefined && { served }),
    led,
    ruledOf: (interfaceName: string) => ruled.get(interfaceName) ?? [],
    notLed,
    notLedHttp,
    httpAddressOf,
    namesAsHosts: options.namesAsHosts ?? false,
    get httpNames() {
      return options.world === undefined ? [] : httpNamesIn(options.world.entries);
    },
    isHolding: options.isHolding ?? false,
    httpServiceOf: (name: string) => options.world && httpServiceIn(options.world.entries, name),
    isDubboInstance: (application: string, instance: string) => isInstanceOf(options.world, application, instance),
    elsewhereOf: (interfaceName: string) => elsewhere.providersOf(interfaceName),
    get httpElsewhere() {
      return elsewhere.http.flatMap((one) => ledHttp(one) ?? []);
    },
    httpElsewhereOf(service: ServiceKey) {
      const one = elsewhere.httpOf(service);
      return one && ledHttp(one);
    },
    passesClient: options.passesClient ?? (() => false),
    registering: {
      inbound: options.inbound ?? [],
      takes: (service: ServiceKey, application: string) => notChosen(service, application) === undefined,
    },
    knowsMessages: (interfaceName: string) => options.messages?.has(interfaceName) === true,
    tagOf: (service: ServiceKey, url: DubboUrl) => tagOfProvider(service, url, tags),
    application(name: string) {
      const treatment = treated(name);
      if (treatment === undefined) return standing(name);
      return treatment.type === "led" ? treatment.presented : undefined;
    },
    mappedElsewhere(interfaceName: string) {
      let names = mapped.get(interfaceName);
      if (names === undefined) {
        names = mappedElsewhere(elsewhere, interfaceName, ledElsewhere);
        // What others have is bounded; what nobody has is whatever clients ask for.
        if (names.length > 0 || elsewhere.providersOf(interfaceName).length > 0) mapped.set(interfaceName, names);
      }
      return names;
    },
    applicationPasses(name: string) {
      const treatment = treated(name);
      return treatment?.type === "passes" ? treatment.reason : undefined;
    },
    hidesInstance(application: string, instance: string) {
      const treatment = treated(application);
      if (treatment?.type === "led") return treatment.presented.hides(instance);
      return treatment?.isInterface !== false && hides(application, instance);
    },
    isSoon(application: string, instance: string) {
      const treatment = treated(application);
      if (treatment?.type === "led") return false;
      const known = applicationOf(options.world?.applications ?? [], application);
      // The registry tells consumers of an application that has just come at the same time as the sync.
      if (known === undefined || treatment === undefined)
        return mayCome && isLeadable(application) && looksLikeInstance(instance);
      return treatment.isSoon === true && wouldHide(known, instance);
    },
    isSettled(waited: string) {
      const application = waitedApplication(waited);
      if (application === undefined) return served === undefined || served.has(waited);
      const treatment = treated(application);
      return treatment !== undefined && (treatment.type === "led" || treatment.isSoon !== true);
    },
    hidesRouter({ kind, name: interfaceName }: Directory, name: string) {
      if (routers === undefined) return false;
      const ruled = kind === "rules" ? routers.ofKey(name) : routers.ofNode(interfaceName, name);
      return ruled.some((key) => led.has(key) || wasLed(key));
    },
  });
}

/** All that decides whether a service is led, beside itself; texts for what is made anew each time. */
function basisOf({ take, bypass, unruled, served, ...options }: PresentOptions): readonly unknown[] {
  const ruled = unruled === undefined || unruled.size === 0 ? "" : JSON.stringify([...unruled]);
  const said = [options.addresses.length > 0, options.triAddresses && options.triAddresses.length > 0, options.pass];
  return [JSON.stringify(said), take, bypass, ruled, served];
}

function providersFromOf(options: PresentOptions, take: TakeFilter): ProvidersFrom {
  const { addresses, triAddresses, unruled, ruled = [], served, messages, world, elsewhere = NOWHERE } = options;
  const said = JSON.stringify([addresses, triAddresses, [...(unruled ?? [])], ruled, options.roots]);
  return {
    common: [said, take, options.bypass, options.pass, options.passesClient],
    ...{ own: world?.entries ?? [], merged: elsewhere.entries, served, messages },
  };
}

function quiet(reason: string): NotLed {
  return { reason, finding: false };
}
