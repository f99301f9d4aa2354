import { TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { AssignmentFacts, LbEndpoint, Locality, LocalityLbEndpoints } from "../../codecs/xds/endpoint.ts";
import type { ValueOf } from "../../codecs/xds/routing.ts";
import { tagFor } from "../../codecs/xds/tags.ts";
import type { Routing } from "../../model/routing.ts";
import { EndpointSet } from "../balance/endpoint-set.ts";
import type { BalancePlan } from "../balance/plan.ts";
import type { UpstreamTls } from "../tls/upstream.ts";
import type { EndpointOf } from "./endpoint.ts";
import type { HostPool, UpstreamConnection } from "./host.ts";
import type { PoolRules } from "./pool-rules.ts";
import type { EndpointRecords } from "./records.ts";
import { RoutedSets } from "./routed-sets.ts";

/** One endpoint and where it stands in its assignment. */
export interface ListedEndpoint {
  readonly resource: LbEndpoint;
  readonly place: Pick<LocalityLbEndpoints, "locality" | "loadBalancingWeight" | "priority">;
}

/** What a call asks of its endpoint, as far as that narrows the choice. */
export interface CallWish {
  /** `""` for none. */
  readonly tag: string;
  readonly tagForced: boolean;
  /** What routers of the registry ask of the call; absent where there are none. */
  readonly routed?: ValueOf | undefined;
}

/** What the groups of one cluster have in common. */
export interface GroupParts {
  readonly plan: BalancePlan;
  readonly records: EndpointRecords;
  readonly pool?: PoolRules | undefined;
  /** How an endpoint is connected to; absent where all are in plain text. */
  readonly tlsOf?: ((endpoint: LbEndpoint) => UpstreamTls | undefined) | undefined;
}

/** The endpoints of a cluster that speak one protocol, by tag. */
export class EndpointGroup<C extends UpstreamConnection> {
  readonly #parts: GroupParts;
  readonly #hosts: HostPool<C>;
  #listed: readonly EndpointOf<C>[];
  #endpoints: readonly EndpointOf<C>[] = [];
  #tagged: ReadonlyMap<string, EndpointSet<C>> = new Map();
  #untagged: EndpointSet<C>;
  #setsToken = false;
  #hasTags = false;
  #routing: Routing | undefined;
  #isOfTag = false;
  #routed: RoutedSets<C> | undefined;

  /** `before` is the group in whose place this one stands: who was there already is not new, and turns go on. */
  constructor(parts: GroupParts, hosts: HostPool<C>, before?: EndpointGroup<C>) {
    this.#parts = parts;
    this.#hosts = hosts;
    this.#listed = before?.listed ?? [];
    if (before !== undefined) this.#tagged = before.#tagged;
    this.#untagged = before?.untagged ?? new EndpointSet([], parts.plan, hosts);
  }

  /** All of them, those that are called unhealthy included. */
  get listed(): readonly EndpointOf<C>[] {
    return this.#listed;
  }

  /** Those that are called healthy. */
  get endpoints(): readonly EndpointOf<C>[] {
    return this.#endpoints;
  }

  /** The endpoints without a tag, and all of a subset that is chosen by one. */
  get untagged(): EndpointSet<C> {
    return this.#untagged;
  }

  /** There is no endpoint, or none that could be connected to when that was tried last. */
  get isDown(): boolean {
    return this.#endpoints.every(({ host }) => host.state === "down");
  }

  /** Whether endpoints differ by tag: then a call's own tag has to be read. */
  get hasTags(): boolean {
    return this.#hasTags;
  }

  /** What calls have to tell for routers of the registry; undefined where there are none. */
  get callKeys(): readonly string[] | undefined {
    return this.#routed?.callKeys;
  }

  /** Whether each call must carry the chosen endpoint's own token. */
  get setsToken(): boolean {
    return this.#setsToken;
  }

  /**
   * Replaces the endpoints. Whether calls have to be read otherwise than before: for tags, for tokens, for
   * routers, or as there are some now or none. `wallMs` is the time of day.
   */
  update(
    resources: readonly ListedEndpoint[],
    overprovisioning: number,
    wallMs: number,
    { routing, isOfTag }: AssignmentFacts = {},
  ): boolean {
    const before = [this.#hasTags, this.#setsToken, this.#endpoints.length === 0, this.#routing];
    this.#listed = this.#read(resources, wallMs);
    this.#endpoints = this.#listed.filter(({ healthy }) => healthy);
    this.#isOfTag = isOfTag === true;
    const tagOf = ({ tag }: EndpointOf<C>) => (this.#isOfTag ? "" : tag);
    const tags = new Set(this.#endpoints.map(tagOf));
    const create = (endpoints: readonly EndpointOf<C>[], previous?: EndpointSet<C>) =>
      new EndpointSet(endpoints, this.#parts.plan, this.#hosts, overprovisioning, previous);
    const setOf = (tag: string) => {
      const previous = this.#tagged.get(tag) ?? (tag === "" ? this.#untagged : undefined);
      return create(
        this.#listed.filter((endpoint) => tagOf(endpoint) === tag),
        previous,
      );
    };
    const isSame = JSON.stringify(routing) === JSON.stringify(this.#routing);
    if (!isSame) this.#routing = routing;
    const isRouted = routing !== undefined && routing.steps.length > 0;
    this.#routed = isRouted ? new RoutedSets(routing, create, isSame ? this.#routed : undefined) : undefined;
    this.#tagged = new Map([...tags].map((tag) => [tag, setOf(tag)]));
    this.#untagged = this.#tagged.get("") ?? setOf("");
    this.#hasTags = tags.size > 1 || (tags.size === 1 && !tags.has("")) || routing?.tags !== undefined;
    this.#setsToken = new Set(this.#endpoints.map(({ token }) => token)).size > 1;
    const now = [this.#hasTags, this.#setsToken, this.#endpoints.length === 0, this.#routing];
    return now.some((value, i) => value !== before[i]);
  }

  /** The endpoints that a call may have: those of its tag, as far as routers of the registry leave them. `random` in [0, 1) draws among destinations of a router. */
  forCall({ tag, tagForced, routed }: CallWish, random: () => number): EndpointSet<C> | undefined {
    const set = this.forTag(tag, tagForced);
    return set === undefined || routed === undefined || this.#routed === undefined
      ? set
      : this.#routed.narrow(set, routed, random);
  }

  /** The endpoints for a call with this tag, by Dubbo's rule: those with the tag; where there are none, those without any, unless the tag is forced. */
  forTag(tag: string, forced: boolean): EndpointSet<C> | undefined {
    if (tag === "" || this.#isOfTag) return this.untagged;
    const taken = tagFor(tag, forced, this.#routing?.tags, this.#tagged);
    return taken === undefined ? undefined : (this.#tagged.get(taken) ?? this.untagged);
  }

  #read(resources: readonly ListedEndpoint[], wallMs: number): EndpointOf<C>[] {
    const { records, pool, tlsOf } = this.#parts;
    const since = new Map<object, number>(this.#listed.map(({ host, addedAtMs }) => [host, addedAtMs]));
    return resources.map(({ resource, place }) => {
      const { address, portValue } = resource.endpoint.address.socketAddress;
      const host = this.#hosts.host(address, portValue, tlsOf?.(resource), pool);
      const addedAtMs = since.size === 0 ? 0 : (since.get(host) ?? wallMs);
      return {
        host,
        ...factsOf(resource),
        priority: place.priority ?? 0,
        locality: printLocality(place.locality),
        localityWeight: place.loadBalancingWeight ?? 0,
        healthy: (resource.healthStatus ?? "HEALTHY") === "HEALTHY",
        addedAtMs,
        record: records.recordOf(host, wallMs),
      };
    });
  }
}

function factsOf({ metadata, loadBalancingWeight: weight }: LbEndpoint) {
  const facts = metadata?.filterMetadata[TRESTLE_METADATA];
  return {
    weight,
    warmupMs: facts?.warmupMs ?? 0,
    startedAtMs: facts?.startedAtMs ?? 0,
    tag: facts?.tag ?? "",
    token: facts?.token ?? "",
    payloadBytes: facts?.payloadBytes ?? 0,
    takesWrapper: facts?.takesWrapper ?? false,
    refusesJson: facts?.refusesJson ?? false,
    ...(facts?.values !== undefined && { values: facts.values }),
  };
}

function printLocality({ region, zone, subZone }: Locality = {}): string {
  return [region, zone, subZone]
    .map((part) => part ?? "")
    .join("/")
    .replace(/\/+$/, "");
}
