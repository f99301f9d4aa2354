/** Prints `host:port`, an IPv6 address in brackets. */
export function printAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
