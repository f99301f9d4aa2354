import { printAddress } from "../../base/address.ts";
import type { WireProtocol } from "../../codecs/xds/core.ts";
import { encodeDubboInstance } from "../../codecs/zookeeper/curator-instance.ts";
import { printServiceKey, serviceKey } from "../../model/service.ts";
import { printMetadataInfo } from "../application/metadata-info.ts";
import { consumerTakes } from "../dubbo/match.ts";
import { type DubboUrl, interfaceOf, param, parseNodeName, printNodeName } from "../dubbo/url.ts";
import { applicationWait, type VirtualInstance } from "./applications.ts";
import { ANYBODY, type Asker, takesDubboAlone, wantsBridged } from "./asker.ts";
import { bridgeParams, isBridgeable, otherProtocol } from "./bridge-urls.ts";
import { CARRIED, type NotLed, type PresentContext } from "./context.ts";
import type { Directory } from "./directory.ts";
import { elsewhereUrls, type LedElsewhere } from "./elsewhere-urls.ts";
import { mergeUrls } from "./merge-urls.ts";
import { ruledUrls } from "./ruled.ts";
import { type SpringNode, springKey, springNodeName, springNodeOf, treatSpringNode } from "./spring-nodes.ts";

/** Why a name passes unchanged, in words for a person. */
export interface Passed {
  readonly name: string;
  readonly reason: string;
  /** What the reason is about: a service key, or the directory's name. */
  readonly at: string;
}

/** What a consumer is shown of one directory. */
export interface Presented {
  /** The names shown: real ones that pass, in their order, then the proxy's. No two alike. */
  readonly shown: ReadonlySet<string>;
  /** Those of `shown` that the registry does not hold. */
  readonly virtual: ReadonlySet<string>;
  /** The data of those of `virtual` whose data may change while they stand. */
  readonly data: ReadonlyMap<string, Uint8Array>;
  /** Names that pass unchanged although a person might expect otherwise. */
  readonly passed: readonly Passed[];
  /** Printed keys of services that pass unchanged only until the proxy has been told of them; {@link applicationWait}s. */
  readonly soon: ReadonlySet<string>;
}

/** How one name of a directory is treated. */
export type Treatment =
  | { readonly type: "led"; readonly url: DubboUrl; readonly group: string; readonly tag: string }
  | { readonly type: "hidden"; readonly isSpring?: true }
  | { readonly type: "passes"; readonly note: Passed | undefined; readonly soon?: string };

/** Longest list of names that is explained one by one. */
const MAX_PASSED = 20;

/**
 * How a real name of a directory is treated, from the name and the context alone: so the answer to a question for one node never
 * disagrees with the list.
 */
export function treat(
  directory: Directory,
  name: string,
  context: PresentContext,
  { unled, passes: seesAll }: Asker = ANYBODY,
): Treatment {
  if (seesAll === true) return { type: "passes", note: undefined };
  if (directory.kind === "metadata") return { type: "passes", note: undefined };
  if (directory.kind === "instances") {
    if (context.hidesInstance(directory.name, name)) return { type: "hidden" };
    const spring = treatSpringNode(directory.name, name, context);
    if (spring === "hidden") return { type: "hidden", isSpring: true };
    if (spring === "soon") return { type: "passes", note: undefined, soon: springKey(directory.name) };
    if (context.isSoon(directory.name, name))
      return { type: "passes", note: undefined, soon: applicationWait(directory.name) };
    const reason = context.applicationPasses(directory.name);
    return reason === undefined ? { type: "passes", note: undefined } : passes(name, reason, directory.path);
  }
  if (directory.kind === "routers" || directory.kind === "rules") {
    const broadcasts =
      directory.kind === "routers" && unled.some((consumer) => interfaceOf(consumer) === directory.name);
    const isHidden = !broadcasts && context.hidesRouter(directory, name);
    return isHidden ? { type: "hidden" } : { type: "passes", note: undefined };
  }
  const reading = parseNodeName(name);
  if (reading.type === "fault") return passes(name, reading.message, directory.name);
  const { url } = reading;
  const service = serviceKey(directory.name, param(url, "group"), param(url, "version"));
  const at = printServiceKey(service);
  const application = param(url, "application");
  const not: NotLed | undefined = context.notLed(service, application, url.protocol);
  if (context.addressesOf(url.protocol) === undefined) return passes(name, not?.reason ?? "", at);
  if (interfaceOf(url) !== directory.name) return passes(name, "its url names another interface", at);
  // A Triple call says its service by the path alone: that of a .proto's service, or one below a context path, is no interface.
  if (url.protocol === "tri" && url.path !== directory.name)
    return passes(name, `its calls name ${url.path.slice(0, 200)}, not the interface`, at);
  if (url.host === "" || url.port === 0) return passes(name, "its url has no host and port", at);
  if (isProxy(url, context)) return passes(name, "it is a proxy's own address", at);
  if (param(url, "ssl-enabled") === "true") return passes(name, "it takes TLS connections alone", at);
  if (param(url, "cluster") === "broadcast") return passes(name, "it asks for cluster=broadcast", at);
  if (not?.soon === true) return { type: "passes", note: undefined, soon: at };
  if (not !== undefined) return not.finding ? passes(name, not.reason, at) : { type: "passes", note: undefined };
  if (unled.some((consumer) => consumerTakes(consumer, url))) return passes(name, "its consumer broadcasts", at);
  // Group and version as written: Dubbo's consumers tell version 0.0.0 from none, though a key does not.
  return {
    type: "led",
    url,
    group: `${param(url, "group")}\n${param(url, "version")}`,
    tag: context.tagOf(service, url),
  };
}

