import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { AssignmentFacts, LbEndpoint, LocalityLbEndpoints } from "../../codecs/xds/endpoint.ts";
import { NOT_FOUND } from "../../codecs/xds/routing.ts";
import type { Endpoint } from "../../model/entry.ts";
import { providerKeys } from "../../model/routing.ts";

/**
 * Puts the routers of a service beside its endpoints, each with what the routers ask of it, and whether these are `isOfTag`. `endpoints` are
 * those that `groups` were made of. They are in one resource, so that no proxy has new routers with old endpoints.
 */
export function withRouting(
  groups: readonly LocalityLbEndpoints[],
  endpoints: readonly Endpoint[],
  { routing, isOfTag }: AssignmentFacts,
): readonly LocalityLbEndpoints[] {
  if (routing === undefined && isOfTag === undefined) return groups;
  const keys = routing === undefined ? [] : providerKeys(routing);
  const facts = { ...(routing && { routing }), ...(isOfTag && { isOfTag }) };
  const known = new Map(endpoints.map((one) => [`${one.protocol} ${one.address} ${one.port}`, one]));
  return groups.map((group, index) => ({
    ...group,
    lbEndpoints: group.lbEndpoints.map((one) => withValues(one, known, keys)),
    ...(index === 0 && { metadata: { filterMetadata: { [TRESTLE_METADATA]: facts } } }),
  }));
}

function withValues(one: LbEndpoint, known: ReadonlyMap<string, Endpoint>, keys: readonly string[]): LbEndpoint {
  const { address, portValue } = one.endpoint.address.socketAddress;
  const facts = one.metadata?.filterMetadata[TRESTLE_METADATA];
  const endpoint = known.get(`${facts?.protocol ?? "dubbo"} ${address} ${portValue}`);
  if (endpoint === undefined || keys.length === 0) return one;
  const pairs = keys.flatMap((key) => {
    const value = providerValue(endpoint, key);
    return value === undefined ? [] : [[key, value] as const];
  });
  const values = Object.fromEntries(pairs);
  return {
    ...one,
    metadata: { filterMetadata: { ...one.metadata?.filterMetadata, [TRESTLE_METADATA]: { ...facts, values } } },
  };
}

/** What a router finds in a provider's URL. */
function providerValue({ address, port, protocol, params }: Endpoint, key: string): string | undefined {
  switch (key) {
    case "host":
      return address;
    case "port":
      return String(port);
    case "address":
      return `${address}:${port}`;
    case "protocol":
      return protocol;
    case "path":
      return params["path"] ?? params["interface"];
  }
  if (key.startsWith("arguments") || key.startsWith("attachments")) return NOT_FOUND;
  return Object.hasOwn(params, key) ? params[key] : undefined;
}
