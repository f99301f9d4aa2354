import type { LocalityLbEndpoints, Locality as LocalityResource } from "../../codecs/xds/endpoint.ts";
import type { Endpoint } from "../../model/entry.ts";
import { type Locality, parseLocality } from "../../model/mesh.ts";
import type { LocalityLb, ZoneAwareLb } from "../../model/rules/destination-rule.ts";
import type { RuleClient } from "../rules/client.ts";
import { compareText } from "../rules/findings.ts";
import { compileEndpoint } from "./endpoints.ts";

/** Under which names registries say where a provider is, the first that is there. */
const NAMES: readonly (readonly [keyof Locality, readonly string[]])[] = [
  ["region", ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region", "region"]],
  ["zone", ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone", "zone", "availability-zone"]],
  ["subZone", ["topology.istio.io/subzone", "subzone", "sub-zone"]],
];

/** Istio's label for all three, parted by dots. */
const ISTIO_LOCALITY = "istio-locality";

/** Labels that stand for a proxy's or an endpoint's locality in `failoverPriority`. */
const LOCALITY_LABELS: readonly (readonly [string, keyof Locality])[] = [
  ["topology.kubernetes.io/region", "region"],
  ["topology.kubernetes.io/zone", "zone"],
  ["topology.istio.io/subzone", "subZone"],
];

const known = new WeakMap<Endpoint, Locality | null>();

/** Where an endpoint is: its own locality, else what its labels and registry parameters say; undefined where nothing does. */
export function localityOf(endpoint: Endpoint): Locality | undefined {
  let locality = known.get(endpoint);
  if (locality === undefined) {
    locality = endpoint.locality ?? read(endpoint) ?? null;
    known.set(endpoint, locality);
  }
  return locality ?? undefined;
}

function read({ labels = {}, params }: Endpoint): Locality | undefined {
  const said = (name: string) =>
    Object.hasOwn(labels, name) ? labels[name] : Object.hasOwn(params, name) ? params[name] : "";
  const whole = said(ISTIO_LOCALITY) ?? "";
  if (whole !== "") return parseLocality(whole.replaceAll(".", "/"));
  const parts = NAMES.map(([part, names]) => [
    part,
    names.map(said).find((text) => text !== "" && text !== undefined) ?? "",
  ]);
  return parts.every(([, text]) => text === "") ? undefined : (Object.fromEntries(parts) as unknown as Locality);
}

/** Which endpoints are preferred, and by whom. */
export interface LocalityChoice {
  readonly setting: LocalityLb | undefined;
  readonly zones?: ZoneAwareLb | undefined;
  /** Whether endpoints that fail are ejected: without that calls would never go to another priority. */
  readonly ejects: boolean;
}

/** Whether the endpoints of a cluster look different for clients of different places. */
export function dependsOnClient({ setting, zones, ejects }: LocalityChoice): boolean {
  if (zones?.enabled === true) return true;
  return setting?.enabled !== false && ((setting?.distribute ?? []).length > 0 || ejects);
}

/**
 * The endpoints in groups by locality, with the shares or priorities that they have for a client: Istio's own rules
 * (pilot/pkg/networking/core/loadbalancer). One group without a locality where nothing tells where endpoints are.
 */
export function groupEndpoints(
  endpoints: readonly Endpoint[],
  choice: LocalityChoice,
  client: RuleClient,
): readonly LocalityLbEndpoints[] {
  const groups = byLocality(endpoints);
  if (!dependsOnClient(choice)) return groups.map(toResource);
  if (choice.zones?.enabled === true) return byZones(groups, choice.zones, client);
  const { distribute = [], failover = [], failoverPriority = [] } = choice.setting ?? {};
  if (distribute.length > 0) return weigh(groups, distribute, client);
  if (failoverPriority.length === 0) return byPriority(groups, (group) => distance(group.locality, client, failover));
  const split = groups.flatMap((group) => splitByLabels(group, failoverPriority, client));
  const factor = failover.length > 0 ? 5 : 1;
  return byPriority(split, ({ rank, locality }) =>
    factor === 1 ? rank : rank * factor + distance(locality, client, failover),
  );
}

interface Group {
  readonly locality: Locality | undefined;
  readonly endpoints: readonly Endpoint[];
}

function byLocality(endpoints: readonly Endpoint[]): readonly Group[] {
  if (endpoints.every((one) => localityOf(one) === undefined)) return [{ locality: undefined, endpoints }];
  const groups = new Map<string, { readonly locality: Locality | undefined; readonly endpoints: Endpoint[] }>();
  for (const one of endpoints) {
    const locality = localityOf(one);
    const key = locality === undefined ? "" : `${locality.region}/${locality.zone}/${locality.subZone}`;
    const group = groups.get(key) ?? { locality, endpoints: [] };
    group.endpoints.push(one);
    groups.set(key, group);
  }
  return [...groups].sort(([a], [b]) => compareText(a, b)).map(([, group]) => group);
}

function toResource({ locality, endpoints }: Group): LocalityLbEndpoints {
  return { ...place(locality), lbEndpoints: endpoints.map(compileEndpoint) };
}

function place(locality: Locality | undefined): { readonly locality?: LocalityResource } {
  if (locality === undefined) return {};
  const said = Object.entries(locality).filter(([, part]) => part !== "");
  return said.length === 0 ? {} : { locality: Object.fromEntries(said) };
}

/** Whether `region/zone/subzone` of a rule means a locality: parts that are left out or `*` mean any. */
export function localityMatches(rule: string, { region, zone, subZone }: Locality): boolean {
  const parts = rule.split("/");
  return [region, zone, subZone].every((own, i) => parts[i] === undefined || parts[i] === "*" || parts[i] === own);
}

/** Nowhere: what is asked where nothing is known. */
const NOWHERE: Locality = { region: "", zone: "", subZone: "" };

function weigh(
  groups: readonly Group[],
  distribute: NonNullable<LocalityLb["distribute"]>,
  client: RuleClient,
): readonly LocalityLbEndpoints[] {
  const found = distribute.find(({ from }) => localityMatches(from, client.locality ?? NOWHERE));
  const weights = new Map<Group, number>();
  // The narrower target first, so that `*` takes what is left over.
  const targets = Object.entries(found?.to ?? {}).sort(
    ([a], [b]) => narrowness(b) - narrowness(a) || compareText(a, b),
  );
  for (const [to, share] of targets) {
    const meant = groups.filter((group) => !weights.has(group) && localityMatches(to, group.locality ?? NOWHERE));
    for (const group of meant) weights.set(group, share === 0 ? 0 : Math.ceil(share / meant.length));
  }
  return groups
    .map((group) => {
      const weight = found === undefined ? weightOf(group) : weights.get(group);
      return { group, weight };
    })
    .filter(({ weight }) => weight !== undefined && weight > 0)
    .map(({ group, weight }) => ({ ...toResource(group), loadBalancingWeight: weight! }));
}

function weightOf({ endpoints }: Group): number {
  return Math.max(
    1,
    endpoints.reduce((sum, { weight }) => sum + weight, 0),
  );
}

function narrowness(text: string): number {
  return text.split("/").filter((part) => part !== "*").length;
}

const MIN_CLUSTER = 6;

/**
 * Own region first, then the others in the order that its failover says. Within it calls stay in the client's zone; where that has fewer
 * endpoints than an even share, as many go to the zones that have more. Envoy's rule, for callers that are spread evenly over the zones:
 * where they are is nothing that is known here.
 */
function byZones(groups: readonly Group[], zones: ZoneAwareLb, client: RuleClient): readonly LocalityLbEndpoints[] {
  const { failover = [], failoverPriority = [], minClusterSize = MIN_CLUSTER } = zones;
  const tiers = groups
    .flatMap((group) => splitByLabels(group, failoverPriority, client))
    .map((part) => {
      const far = distance(part.locality, client, failover);
      return { ...part, tier: part.rank * 3 + Math.max(0, far - 2) };
    });
  const first = tiers.filter(({ tier }) => tier === Math.min(...tiers.map((one) => one.tier)));
  const shares = zoneShares(first, client.locality, minClusterSize || MIN_CLUSTER);
  const weight = (part: Group) => shares?.get(part) ?? weightOf(part);
  // Zones of the first tier that get no calls take them before the next one.
  const rankOf = (part: (typeof tiers)[number]) =>
    part.tier * 2 + (shares === undefined || !first.includes(part) || shares.has(part) ? 0 : 1);
  return byPriority(tiers, rankOf).map((resource, i) => ({ ...resource, loadBalancingWeight: weight(tiers[i]!) }));
}

/** The weights of those that calls go to; undefined where zones do not count. */
function zoneShares(
  parts: readonly Group[],
  client: Locality | undefined,
  minSize: number,
): ReadonlyMap<Group, number> | undefined {
  const zones = new Map<string, { weight: number; readonly parts: Group[] }>();
  for (const part of parts) {
    const { region, zone } = part.locality ?? NOWHERE;
    if (client === undefined || region !== client.region) return undefined;
    const known = zones.get(zone) ?? { weight: 0, parts: [] };
    known.weight += weightOf(part);
    known.parts.push(part);
    zones.set(zone, known);
  }
  const own = zones.get(client?.zone ?? "");
  const size = parts.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  if (own === undefined || zones.size < 2 || size < minSize) return undefined;
  const even = [...zones.values()].reduce((sum, { weight }) => sum + weight, 0) / zones.size;
  const shares = new Map<Group, number>();
  const give = (zone: { readonly weight: number; readonly parts: readonly Group[] }, share: number) => {
    for (const part of zone.parts)
      shares.set(part, Math.max(1, Math.round((share * 10_000 * weightOf(part)) / zone.weight)));
  };
  const kept = Math.min(1, own.weight / even);
  give(own, kept);
  const richer = [...zones.values()].filter(({ weight }) => kept < 1 && weight > even);
  const surplus = richer.reduce((sum, { weight }) => sum + weight - even, 0);
  for (const zone of richer) give(zone, ((1 - kept) * (zone.weight - even)) / surplus);
  return shares;
}

/** 0 for the client's own subzone, 1 zone, 2 region, 3 another region, 4 one that its failover does not lead to. */
function distance(
  locality: Locality | undefined,
  client: RuleClient,
  failover: NonNullable<LocalityLb["failover"]>,
): number {
  const own = client.locality ?? NOWHERE;
  const other = locality ?? NOWHERE;
  if (own.region === other.region) {
    if (own.zone !== other.zone) return 2;
    return own.subZone === other.subZone ? 0 : 1;
  }
  const led = failover.find(({ from }) => from === own.region);
  return led !== undefined && led.to !== other.region ? 4 : 3;
}

/** A group in parts, by how many of the labels, from the first on, an endpoint has as the client has them; rank 0 is all of them. */
function splitByLabels(
  group: Group,
  labels: readonly string[],
  client: RuleClient,
): readonly (Group & { readonly rank: number })[] {
  const wanted = labels.map((text): readonly [string, string] => {
    const at = text.indexOf("=");
    if (at >= 0) return [text.slice(0, at), text.slice(at + 1)];
    return [text, labelOfClient(client, text) ?? ""];
  });
  const parts = new Map<number, Endpoint[]>();
  for (const endpoint of group.endpoints) {
    const first = wanted.findIndex(([name, value]) => (labelOf(endpoint, name) ?? "") !== value);
    const rank = first < 0 ? 0 : wanted.length - first;
    const part = parts.get(rank);
    if (part === undefined) parts.set(rank, [endpoint]);
    else part.push(endpoint);
  }
  return [...parts]
    .sort(([a], [b]) => a - b)
    .map(([rank, endpoints]) => ({ rank, locality: group.locality, endpoints }));
}

/** What a proxy has for a label of `failoverPriority`; undefined where nothing says it. */
export function labelOfClient(
  { labels, locality }: Pick<RuleClient, "labels"> & Partial<Pick<RuleClient, "locality">>,
  name: string,
): string | undefined {
  return labels[name] ?? ofLocality(name, locality);
}

/** The same of an endpoint. */
export function labelOf(endpoint: Endpoint, name: string): string | undefined {
  const { labels = {}, params } = endpoint;
  if (Object.hasOwn(labels, name)) return labels[name];
  return Object.hasOwn(params, name) ? params[name] : ofLocality(name, localityOf(endpoint));
}

/** Whether a label says where a proxy or an endpoint is. */
export function isLocalityLabel(label: string): boolean {
  return LOCALITY_LABELS.some(([name]) => name === label);
}

function ofLocality(label: string, locality: Locality | undefined): string | undefined {
  const part = LOCALITY_LABELS.find(([name]) => name === label)?.[1];
  return part === undefined ? undefined : locality?.[part];
}

/** Priorities without gaps, from 0 on; what is nearest comes first. */
function byPriority<G extends Group>(
  groups: readonly G[],
  rankOf: (group: G) => number,
): readonly LocalityLbEndpoints[] {
  const ranks = [...new Set(groups.map(rankOf))].sort((a, b) => a - b);
  return groups.map((group) => {
    const priority = ranks.indexOf(rankOf(group));
    return { ...toResource(group), ...(priority > 0 && { priority }) };
  });
}
