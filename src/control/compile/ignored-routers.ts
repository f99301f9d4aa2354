import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { ResourceSet } from "../../codecs/xds/resources.ts";
import type { Entry, Finding } from "../../model/entry.ts";
import type { Routing } from "../../model/routing.ts";
import { entriesByHost, parseClusterName, servicePorts } from "./targets.ts";

/** Clients that know nothing of routers, as people are told of them. */
const CLIENTS = {
  envoy: "a stock Envoy",
  grpc: "a gRPC client",
  "dubbo-xds": "a dubbo-xds client",
} as const;
/** Places of routers that are named for one service. */
const MAX_PLACES = 3;

/** By lists of endpoints, which many clients share. */
const memory = new WeakMap<
  object,
  { readonly entries: readonly Entry[]; readonly kinds: Map<string, readonly Finding[]> }
>();

/**
 * Services of a set that Dubbo's routers in a registry choose the providers of, where clients of that kind are given them: such a client
 * calls any of the providers.
 */
export function ignoredRouters(
  resources: ResourceSet,
  entries: readonly Entry[],
  kind: keyof typeof CLIENTS,
): readonly Finding[] {
  let known = memory.get(resources.endpoints);
  if (known?.entries !== entries) {
    known = { entries, kinds: new Map() };
    memory.set(resources.endpoints, known);
  }
  const found = known.kinds.get(kind) ?? find(resources, entries, kind);
  known.kinds.set(kind, found);
  return found;
}

function find(resources: ResourceSet, entries: readonly Entry[], kind: keyof typeof CLIENTS): readonly Finding[] {
  const byHost = entriesByHost(entries);
  const told = new Map<string, Finding>();
  for (const { name, resource } of resources.endpoints) {
    const routing = resource.endpoints[0]?.metadata?.filterMetadata[TRESTLE_METADATA]?.routing;
    if (routing === undefined) continue;
    const host = parseClusterName(name)?.host ?? name;
    const entry = byHost.get(host);
    const isGiven = kind !== "grpc" || (entry && servicePorts(entry).some(({ protocol }) => protocol === "tri"));
    if (isGiven) told.set(host, findingOf(host, routing, CLIENTS[kind]));
  }
  return [...told.values()];
}

function findingOf(host: string, { steps, tags }: Routing, client: string): Finding {
  const places = new Set([...(tags ? [tags.rule] : []), ...steps.map(({ rule }) => rule)]);
  const named = [...places].slice(0, MAX_PLACES).join(", ");
  return {
    code: "TR0716",
    severity: "warning",
    message: `service ${host} in ${client}: what ${named} of the registry chooses does not count; a Trestle proxy does it`,
    at: host,
  };
}
