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

/** The endpoints of one service or subset, ready to be chosen from. Routes keep it while its endpoints come and go. */
export class Cluster {
  readonly name: string;
  readonly service: ClusterService;
  /** Most calls that may wait at once; Infinity for no bound of its own. */
  readonly maxRequests: number;
  /** Held calls of this cluster that wait for an answer: where it has a limit, that is all of its calls. */
  waiting = 0;
  readonly #lbPolicy: LbPolicy;
  readonly #hosts: HostPool;
  #endpoints: readonly ClusterEndpoint[] = [];
  #tagged: ReadonlyMap<string, EndpointSet> = new Map();
  #untagged: EndpointSet;
  #setsToken = false;
  #hasTags = false;

  constructor(resource: XdsCluster, assignment: ClusterLoadAssignment | undefined, hosts: HostPool) {
    this.name = resource.name;
    this.service = resource.metadata.filterMetadata[TRESTLE_METADATA];
    this.maxRequests = resource.circuitBreakers?.thresholds[0].maxRequests ?? Number.POSITIVE_INFINITY;
    this.#lbPolicy = resource.lbPolicy;
    this.#hosts = hosts;
    this.#untagged = new EndpointSet([], resource.lbPolicy, hosts);
    this.update(assignment);
  }

  get endpoints(): readonly ClusterEndpoint[] {
    return this.#endpoints;
  }

  /** The endpoints without a tag, and all of them where none has one. */
  get untagged(): EndpointSet {
    return this.#untagged;
  }

  /** Whether endpoints differ by tag: then a call's own tag has to be read. */
  get hasTags(): boolean {
    return this.#hasTags;
  }

  /** Whether each call must carry the chosen endpoint's own token. */
  get setsToken(): boolean {
    return this.#setsToken;
  }

  /** Replaces the endpoints. Whether calls have to be read otherwise than before: for tags, or for tokens. */
  update(assignment: ClusterLoadAssignment | undefined): boolean {
    const [hadTags, didSetToken] = [this.#hasTags, this.#setsToken];
    this.#endpoints = (assignment?.endpoints ?? [])
      .flatMap((locality) => locality.lbEndpoints)
      .filter((endpoint) => (endpoint.healthStatus ?? "HEALTHY") === "HEALTHY")
      .map((endpoint) => toEndpoint(endpoint, this.#hosts));
    const tags = new Set(this.#endpoints.map(({ tag }) => tag));
    this.#tagged = new Map([...tags].map((tag) => [tag, this.#setOf(tag)]));
    this.#untagged = this.#tagged.get("") ?? new EndpointSet([], this.#lbPolicy, this.#hosts);
    this.#hasTags = tags.size > 1 || (tags.size === 1 && !tags.has(""));
    this.#setsToken = new Set(this.#endpoints.map(({ token }) => token)).size > 1;
    return hadTags !== this.#hasTags || didSetToken !== this.#setsToken;
  }

  /** The endpoints for a call with this tag, by Dubbo's rule: those with the tag; where there are none, those without any, unless the tag is forced. */
  forTag(tag: string, forced: boolean): EndpointSet | undefined {
    if (tag === "") return this.untagged;
    return this.#tagged.get(tag) ?? (forced ? undefined : this.untagged);
  }

  #setOf(tag: string): EndpointSet {
    const endpoints = this.#endpoints.filter((endpoint) => endpoint.tag === tag);
    return new EndpointSet(endpoints, this.#lbPolicy, this.#hosts);
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
