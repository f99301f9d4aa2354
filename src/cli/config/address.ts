/** Reads `host:port`, `[v6]:port` or `host` alone where there is a default port; undefined where it is none of these. */
export function parseAddress(text: string, defaultPort?: number): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/?#@\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined) return undefined;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  return port === undefined || port > 65_535 ? undefined : { host, port };
}

/** An address of another instance's proxy, and the protocol that it carries there. */
export interface AdvertisedAddress {
  readonly protocol: "dubbo" | "tri";
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port` (Dubbo2) or `tri://host:port`; undefined where it is neither. */
export function parseAdvertised(text: string): AdvertisedAddress | undefined {
  const isTri = text.startsWith("tri://");
  const address = parseAddress(isTri ? text.slice("tri://".length) : text);
  return address === undefined ? undefined : { protocol: isTri ? "tri" : "dubbo", ...address };
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

const SERVER_URL = /^([a-z][a-z0-9+.-]*):\/\/(?:([^@/]*)@)?([^/?@]+)(\/[^?]*)?(?:\?(.*))?$/;
/** Without credentials before the hosts: an `@` behind `?name=` is part of a value, such as a password. */
const WITHOUT_USER = /^([a-z][a-z0-9+.-]*):\/\/()([^/?@]+)()\?([\w.-]+=.*)$/;

/** Reads a {@link ServerUrl}; gives a text that says what is wrong where it is none, without the credentials in it. */
export function parseServerUrl(text: string, defaultPort: number): ServerUrl | string {
  const bare = WITHOUT_USER.exec(text);
  const isBare = bare?.[3]?.split(",").every((item) => parseAddress(item, defaultPort) !== undefined) === true;
  const match = isBare ? bare : SERVER_URL.exec(text);
  if (match === null) return `"${withoutCredentials(text)}" is no URL of the form scheme://host:port`;
  const [, scheme = "", credentials = "", list = "", path = "", query = ""] = match;
  const hosts = [];
  for (const item of list.split(",")) {
    const address = parseAddress(item, defaultPort);
    if (address === undefined) return `"${item}" in "${scheme}://${list}" is no host:port`;
    hosts.push(address);
  }
  const colon = credentials.indexOf(":");
  const username = decodePercent(colon < 0 ? credentials : credentials.slice(0, colon));
  const password = decodePercent(colon < 0 ? "" : credentials.slice(colon + 1));
  if (username === undefined || password === undefined)
    return `the credentials in "${scheme}://${list}" have a % that is no %XX; write it as %25`;
  return {
    scheme,
    username,
    password,
    hosts,
    path: path.replace(/\/+$/, ""),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** Whether a host stands for all addresses of a machine: one can listen there, but nobody can connect to it. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || /^[0:]*:[0:]*$/.test(host);
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function withoutCredentials(text: string): string {
  return text.replace(/^([^/]*\/\/)?.*@/, "$1");
}
