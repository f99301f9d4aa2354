import { noteOrigin, originOf } from "../../../codecs/xds/origins.ts";
import { CLUSTER_TYPE, LISTENER_TYPE } from "../../../codecs/xds/resources.ts";
import { listVersion, type ServedList, type ServedResource, type ServedSet } from "../../../codecs/xds/served.ts";
import type { Finding } from "../../../model/entry.ts";
import { hashText } from "../../../model/hash-text.ts";
import { type ProtoJson, versioned } from "../targets.ts";

/** What an Envoy that is given no secrets gets, and what it cannot do for that. */
export interface WithoutSecrets {
  readonly set: ServedSet;
  readonly findings: readonly Finding[];
}

const sets = new WeakMap<ServedSet, WithoutSecrets>();
const lists = new WeakMap<ServedList, ServedList>();
const made = new WeakMap<object, ServedResource | null>();

/**
 * A set for an Envoy without a certificate of the mesh: secrets are not served to it, and a cluster or listener that names one would wait for
 * it for ever. Mutual TLS that nobody asked for is left out; a cluster whose rule asks for it has no endpoints, so that nothing
 * travels as plain text against the rule; a listener that needs a certificate is left out.
 */
export function withoutSecrets(set: ServedSet): WithoutSecrets {
  const known = sets.get(set);
  if (known !== undefined) return known;
  const types = new Map(set.types);
  const findings: Finding[] = [];
  for (const typeUrl of [CLUSTER_TYPE, LISTENER_TYPE]) {
    const before = set.types.get(typeUrl) ?? [];
    types.set(typeUrl, plainList(before, typeUrl));
    for (const one of before)
      if (isAskedFor(one.resource as ProtoJson, typeUrl)) findings.push(findingOf(one, typeUrl));
  }
  const version = hashText([...types].map(([typeUrl, list]) => `${typeUrl} ${listVersion(list)}`).join("\n"));
  const result = { set: { ...set, version, types }, findings };
  sets.set(set, result);
  return result;
}

function plainList(list: ServedList, typeUrl: string): ServedList {
  let plain = lists.get(list);
  if (plain === undefined) {
    const all = list.map((one) => plainOf(one, typeUrl)).filter((one) => one !== undefined);
    plain = all.length === list.length && all.every((one, i) => one === list[i]) ? list : all;
    lists.set(list, plain);
  }
  return plain;
}

/** Undefined where nothing is left of it. */
function plainOf(one: ServedResource, typeUrl: string): ServedResource | undefined {
  let plain = made.get(one);
  if (plain === undefined) {
    const resource = one.resource as ProtoJson;
    if (!namesSecret(resource)) plain = one;
    else if (typeUrl === LISTENER_TYPE) plain = null;
    else {
      const cluster = plainCluster(resource);
      noteOrigin(cluster, originOf(resource));
      plain = versioned(one.name, cluster);
    }
    made.set(one, plain);
  }
  return plain ?? undefined;
}

function plainCluster(cluster: ProtoJson): ProtoJson {
  const { transportSocketMatches, transportSocket, ...rest } = cluster;
  const kept = ((transportSocketMatches ?? []) as readonly ProtoJson[]).filter((one) => !namesSecret(one));
  const matches = kept.length > 0 ? { transportSocketMatches: kept } : {};
  if (!namesSecret(transportSocket))
    return { ...rest, ...matches, ...(transportSocket !== undefined && { transportSocket }) };
  const { edsClusterConfig: _, ...closed } = rest;
  return { ...closed, type: "STATIC", loadAssignment: { clusterName: cluster["name"] } };
}

function isAskedFor(resource: ProtoJson, typeUrl: string): boolean {
  return typeUrl === LISTENER_TYPE ? namesSecret(resource) : namesSecret(resource["transportSocket"]);
}

function namesSecret(value: unknown): boolean {
  return value !== undefined && JSON.stringify(value).includes('"sdsConfig"');
}

function findingOf({ name }: ServedResource, typeUrl: string): Finding {
  const what =
    typeUrl === LISTENER_TYPE
      ? `the TLS listener ${name} is left out`
      : `calls to ${name} are answered 503, since its rule asks for TLS with a certificate of the mesh`;
  return {
    code: "TR0715",
    severity: "warning",
    message: `in an Envoy without a certificate of the mesh ${what}`,
    at: name,
  };
}
