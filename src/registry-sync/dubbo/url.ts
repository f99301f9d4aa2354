/**
 * Dubbo URLs, as registries hold them:
 *
 *     protocol://[user[:password]@]host[:port]/path?key=value&key=value
 *
 * In ZooKeeper a whole URL is one node name, percent-encoded once by Java's URLEncoder (`+` is a space). Values may have
 * been encoded once more before that; they are kept as they stand and decoded only by who reads such a key
 * ({@link decodedParam}). Reference: apache/dubbo 3.3 URL.java, URLStrParser.java, ZookeeperRegistry.java.
 */

import { sharedText } from "../../base/shared-text.ts";

/** Longest URL or node name that is looked at, characters; a provider with 1,000 methods stays well below. */
export const MAX_URL_LENGTH = 65_536;
/** Most parameters that one URL may have. */
export const MAX_URL_PARAMS = 1_024;

/** A parsed Dubbo URL. */
export interface DubboUrl {
  /** `dubbo`, `tri`, `consumer`, `override`, `route`, `condition`, `empty`, ... as written. */
  readonly protocol: string;
  /** Host name or address, IPv6 without brackets; `""` where the URL has none (dubbo-go consumers). */
  readonly host: string;
  /** 0 where the URL has none. */
  readonly port: number;
  /** Without its leading slash. Usually the interface, but a context path may stand before it. */
  readonly path: string;
  /** Parameters in the order written, values not decoded. Has no prototype, so any key is safe to look up. */
  readonly params: Readonly<Record<string, string>>;
}

/** What reading gave: the URL, or one lower-case sentence that says why there is none. */
export type UrlReading =
  | { readonly type: "url"; readonly url: DubboUrl }
  | { readonly type: "fault"; readonly message: string };

/** Reads a node name as ZooKeeper has it: decodes it once and reads the URL. Never throws. */
export function parseNodeName(name: string): UrlReading {
  if (name.length > MAX_URL_LENGTH) return tooLong(name.length);
  const text = decodeOnce(name);
  return text === undefined ? fault("node name has a broken percent escape") : parseDubboUrl(text);
}

/** Reads a URL that is not encoded (any more). Never throws; a text over {@link MAX_URL_LENGTH} is a fault. */
export function parseDubboUrl(text: string): UrlReading {
  if (text.length > MAX_URL_LENGTH) return tooLong(text.length);
  const mark = text.indexOf("?");
  const head = mark < 0 ? text : text.slice(0, mark);
  const scheme = head.indexOf("://");
  if (scheme <= 0) return fault("url has no protocol");
  const protocol = sharedText(head.slice(0, scheme));
  if (!/^[a-z][a-z0-9+.-]*$/i.test(protocol)) return fault(`url has no usable protocol: "${protocol.slice(0, 40)}"`);
  const rest = head.slice(scheme + 3);
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const address = parseAddress(authority.slice(authority.lastIndexOf("@") + 1));
  if (typeof address === "string") return fault(address);
  const params = parseParams(mark < 0 ? "" : text.slice(mark + 1));
  if (params === undefined) return fault(`url has more than ${MAX_URL_PARAMS} parameters`);
  return {
    type: "url",
    url: { protocol, ...address, path: slash < 0 ? "" : sharedText(rest.slice(slash + 1)), params },
  };
}

/** Prints a URL, parameters in their order; the inverse of {@link parseDubboUrl} but for user names, which are dropped. */
export function printDubboUrl(url: DubboUrl): string {
  const host = url.host.includes(":") ? `[${url.host}]` : url.host;
  const port = url.port > 0 ? `:${url.port}` : "";
  const pairs = Object.entries(url.params).map(([key, value]) => `${key}=${value}`);
  const query = pairs.length > 0 ? `?${pairs.join("&")}` : "";
  return `${url.protocol}://${host}${port}/${url.path}${query}`;
}

/** Prints a URL as a node name: what Java's URLEncoder makes of {@link printDubboUrl}. */
export function printNodeName(url: DubboUrl): string {
  return encodeName(printDubboUrl(url));
}

