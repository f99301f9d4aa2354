/** Reads `host:port`, `[v6]:port` or `host` alone where there is a default port; undefined where it is none of these. */
export function parseAddress(text: string, defaultPort?: number): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/?#@\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined) return undefined;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  return port === undefined || port > 65_535 ? undefined : { host, port };
}

/** Prints {@link parseAddress}'s form. */
export function printAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** A registry or facade URL, cut into its parts: `scheme://[user:password@]host[:port],host.../path?query`. */
export interface ServerUrl {
  readonly scheme: string;
  readonly username: string;
  readonly password: string;
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** With its leading slash, without a trailing one; `""` for none. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

/** Reads a {@link ServerUrl}; gives a text that says what is wrong where it is none. */
export function parseServerUrl(text: string, defaultPort: number): ServerUrl | string {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(?:([^@/]*)@)?([^/?]+)(\/[^?]*)?(?:\?(.*))?$/.exec(text);
  if (match === null) return `"${text}" is no URL of the form scheme://host:port`;
  const [, scheme = "", credentials = "", list = "", path = "", query = ""] = match;
  const hosts = [];
  for (const item of list.split(",")) {
    const address = parseAddress(item, defaultPort);
    if (address === undefined) return `"${item}" in "${scheme}://${list}" is no host:port`;
    hosts.push(address);
  }
  const colon = credentials.indexOf(":");
  return {
    scheme,
    username: decodeURIComponent(colon < 0 ? credentials : credentials.slice(0, colon)),
    password: colon < 0 ? "" : decodeURIComponent(credentials.slice(colon + 1)),
    hosts,
    path: path.replace(/\/+$/, ""),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}
