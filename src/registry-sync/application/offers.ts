import type { Application, ApplicationInstance, ApplicationService } from "../../model/application.ts";
import type { DubboUrl } from "../dubbo/url.ts";
import { ENDPOINTS, META_VERSION, portFor, REVISION, STORAGE_TYPE, URL_PARAMS } from "./instance.ts";

/** A service that an instance offers, as the provider's URL that it would have at interface level. */
export interface ApplicationOffer {
  /** Unique among the offers of its interface. */
  readonly id: string;
  /** The same object while nothing of it changed. */
  readonly url: DubboUrl;
}

/** An application's offers by interface. */
export type OffersByInterface = ReadonlyMap<string, readonly ApplicationOffer[]>;

/** The parameter that tells an endpoint that stands at application level alone; Dubbo's own word for it in registry addresses. */
export const LEVEL_PARAM = "registry-type";
/** Its value. */
export const APPLICATION_LEVEL = "service";

/** Most offers of one application that are made; the rest is left out, and `left` says how many. */
export const MAX_OFFERS = 200_000;

/** What instances and metadata make together. */
export interface ApplicationOffers {
  readonly byInterface: OffersByInterface;
  readonly left: number;
  /** What was made from each service of each instance. */
  readonly made: ReadonlyMap<ApplicationInstance, ReadonlyMap<ApplicationService, ApplicationOffer>>;
}

/** Metadata of how an instance is found, which says nothing of its services. */
const OF_DISCOVERY: ReadonlySet<string> = new Set([
  ENDPOINTS,
  META_VERSION,
  REVISION,
  STORAGE_TYPE,
  URL_PARAMS,
  "dubbo.metadata-service.urls",
  "dubbo.subscribed-services.revision",
]);

const known = new WeakMap<Application, ApplicationOffers>();

/**
 * The services that the instances of an application offer: host of the instance, port of the MetadataInfo (what 3.3 calls), else of
 * `dubbo.endpoints`, else the instance's own; the service's parameters, those of the instance where they are free, and
 * `application`. `before` is what was made last: offers of instances and services that are still the same objects are taken over; an
 * application's are made once.
 * Instances whose revision is not known, or that offer nothing, have none.
 */
export function offersOf(application: Application, before?: ApplicationOffers): ApplicationOffers {
  const last = known.get(application);
  if (last !== undefined) return last;
  const byInterface = new Map<string, ApplicationOffer[]>();
  const made = new Map<ApplicationInstance, Map<ApplicationService, ApplicationOffer>>();
  let count = 0;
  let left = 0;
  for (const instance of application.instances) {
    const earlier = before?.made.get(instance);
    const ofInstance = new Map<ApplicationService, ApplicationOffer>();
    for (const service of application.revisions.get(instance.revision) ?? []) {
      if (count >= MAX_OFFERS) {
        left++;
        continue;
      }
      count++;
      const offer = earlier?.get(service) ?? offerOf(application.name, instance, service);
      ofInstance.set(service, offer);
      const list = byInterface.get(service.service.interface);
      if (list === undefined) byInterface.set(service.service.interface, [offer]);
      else list.push(offer);
    }
    if (ofInstance.size > 0) made.set(instance, ofInstance);
  }
  const offers: ApplicationOffers = { byInterface, left, made };
  known.set(application, offers);
  return offers;
}

function offerOf(name: string, instance: ApplicationInstance, service: ApplicationService): ApplicationOffer {
  const { service: key, protocol, path } = service;
  const params: Record<string, string> = Object.create(null);
  for (const [param, text] of Object.entries(instance.params)) if (!OF_DISCOVERY.has(param)) params[param] = text;
  Object.assign(params, service.params);
  params["application"] = name;
  params["interface"] = key.interface;
  params[LEVEL_PARAM] = APPLICATION_LEVEL;
  if (key.group !== "") params["group"] = key.group;
  else delete params["group"];
  if (key.version !== "") params["version"] = key.version;
  else delete params["version"];
  if (instance.disabled) params["disabled"] = "true";
  if (instance.weight !== 100) params["weight"] = scaled(params["weight"], instance.weight);
  const port = service.port > 0 ? service.port : portFor(instance, protocol);
  return {
    id: `${name}/${instance.id}/${key.group}/${key.version}/${protocol}`,
    url: { protocol, host: instance.address, port, path, params: Object.freeze(params) },
  };
}

/** The service's own weight times the registry's, 100 being one; at least 1 where neither is 0. */
function scaled(own: string | undefined, weight: number): string {
  const of = own !== undefined && /^\d{1,9}$/.test(own) ? Number(own) : 100;
  const both = (of * weight) / 100;
  return String(both > 0 ? Math.max(1, Math.min(2_147_483_647, Math.round(both))) : 0);
}
