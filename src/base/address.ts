/** What an address that is a Unix socket begins with: a path follows, or `@` and a name of Linux' abstract ones. */
export const UNIX = "unix://";

/** Where a socket connects to, as node:net has it: a host and port, or the path of a Unix socket. */
export type SocketPlace = { readonly path: string } | { readonly host: string; readonly port: number };

/** The place of an address, whose port counts for nothing where it is a Unix socket. */
export function socketPlace(address: string, port: number): SocketPlace {
  return address.startsWith(UNIX) ? { path: address.slice(UNIX.length).replace(/^@/, "\0") } : { host: address, port };
}

/** Prints `host:port`, an IPv6 address in brackets; a Unix socket as it is. */
export function printAddress(host: string, port: number): string {
  if (host.startsWith(UNIX)) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What a request to an address names as its authority: behind a Unix socket nothing but the host itself is. */
export function authorityOf(host: string, port: number): string {
  return host.startsWith(UNIX) ? "localhost" : printAddress(host, port);
}

/** Whether a text is a DNS name, and neither an IP address nor a Unix socket. */
export function isDnsName(text: string): boolean {
  return !isIpAddress(text) && !text.startsWith(UNIX);
}

/** Whether a text is an IPv4 or IPv6 address, and no DNS name. */
export function isIpAddress(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || (text.includes(":") && /^[0-9a-fA-F:.]+$/.test(text));
}
