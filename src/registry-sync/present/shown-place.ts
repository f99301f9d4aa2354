import type { PresentContext } from "./context.ts";

/** Where an HTTP service is shown to be: at the proxy. */
export interface ShownPlace {
  /** What callers connect to: the proxy's address, or a name that they resolve to it. */
  readonly hostName: string;
  /** The proxy's IP address or name; an IPv6 address without brackets. */
  readonly address: string;
  readonly port: number;
}

/** What callers can put into a URL and resolve: letters, digits, dots and dashes, 253 characters at most (RFC 1123). */
const HOST_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i;

/** Where the service of that name is shown whose requests the proxy takes at `address` (`host:port`). A name that can be no host's is none. */
export function placeOf(
  address: string,
  service: string,
  { namesAsHosts }: Pick<PresentContext, "namesAsHosts">,
): ShownPlace {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  const hostName = namesAsHosts && HOST_NAME.test(service) ? service : host;
  return { hostName, address: host, port: Number(address.slice(colon + 1)) };
}
