import { sameItems } from "../../base/block-list.ts";
import type { ApplicationService } from "../../model/application.ts";
import { type MetadataInfo, matchKeyOf } from "../application/metadata-info.ts";
import { compareText } from "../dubbo/endpoint.ts";
import { type DubboUrl, param } from "../dubbo/url.ts";
import { isLeadable, type LedBy, type PresentedApplication, refusalOf, virtualInstance } from "./applications.ts";
import { type Elsewhere, type ElsewhereProvider, ORIGIN_PARAM } from "./elsewhere.ts";
import { mergeUrls } from "./merge-urls.ts";
import { TAG } from "./tags.ts";

/**
 * Applications by which consumers at application level alone (3.x, FORCE_APPLICATION) find the Dubbo services that other registries
 * hold: one for each application that provides some of them, of a name that nobody has. The mapping of an interface names them
 * beside those that the registry's own mapping names; each has the proxies for instances, and what those offer is in the metadata
 * centre, where such consumers read mappings, too.
 */

/** What the names of such applications end in. */
const SUFFIX = ".trestle";

/** The name by which an application of other registries is shown; undefined where it can have none. */
function shownName(application: string): string | undefined {
  const name = `${application === "" ? "unnamed" : application}${SUFFIX}`;
  return isLeadable(name) ? name : undefined;
}

/** Whether a name is that of such an application. */
export function isElsewhereApplication(name: string): boolean {
  return name.endsWith(SUFFIX);
}

/** What decides on them: as for the registry's own applications, and whether a consumer of an interface calls every provider. */
export interface ElsewhereLedBy extends Pick<LedBy, "proxies" | "notLed"> {
  readonly isBroadcast: (interfaceName: string) => boolean;
  /** Told what each revision offers before anybody is shown it. */
  readonly onRevision?: ((info: MetadataInfo) => void) | undefined;
}

/** The names that the mapping of an interface has for them, sorted. */
export function mappedElsewhere(elsewhere: Elsewhere, interfaceName: string, by: ElsewhereLedBy): readonly string[] {
  if (by.proxies.length === 0 || by.isBroadcast(interfaceName)) return NONE;
  const names = new Set<string>();
  for (const one of elsewhere.providersOf(interfaceName)) {
    const name = shownName(param(one.url, "application"));
    if (name === undefined || names.has(name) || !isOthers(one) || !isCarried(one)) continue;
    const application = elsewhereApplication(elsewhere, name, by);
    const offers = application?.instances.some(({ info }) =>
      info.services.some((of) => of.service.interface === interfaceName),
    );
    if (offers === true) names.add(name);
  }
  return names.size === 0 ? NONE : [...names].sort(compareText);
}

const NONE: readonly string[] = [];

/** What is shown of such an application; undefined where there is none of that name, or none of its services is led. */
export function elsewhereApplication(
  elsewhere: Elsewhere,
  name: string,
  by: ElsewhereLedBy,
): PresentedApplication | undefined {
  if (!isElsewhereApplication(name) || by.proxies.length === 0) return undefined;
  const application = name.slice(0, -SUFFIX.length);
  const lists = [application, ...(application === "unnamed" ? [""] : [])].flatMap((one) => elsewhere.providersIn(one));
  const [first] = lists;
  if (first === undefined || shownName(application) === undefined) return undefined;
  const led = servicesOf(first, lists).filter(
    (one) => !by.isBroadcast(one.service.interface) && by.notLed(one.service, application, one.protocol) === undefined,
  );
  if (led.length === 0) return undefined;
  const instances = by.proxies.map((proxy) => virtualInstance(name, led, proxy, "remote"));
  if (by.onRevision !== undefined) for (const { info } of instances) by.onRevision(info);
  return Object.freeze({ instances, hides: () => false });
}

type Service = Omit<ApplicationService, "port">;

/** What was made of lists of providers, by the first of them. */
const made = new WeakMap<
  readonly ElsewhereProvider[],
  { readonly lists: readonly (readonly ElsewhereProvider[])[]; readonly services: readonly Service[] }
>();

/** The services of an application, each with each protocol once; those that consumers' own routers choose among are left out. */
function servicesOf(
  first: readonly ElsewhereProvider[],
  lists: readonly (readonly ElsewhereProvider[])[],
): readonly Service[] {
  const before = made.get(first);
  if (before !== undefined && sameItems(before.lists, lists)) return before.services;
  const found = new Map<string, { readonly like: ElsewhereProvider; readonly urls: DubboUrl[] }>();
  for (const one of lists.flat()) {
    if (!isCarried(one)) continue;
    const key = matchKeyOf({ service: one.service, protocol: one.url.protocol });
    const known = found.get(key);
    if (known === undefined) found.set(key, { like: one, urls: [one.url] });
    else known.urls.push(one.url);
  }
  const services = [...found]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([, { like, urls }]): Service[] => {
      const { service } = like;
      if (refusalOf(urls, service.interface) !== undefined || urls.some((url) => param(url, TAG) !== "")) return [];
      return [{ service, protocol: like.url.protocol, ...mergeUrls(urls, service.interface) }];
    });
  made.set(first, { lists, services });
  return services;
}

function isOthers({ url }: ElsewhereProvider): boolean {
  return url.params[ORIGIN_PARAM] !== undefined;
}

function isCarried({ url: { protocol, host, port } }: ElsewhereProvider): boolean {
  return (protocol === "dubbo" || protocol === "tri") && host !== "" && port > 0;
}