/** Encodes any text as Java's URLEncoder does: letters, digits and `.-*_` stay, a space is `+`. A lone surrogate is `?`. */
export function encodeName(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "?"))
    .replace(/%20/g, "+")
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Undoes {@link encodeName}; undefined where an escape is broken or is not UTF-8. */
export function decodeOnce(text: string): string | undefined {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

/** A parameter, else its `default.`-prefixed form of Dubbo 2.6 and before, else `""`. */
export function param(url: Pick<DubboUrl, "params">, key: string): string {
  return url.params[key] ?? url.params[`default.${key}`] ?? "";
}

/** As {@link param}, with a second layer of encoding taken off where there is a sound one. */
export function decodedParam(url: Pick<DubboUrl, "params">, key: string): string {
  const raw = param(url, key);
  return raw.includes("%") ? (decodeOnce(raw) ?? raw) : raw;
}

/** The interface that a URL is about: its `interface` parameter, else its path without a context path. */
export function interfaceOf(url: DubboUrl): string {
  const named = param(url, "interface");
  return named !== "" ? named : url.path.slice(url.path.lastIndexOf("/") + 1);
}

/** The path that a parameter or metadata name, as a URL has it: dubbo-go writes it with its slash, Java without. */
export function pathFrom(named: string): string {
  return named.replace(/^\/+/, "");
}

/** Whether a text is an IPv6 address, with or without a scope (`%eth0`), without brackets. */
export function isIpv6(text: string): boolean {
  const [bare, scope] = text.split("%", 2);
  if (scope === "" || bare === undefined) return false;
  const halves = bare.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  let count = groups.length;
  const last = groups.at(-1);
  if (last?.includes(".")) {
    if (!isIpv4(last)) return false;
    groups.pop();
    count++;
  }
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) && (halves.length === 2 ? count < 8 : count === 8);
}

/** Whether a text is a dotted IPv4 address. */
export function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

/**
 * Host and port of an authority. Java writes IPv6 addresses both in brackets and bare: of a bare one the last group is
 * the port, unless the text is a whole address only so (a consumer's URL has no port).
 */
function parseAddress(text: string): { host: string; port: number } | string {
  const bracket = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  if (bracket) {
    const host = bracket[1] ?? "";
    return isIpv6(host) ? withPort(host, bracket[2] ?? "") : `url has no usable IPv6 address: "${host.slice(0, 60)}"`;
  }
  const colon = text.lastIndexOf(":");
  if (colon < 0) return withPort(text, "");
  const host = text.slice(0, colon);
  if (host.includes(":")) {
    if (isIpv6(host)) return withPort(host, text.slice(colon + 1));
    return isIpv6(text) ? { host: text, port: 0 } : `url has no usable IPv6 address: "${text.slice(0, 60)}"`;
  }
  return withPort(host, text.slice(colon + 1));
}

function withPort(host: string, portText: string): { host: string; port: number } | string {
  if (host.length > 255) return `url host of ${host.length} characters is over the limit of 255`;
  if (/[\s\u0000-\u001f\u007f"'<>\\^`{|}]/.test(host)) return "url host has a character that no host has";
  const port = portText === "" ? 0 : Number(portText);
  if (!/^\d{0,5}$/.test(portText) || port > 65_535) return `url has no usable port: "${portText.slice(0, 20)}"`;
  return { host: sharedText(host), port };
}

/** Splits at `&`, first `=` of each; a key without `=` has itself as its value, as in Java. Undefined when too many. */
function parseParams(query: string): Record<string, string> | undefined {
  const params: Record<string, string> = Object.create(null);
  let count = 0;
  for (let start = 0; start < query.length; ) {
    const amp = query.indexOf("&", start);
    const end = amp < 0 ? query.length : amp;
    if (end > start) {
      if (++count > MAX_URL_PARAMS) return undefined;
      const pair = query.slice(start, end);
      const equals = pair.indexOf("=");
      if (equals < 0) params[sharedText(pair)] = sharedText(pair);
      else if (equals > 0) params[sharedText(pair.slice(0, equals))] = sharedText(pair.slice(equals + 1));
    }
    start = end + 1;
  }
  return params;
}

function tooLong(length: number): UrlReading {
  return fault(`url of ${length} characters is over the limit of ${MAX_URL_LENGTH}`);
}

function fault(message: string): UrlReading {
  return { type: "fault", message };
}
