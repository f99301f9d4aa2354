import type {
  ClusterLoadAssignment,
  ClusterService,
  LbEndpoint,
  LbPolicy,
  Cluster as XdsCluster,
} from "../../codecs/xds/resources.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/resources.ts";
import { EndpointSet } from "../balance/endpoint-set.ts";
import type { ClusterEndpoint } from "./endpoint.ts";
import type { HostPool } from "./host.ts";

/** The endpoints of one service or subset, ready to be chosen from. Replaced whole when its resources change. */
export class Cluster {
  readonly name: string;
  readonly service: ClusterService;
  /** Most calls that may wait at once; Infinity for no bound of its own. */
  readonly maxRequests: number;
  readonly endpoints: readonly ClusterEndpoint[];
  /** The endpoints without a tag, and all of them where none has one. */
  readonly untagged: EndpointSet;
  /** Whether endpoints differ by tag: then a call's own tag has to be read. */
  readonly hasTags: boolean;
  /** Whether each call must carry the chosen endpoint's own token. */
  readonly setsToken: boolean;
  readonly #tagged = new Map<string, EndpointSet>();

  constructor(resource: XdsCluster, assignment: ClusterLoadAssignment | undefined, hosts: HostPool) {
    this.name = resource.name;
    this.service = resource.metadata.filterMetadata[TRESTLE_METADATA];
    this.maxRequests = resource.circuitBreakers?.thresholds[0].maxRequests ?? Number.POSITIVE_INFINITY;
    this.endpoints = (assignment?.endpoints ?? [])
      .flatMap((locality) => locality.lbEndpoints)
      .filter((endpoint) => (endpoint.healthStatus ?? "HEALTHY") === "HEALTHY")
      .map((endpoint) => toEndpoint(endpoint, hosts));
    this.setsToken = new Set(this.endpoints.map((endpoint) => endpoint.token)).size > 1;
    this.hasTags = this.endpoints.some((endpoint) => endpoint.tag !== "");
    for (const tag of new Set(this.endpoints.map((endpoint) => endpoint.tag))) {
      this.#tagged.set(tag, this.#setOf(tag, resource.lbPolicy, hosts));
    }
    this.untagged = this.#tagged.get("") ?? new EndpointSet([], resource.lbPolicy, hosts);
  }

  /** Calls that wait for its endpoints now, other clusters' calls to the same addresses included. */
  get active(): number {
    return this.endpoints.reduce((sum, endpoint) => sum + endpoint.host.active, 0);
  }

  /** The endpoints for a call with this tag, by Dubbo's rule: those with the tag; where there are none, those without any, unless the tag is forced. */
  forTag(tag: string, forced: boolean): EndpointSet | undefined {
    if (tag === "") return this.untagged;
    return this.#tagged.get(tag) ?? (forced ? undefined : this.untagged);
  }

  #setOf(tag: string, policy: LbPolicy, hosts: HostPool): EndpointSet {
    return new EndpointSet(
      this.endpoints.filter((endpoint) => endpoint.tag === tag),
      policy,
      hosts,
    );
  }
}

function toEndpoint(resource: LbEndpoint, hosts: HostPool): ClusterEndpoint {
  const { address, portValue } = resource.endpoint.address.socketAddress;
  const facts = resource.metadata?.filterMetadata[TRESTLE_METADATA];
  return {
    host: hosts.host(address, portValue),
    weight: resource.loadBalancingWeight,
    warmupMs: facts?.warmupMs ?? 0,
    startedAtMs: facts?.startedAtMs ?? 0,
    tag: facts?.tag ?? "",
    token: facts?.token ?? "",
    payloadBytes: facts?.payloadBytes ?? 0,
  };
}
