import { RE2JS } from "re2js";
import type { StringMatcher } from "../../codecs/xds/core.ts";
import { ARGUMENT } from "../../codecs/xds/match.ts";
import type { HeaderMatcher } from "../../codecs/xds/route.ts";
import type { Entry } from "../../model/entry.ts";
import { printPlace } from "../../model/rule.ts";
import type { LoweredRoute, LoweredService, LoweredTarget } from "../rules/lower/lower.ts";

/** How Aeraki compares a text: one of the three. */
export type MetaMatch = { readonly exact: string } | { readonly prefix: string } | { readonly regex: string };

/** One of a MetaRouter's routes; the first whose attributes all match decides. */
export interface MetaRoute {
  readonly name: string;
  readonly match?: { readonly attributes: Readonly<Record<string, MetaMatch>> };
  readonly route: readonly {
    readonly destination: { readonly host: string; readonly subset?: string };
    readonly weight?: number;
  }[];
  readonly requestMutation?: readonly { readonly key: string; readonly value: string }[];
}

/** Aeraki's rule for services of a protocol of their own (metaprotocol.aeraki.io/v1alpha1), as far as it is written here. */
export interface MetaRouter {
  readonly apiVersion: "metaprotocol.aeraki.io/v1alpha1";
  readonly kind: "MetaRouter";
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly hosts: readonly string[]; readonly routes: readonly MetaRoute[] };
}

/** A MetaRouter, and what of the rule it cannot say, one line each. */
export interface ExportedRouter {
  readonly router: MetaRouter;
  readonly lost: readonly string[];
}

/**
 * The routes of a service as Aeraki's MetaRouter; undefined where no rule is in force for it. A route with a condition that a
 * MetaRouter has no words for is left out as a whole, since without the condition it would take other calls too.
 */
export function toMetaRouter(entry: Entry, lowered: LoweredService, namespace: string): ExportedRouter | undefined {
  if (lowered.rule === undefined) return undefined;
  const lost: string[] = [];
  const routes = lowered.routes.flatMap((route) => {
    const place = printPlace(route);
    const attributes = attributesOf(entry, route);
    if (typeof attributes === "string" || route.targets === undefined) {
      const why = typeof attributes === "string" ? attributes : "answer without a destination";
      lost.push(`${place}: route ${route.name} is left out: a MetaRouter has no ${why}`);
      return [];
    }
    for (const what of unsaid(route)) lost.push(`${place}: route ${route.name}: a MetaRouter has no ${what}`);
    return [toMetaRoute(route, route.targets, attributes)];
  });
  const name = `trestle-${entry.host.replaceAll(".", "-")}`.slice(0, 253);
  return {
    router: {
      apiVersion: "metaprotocol.aeraki.io/v1alpha1",
      kind: "MetaRouter",
      metadata: { name, namespace },
      spec: { hosts: [entry.writtenHost ?? entry.host], routes },
    },
    lost,
  };
}

function toMetaRoute(
  route: LoweredRoute,
  targets: readonly LoweredTarget[],
  attributes: Readonly<Record<string, MetaMatch>>,
): MetaRoute {
  const mutation = Object.entries(route.mutations?.set ?? {}).map(([key, value]) => ({ key, value }));
  return {
    name: route.name,
    ...(Object.keys(attributes).length > 0 && { match: { attributes } }),
    route: targets.map(({ host, subset, weight }) => ({
      destination: { host, ...(subset !== "" && { subset }) },
      ...(targets.length > 1 && { weight }),
    })),
    ...(mutation.length > 0 && { requestMutation: mutation }),
  };
}

/** A route's conditions as attributes; as a text, what there is no attribute for. */
function attributesOf(entry: Entry, route: LoweredRoute): Record<string, MetaMatch> | string {
  const attributes = pathAttributes(entry.service.interface, route);
  if (typeof attributes === "string") return attributes;
  if (route.claims !== undefined) return "condition on a token's claims";
  for (const header of route.headers) {
    const match = headerMatch(header);
    if (match === undefined) return `condition as that on ${header.name}`;
    attributes[header.name] = match;
  }
  return attributes;
}

function pathAttributes(interfaceName: string, { path }: LoweredRoute): Record<string, MetaMatch> | string {
  const base = `/${interfaceName}/`;
  const named = { interface: { exact: interfaceName } };
  if (path.caseSensitive === false) return "condition that ignores case";
  if (path.path !== undefined) {
    const at = path.path.lastIndexOf("/");
    return { interface: { exact: path.path.slice(1, at) }, method: { exact: path.path.slice(at + 1) } };
  }
  if (path.prefix !== undefined) {
    if (base.startsWith(path.prefix)) return {};
    return path.prefix.startsWith(base)
      ? { ...named, method: { prefix: path.prefix.slice(base.length) } }
      : "such path";
  }
  const regex = path.safeRegex?.regex ?? "";
  const quoted = RE2JS.quote(base);
  if (!regex.startsWith(quoted)) return "regular expression over interface and method";
  return { ...named, method: { regex: regex.slice(quoted.length) } };
}

function headerMatch({ name, stringMatch, invertMatch }: HeaderMatcher): MetaMatch | undefined {
  // Arguments are not among the attributes that Aeraki's codec gives its matchers.
  if (invertMatch === true || name.startsWith(ARGUMENT)) return undefined;
  return stringMatch === undefined ? { regex: ".*" } : textMatch(stringMatch);
}

function textMatch({ exact, prefix, safeRegex, ignoreCase }: StringMatcher): MetaMatch | undefined {
  if (ignoreCase === true) return undefined;
  if (exact !== undefined) return { exact };
  if (prefix !== undefined) return { prefix };
  return safeRegex === undefined ? undefined : { regex: safeRegex.regex };
}

/** What of a route a MetaRouter leaves unsaid. */
function unsaid({ timeoutMs, retries, fault, mutations, targets }: LoweredRoute): string[] {
  return [
    ...(timeoutMs === undefined ? [] : ["timeout"]),
    ...(retries === undefined ? [] : ["retries"]),
    ...(fault === undefined ? [] : ["faults"]),
    ...((mutations?.remove.length ?? 0) + Object.keys(mutations?.add ?? {}).length === 0
      ? []
      : ["removal or adding of attachments"]),
    ...(targets?.some((target) => target.mutations !== undefined) ? ["attachments of one destination"] : []),
  ];
}