/** Whether a node that the registry holds is kept from lists (and, but for its owner, from reads). */
export function isHidden(directory: Directory, name: string, context: PresentContext, asker: Asker = ANYBODY): boolean {
  return treat(directory, name, context, asker).type !== "passes";
}

/** Whether a name could be one of the proxy's in that directory; `present` alone knows whether it is shown now. */
export function mayBeVirtual(directory: Directory, name: string, context: PresentContext): boolean {
  if (directory.kind === "instances" && name === springNodeName(directory.name)) return true;
  if (directory.kind === "instances" || directory.kind === "metadata") {
    return context.application(directory.name)?.instances.some((one) => nameIn(directory, one) === name) === true;
  }
  if (directory.kind !== "providers") return false;
  const reading = parseNodeName(name);
  return reading.type === "url" && context.addressesOf(reading.url.protocol)?.includes(addressOf(reading.url)) === true;
}

/**
 * What is shown of a directory that holds `names`: for each (group, version, tag) that is led through the proxy, and each protocol
 * of its providers, one URL per proxy address in place of the providers' own; the same in the other protocol, derived from these,
 * where no provider speaks it and the asker has use for it; the services that other registries hold or that exist by rules alone;
 * everything else as it is. An application's folder shows one node for all of Spring Cloud's instances. Who takes dubbo:// alone is shown tri:// only where
 * no dubbo:// stands. Never empty where `names` holds a provider.
 * Tags stand apart because consumers' own tag routers (`dubbo.tag`, 2.6 to 3.3) choose among these URLs before a call is sent.
 * Depends on nothing else, so every facade shows the same.
 */
export function present(
  directory: Directory,
  names: readonly string[],
  context: PresentContext,
  asker: Asker = ANYBODY,
): Presented {
  const shown = new Set<string>();
  const passed: Passed[] = [];
  const soon = new Set<string>();
  const led = new Map<string, Like>();
  let hasSpring = false;
  for (const name of names) {
    const treatment = treat(directory, name, context, asker);
    if (treatment.type === "passes") {
      shown.add(name);
      if (treatment.soon !== undefined) soon.add(treatment.soon);
      if (treatment.note !== undefined && passed.length < MAX_PASSED) passed.push(treatment.note);
    } else if (treatment.type === "led") addLike(led, treatment);
    else hasSpring ||= treatment.isSpring === true;
  }
  if (directory.kind === "providers" && asker.passes !== true) {
    const question = { interfaceName: directory.name, names, led: [...led.values()].map(({ group }) => group), asker };
    const elsewhere = elsewhereUrls(question, context);
    for (const one of elsewhere.urls) addLike(led, one);
    const ruled = ruledUrls(directory.name, names, context);
    for (const url of ruled.urls) {
      addLike(led, { url, group: `${param(url, "group")}\n${param(url, "version")}`, tag: "" });
    }
    for (const service of [...elsewhere.waiting, ...ruled.waiting]) soon.add(printServiceKey(service));
  }
  const virtual = new Set<string>();
  for (const key of [...led.keys()].sort()) {
    const { tag, urls } = led.get(key)!;
    const stands = CARRIED.flatMap((protocol) => {
      const addresses = context.addressesOf(protocol) ?? [];
      const url = addresses.length === 0 ? undefined : standIn(protocol, urls, { directory, tag, asker, context });
      return url === undefined ? [] : addresses.map((address) => ({ protocol, ...splitAddress(address), ...url }));
    });
    const dubboAlone = takesDubboAlone(asker) && stands[0]?.protocol === "dubbo";
    for (const stand of stands) {
      const name = printNodeName(stand);
      if (shown.has(name) || (dubboAlone && stand.protocol !== "dubbo")) continue;
      shown.add(name);
      virtual.add(name);
    }
  }
  const data = new Map<string, Uint8Array>();
  if (asker.passes !== true) {
    for (const [name, text] of instanceNodes(directory, context)) {
      if (shown.has(name)) continue;
      shown.add(name);
      virtual.add(name);
      data.set(name, text);
    }
  }
  const spring =
    directory.kind === "instances" ? springNode(directory, names, hasSpring, { context, asker }) : undefined;
  if (spring !== undefined && !shown.has(spring.name)) {
    shown.add(spring.name);
    virtual.add(spring.name);
    data.set(spring.name, spring.data);
  }
  return { shown, virtual, data, passed, soon };
}

