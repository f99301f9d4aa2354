import type { Consumer, Endpoint } from "../../model/entry.ts";
import { printServiceKey, type ServiceKey } from "../../model/service.ts";
import { compareText, serviceKeyOf } from "./endpoint.ts";
import { type DubboUrl, param } from "./url.ts";

/** Protocols that stand in registries for something else than a provider. */
export const NOT_PROVIDERS: ReadonlySet<string> = new Set([
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

/** A provider as registered, with the endpoint that it is under the overrides. */
export interface Offer {
  readonly url: DubboUrl;
  readonly endpoint: Endpoint;
}

/** What is offered of one service. */
export interface Service {
  readonly key: string;
  readonly service: ServiceKey;
  readonly offers: Offer[];
}

/** Offers by service, in order of the printed keys. */
export function servicesOf(name: string, offers: readonly Offer[]): readonly Service[] {
  const services = new Map<string, Service>();
  for (const offer of offers) {
    const service = serviceKeyOf(name, offer.url);
    const key = printServiceKey(service);
    const known = services.get(key);
    if (known === undefined) services.set(key, { key, service, offers: [offer] });
    else known.offers.push(offer);
  }
  return [...services.values()].sort((a, b) => compareText(a.key, b.key));
}

/** The consumer that a node of an interface's directory stands for. */
export function consumerOf(name: string, url: DubboUrl): Consumer {
  const service = serviceKeyOf(name, url);
  return Object.freeze({ service, address: url.host, application: param(url, "application"), params: url.params });
}

/** Names of applications; those that say none are left out. */
export function applicationsOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.filter((name) => name !== ""));
}

/** `host:port` of a URL, for a person; the port only where there is one. */
export function addressOf(url: DubboUrl): string {
  return `${cut(url.host)}${url.port > 0 ? `:${url.port}` : ""}`;
}

/** A text of a registry, short enough for a message. */
export function cut(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}
