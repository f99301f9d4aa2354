import type { ClusterLoadAssignment, ClusterService, Cluster as XdsCluster } from "../../codecs/xds/resources.ts";
import { TRESTLE_METADATA } from "../../codecs/xds/resources.ts";
import type { Callee } from "../dubbo/callee.ts";
import type { HttpCallee } from "../http/callee.ts";
import type { TripleCallee } from "../triple/callee.ts";
import { EndpointGroup } from "./endpoint-group.ts";
import type { HostPool } from "./host.ts";

/** The provider addresses of a proxy, by what they speak. */
export interface HostPools {
  readonly dubbo: HostPool<Callee>;
  readonly tri: HostPool<TripleCallee>;
  readonly http: HostPool<HttpCallee>;
}

/** The endpoints of one service or subset, ready to be chosen from. Routes keep it while its endpoints come and go. */
export class Cluster {
  readonly name: string;
  readonly service: ClusterService;
  /** Most calls that may wait at once; Infinity for no bound of its own. */
  readonly maxRequests: number;
  /** Held calls of this cluster that wait for an answer: where it has a limit, that is all of its calls. */
  waiting = 0;
  /** Endpoints that speak Dubbo2. */
  readonly dubbo: EndpointGroup<Callee>;
  /** Endpoints that speak Triple or gRPC. */
  readonly tri: EndpointGroup<TripleCallee>;
  /** Endpoints that speak HTTP/1.1. */
  readonly http: EndpointGroup<HttpCallee>;

  constructor(resource: XdsCluster, assignment: ClusterLoadAssignment | undefined, pools: HostPools) {
    this.name = resource.name;
    this.service = resource.metadata.filterMetadata[TRESTLE_METADATA];
    this.maxRequests = resource.circuitBreakers?.thresholds[0].maxRequests ?? Number.POSITIVE_INFINITY;
    this.dubbo = new EndpointGroup(resource.lbPolicy, pools.dubbo);
    this.tri = new EndpointGroup(resource.lbPolicy, pools.tri);
    this.http = new EndpointGroup(resource.lbPolicy, pools.http);
    this.update(assignment);
  }

  /** Whether endpoints differ by tag, whatever they speak. */
  get hasTags(): boolean {
    return this.dubbo.hasTags || this.tri.hasTags;
  }

  /** Calls of Triple callers have to be translated: no endpoint speaks Triple, or none of those can be reached and others may be. */
  get bridgesTriple(): boolean {
    return this.tri.isDown && !(this.dubbo.isDown && this.tri.endpoints.length > 0);
  }

  /** Calls of Dubbo2 callers have to be translated; see {@link bridgesTriple}. */
  get bridgesDubbo(): boolean {
    return this.dubbo.isDown && !(this.tri.isDown && this.dubbo.endpoints.length > 0);
  }

  /** Calls of Dubbo callers have to be translated to REST: only endpoints that speak HTTP/1.1 are there. */
  get bridgesToHttp(): boolean {
    return this.http.endpoints.length > 0 && this.dubbo.endpoints.length === 0 && this.tri.endpoints.length === 0;
  }

  /** What a caller is told where the cluster has no endpoint for its call. */
  get noProvider(): string {
    return `no provider of ${this.service.host}${this.service.subset && ` in subset ${this.service.subset}`}`;
  }

  /** What a caller is told while as many calls wait as may; undefined where more may. */
  get overLimit(): string | undefined {
    return this.waiting < this.maxRequests
      ? undefined
      : `${this.name} has ${this.maxRequests} calls waiting, its limit`;
  }

  /** Replaces the endpoints. Whether calls have to be read, or led, otherwise than before. */
  update(assignment: ClusterLoadAssignment | undefined): boolean {
    const healthy = (assignment?.endpoints ?? [])
      .flatMap((locality) => locality.lbEndpoints)
      .filter((endpoint) => (endpoint.healthStatus ?? "HEALTHY") === "HEALTHY");
    const speaking = (protocol: string) =>
      healthy.filter((one) => (one.metadata?.filterMetadata[TRESTLE_METADATA].protocol ?? "dubbo") === protocol);
    const changes = [
      this.dubbo.update(speaking("dubbo")),
      this.tri.update(speaking("tri")),
      this.http.update(speaking("http")),
    ];
    return changes.includes(true);
  }
}
