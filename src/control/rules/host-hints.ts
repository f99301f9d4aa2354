import type { Entry } from "../../model/entry.ts";
import { printServiceKey } from "../../model/service.ts";
import { oneEdit, quote } from "./schema.ts";

/** Most hosts that services are looked for that they may mean: each costs a look at all of them. */
const MAX_HINTS = 50;

/**
 * Says which service a host that nobody has may mean, as the end of a message: the one whose printed key it is, whose name without the package, whose
 * name with Kubernetes' ending behind it, or whose name but for a letter. `""` for none.
 */
export function createHostHints(entries: readonly Entry[]): (host: string) => string {
  let names: ReadonlyMap<string, string> | undefined;
  let left = MAX_HINTS;
  return (host) => {
    if (left-- <= 0 || host.includes("*")) return "";
    names ??= namesOf(entries);
    const folded = host.toLowerCase();
    const meant = names.get(folded) ?? names.get(withoutDomain(folded)) ?? nearest(folded, names);
    return meant === undefined || meant.toLowerCase() === folded ? "" : `; did you mean ${quote(meant)}?`;
  };
}

/** By what services may be called by mistake, in lower case, the names that rules have for them. */
function namesOf(entries: readonly Entry[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { host, service } of entries) {
    const { interface: name } = service;
    for (const known of [host, name]) names.set(known.toLowerCase(), known);
    const key = printServiceKey(service).toLowerCase();
    if (!names.has(key)) names.set(key, host);
  }
  for (const { service } of entries) {
    const { interface: name } = service;
    const short = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
    if (!names.has(short)) names.set(short, name);
  }
  return names;
}

function withoutDomain(host: string): string {
  return host.replace(/\.svc(?:\.[a-z0-9.-]+)?$/, "").replace(/\.[a-z0-9-]+$/, "");
}

/** A letter in a name of two says nothing. */
function nearest(host: string, names: ReadonlyMap<string, string>): string | undefined {
  if (host.length - host.lastIndexOf(".") <= 3) return undefined;
  for (const [known, name] of names) if (oneEdit(known, host)) return name;
  return undefined;
}
