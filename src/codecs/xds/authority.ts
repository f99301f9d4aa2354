import type { ServiceKey } from "../../model/service.ts";
import { ANY_DOMAIN } from "./route.ts";

/** The name in a Host as callers send it: without its port and last dot, in lower case. */
export function hostName(authority: string): string {
  const name = authority.toLowerCase();
  if (name.startsWith("[")) return name.slice(0, name.indexOf("]") + 1);
  const colon = name.indexOf(":");
  const plain = colon < 0 ? name : name.slice(0, colon);
  return plain.endsWith(".") ? plain.slice(0, -1) : plain;
}

/** Longest name that is looked for among wildcards. */
const MAX_NAME = 253;

/** What is there for a name: its own, else that of the longest wildcard over it, `*.example.com`. */
export function nameAmong<T>(names: ReadonlyMap<string, T>, name: string): T | undefined {
  const own = names.get(name);
  if (own !== undefined || name.length > MAX_NAME) return own;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const covering = names.get(`*${name.slice(dot)}`);
    if (covering !== undefined) return covering;
  }
  return undefined;
}

/** A service as callers of HTTP name it. */
export interface Named {
  readonly host: string;
  readonly key: ServiceKey;
}

/** Services by the names that callers may send as Host, in lower case: a host wins over a plain name. */
export function namesOf<T extends Named>(hosts: readonly T[]): ReadonlyMap<string, T> {
  const plain = hosts.filter(({ key }) => key.group === "" && key.version === "");
  return new Map([
    ...plain.map((host) => [host.key.interface.toLowerCase(), host] as const),
    ...hosts.map((host) => [host.host.toLowerCase(), host] as const),
  ]);
}

/** What a Host as callers send it names: of a service with further ports, `HOST:PORT`, that whose number it has, or 80 where it has none. */
export function hostAmong<T extends Named>(names: ReadonlyMap<string, T>, authority: string): T | undefined {
  const host = nameAmong(names, hostName(authority));
  const [, port = "80"] = /:(\d{1,5})$/.exec(authority) ?? [];
  return host && (names.get(`${host.host.toLowerCase()}:${port}`) ?? host);
}

/**
 * What a gateway has for a Host: for the name itself, else for the longest wildcard over it, else for all. A name that is written as a wildcard is
 * none.
 */
export function domainFor<T>(domains: ReadonlyMap<string, T>, authority: string): T | undefined {
  const name = hostName(authority);
  const exact = domains.get(name);
  if (exact !== undefined && !name.includes("*")) return exact;
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const wildcard = domains.get(`*${name.slice(dot)}`);
    if (wildcard !== undefined) return wildcard;
  }
  return domains.get(ANY_DOMAIN);
}
