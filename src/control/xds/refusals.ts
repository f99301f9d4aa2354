/** Which rules a refused response was made of. */
import { originOf } from "../../codecs/xds/origins.ts";
import type { RouteOrigin } from "../../codecs/xds/route.ts";

/** Most rules that are named for one refusal. */
const MAX_ORIGINS = 5;

/**
 * The rules that refused resources came from, as the `io.trestle` metadata of routes says, or who made a cluster: those whose route or host the
 * client's message names first, at most five. Empty where the resources came from services alone.
 */
export function originsOf(resources: readonly object[], message: string): readonly RouteOrigin[] {
  const found = new Map<string, { readonly origin: RouteOrigin; readonly isNamed: boolean }>();
  const visit = (value: unknown, isNamed: boolean): void => {
    if (typeof value !== "object" || value === null) return;
    if (Array.isArray(value)) {
      for (const one of value) visit(one, isNamed);
      return;
    }
    const record = value as Readonly<Record<string, unknown>>;
    const { name } = record;
    const named = isNamed || (typeof name === "string" && name.length > 2 && message.includes(name));
    const origin = originIn(record);
    if (origin !== undefined) {
      const key = JSON.stringify(origin);
      if (named || !found.has(key)) found.set(key, { origin, isNamed: named || found.get(key)?.isNamed === true });
      return;
    }
    for (const part of Object.values(record)) visit(part, named);
  };
  // A resource's own name is in most messages, and says nothing of what in it is wrong.
  for (const one of resources) {
    const own = originOf(one);
    if (own !== undefined) found.set(JSON.stringify(own), { origin: own, isNamed: isNamedIn(message, one) });
    for (const part of Object.values(one)) visit(part, false);
  }
  const all = [...found.values()];
  const named = all.filter(({ isNamed }) => isNamed);
  return (named.length > 0 ? named : all).slice(0, MAX_ORIGINS).map(({ origin }) => origin);
}

function isNamedIn(message: string, resource: object): boolean {
  const { name } = resource as { readonly name?: unknown };
  return typeof name === "string" && message.includes(name);
}

function originIn(record: Readonly<Record<string, unknown>>): RouteOrigin | undefined {
  const metadata = record["metadata"] as
    | { readonly filterMetadata?: { readonly "io.trestle"?: RouteOrigin } }
    | undefined;
  const origin = metadata?.filterMetadata?.["io.trestle"];
  return origin?.rule === undefined ? undefined : origin;
}
