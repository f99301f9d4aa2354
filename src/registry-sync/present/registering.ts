import { type InboundPlace, inboundLabels, type Place } from "../../model/inbound.ts";
import type { ServiceKey } from "../../model/service.ts";

/** What decides whether a proxy stands in a provider's place at the registry. */
export interface RegisteringContext {
  /** The proxies in front of providers. */
  readonly inbound: readonly InboundPlace[];
  /** Whether calls of that service of that application are to be led at all: what `take` and `pass` say. */
  takes(service: ServiceKey, application: string): boolean;
}

/** A provider as it registers. */
export interface Registered {
  /** The addresses that it says; any of them will do. */
  readonly places: readonly Place[];
  /** What it may speak, the first that a proxy speaks counts. */
  readonly protocols: readonly string[];
  readonly service: ServiceKey;
  readonly application: string;
}

/** The proxy that stands for a provider which registers at an address; undefined for none. */
export function inboundOf(
  { host, port }: Place,
  protocol: string,
  { inbound }: Pick<RegisteringContext, "inbound">,
): InboundPlace | undefined {
  const isAt = (place: Place) => place.port === port && place.host === host;
  // A provider that listens on 127.0.0.1 may register the proxy's address by itself.
  return inbound.find((one) => one.protocol === protocol && (isAt(one.to) || isAt(one.listen)));
}

/** The proxy that is to stand for a provider now; undefined where the provider stands for itself. */
export function standInOf(
  { places, protocols, service, application }: Registered,
  context: RegisteringContext,
): InboundPlace | undefined {
  if (context.inbound.length === 0) return undefined;
  for (const protocol of protocols)
    for (const place of places) {
      const found = inboundOf(place, protocol, context);
      if (found !== undefined) return context.takes(service, application) ? found : undefined;
    }
  return undefined;
}

/** A provider's parameters or metadata, where the proxy stands for it. */
export function standInMetadata<T extends Readonly<Record<string, unknown>>>(metadata: T, place: InboundPlace): T {
  return Object.assign(Object.create(Object.getPrototypeOf(metadata) as object | null), metadata, inboundLabels(place));
}

/** The same proxies whatever `take` and `pass` say: whose provider may have to be moved some day. */
export function anyStandIn({ inbound }: Pick<RegisteringContext, "inbound">): RegisteringContext {
  return { inbound, takes: () => true };
}