/** What stands for the instances of Spring Cloud: for those that are hidden, or for other registries' where none of them passes. */
function springNode(
  { name: application }: Directory,
  names: readonly string[],
  hasHidden: boolean,
  { context, asker }: Pick<Shown, "context" | "asker">,
): SpringNode | undefined {
  if (asker.passes === true) return undefined;
  if (!hasHidden) {
    const passes = names.some((name) => !context.isDubboInstance(application, name));
    if (passes || context.httpElsewhereOf(serviceKey(application)) === undefined) return undefined;
  }
  return springNodeOf(application, context);
}

function addLike(led: Map<string, Like>, { url, group, tag }: LedElsewhere): void {
  const key = `${group}\n${tag}`;
  const like = led.get(key) ?? { group, tag, urls: new Map<string, DubboUrl[]>() };
  led.set(key, like);
  const urls = like.urls.get(url.protocol);
  if (urls === undefined) like.urls.set(url.protocol, [url]);
  else urls.push(url);
}

/** Providers that are shown as one. */
interface Like {
  readonly group: string;
  readonly tag: string;
  /** By protocol. */
  readonly urls: Map<string, DubboUrl[]>;
}

/** Where, under which tag and to whom something is shown. */
interface Shown {
  readonly directory: Directory;
  readonly tag: string;
  readonly asker: Asker;
  readonly context: PresentContext;
}

/** What stands for providers in a protocol, their own or the other one; undefined where nothing does. `urls` are by protocol. */
function standIn(
  protocol: WireProtocol,
  urls: ReadonlyMap<string, readonly DubboUrl[]>,
  { directory, tag, asker, context }: Shown,
): Pick<DubboUrl, "path" | "params"> | undefined {
  const directoryName = directory.name;
  const own = urls.get(protocol);
  if (own !== undefined) return mergeUrls(own, directoryName, tag);
  if (!wantsBridged(asker, protocol)) return undefined;
  const others = (urls.get(otherProtocol(protocol)) ?? []).filter((url) =>
    isBridgeable(url, context.knowsMessages(directoryName)),
  );
  if (others.length === 0) return undefined;
  return { path: directoryName, params: bridgeParams(mergeUrls(others, directoryName, tag).params) };
}

/** The nodes that stand for the proxy at application level: instances, and their revisions in the metadata centre, with their data. */
function instanceNodes(directory: Directory, context: PresentContext): readonly (readonly [string, Uint8Array])[] {
  if (directory.kind !== "instances" && directory.kind !== "metadata") return [];
  return (context.application(directory.name)?.instances ?? []).map((one) => [
    nameIn(directory, one),
    directory.kind === "metadata"
      ? new TextEncoder().encode(printMetadataInfo(one.info))
      : encodeDubboInstance({ ...one, name: directory.name }),
  ]);
}

function nameIn({ kind }: Directory, { id, info }: VirtualInstance): string {
  return kind === "metadata" ? info.revision : id;
}

function isProxy(url: DubboUrl, context: PresentContext): boolean {
  return CARRIED.some((protocol) => context.addressesOf(protocol)?.includes(addressOf(url)) === true);
}

function passes(name: string, reason: string, at: string): Treatment {
  return { type: "passes", note: { name, reason, at } };
}

function addressOf({ host, port }: DubboUrl): string {
  return printAddress(host, port);
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
