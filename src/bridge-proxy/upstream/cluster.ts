import type { ClusterService, Cluster as XdsCluster } from "../../codecs/xds/cluster.ts";
import { type CarriedProtocol, TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import { durationMs } from "../../codecs/xds/duration.ts";
import type { ClusterLoadAssignment } from "../../codecs/xds/endpoint.ts";
import type { EjectedEndpoint } from "../../model/stats.ts";
import { OVERPROVISIONING } from "../balance/endpoint-set.ts";
import { compileBalance } from "../balance/plan.ts";
import type { Callee } from "../dubbo/callee.ts";
import type { HttpCallee } from "../http/callee.ts";
import { compileSockets, type TlsParts } from "../tls/upstream.ts";
import type { TripleCallee } from "../triple/callee.ts";
import { EndpointGroup } from "./endpoint-group.ts";
import type { HostPool } from "./host.ts";
import { type ClusterLimits, compileLimits } from "./limits.ts";
import { compileOutlier } from "./outlier.ts";
import { compilePool, type PoolRules } from "./pool-rules.ts";
import { RecentCalls } from "./recent-calls.ts";
import { EndpointRecords } from "./records.ts";

/** The provider addresses of a proxy, by what they speak. */
export interface HostPools {
  readonly dubbo: HostPool<Callee>;
  readonly tri: HostPool<TripleCallee>;
  readonly http: HostPool<HttpCallee>;
}

/** What a cluster is made with beside its resources. */
export interface ClusterOptions {
  /** Time of day, ms. */
  readonly wallMs?: number;
  /** What connections by TLS are made with; without it all are in plain text. */
  readonly tls?: TlsParts;
  /** In [0, 1); Math.random unless a test says otherwise. */
  readonly random?: () => number;
  /** The one in whose place it stands: it goes on with what that knows of its providers. */
  readonly before?: Cluster | undefined;
}

/** The endpoints of one service or subset, ready to be chosen from. Routes keep it while its endpoints come and go. */
export class Cluster {
  readonly name: string;
  readonly service: ClusterService;
  readonly limits: ClusterLimits;
  /** Held calls of this cluster that wait for an answer: where it has a limit, that is all of its calls. */
  waiting = 0;
  /** Retries of its calls that are under way or wait for their time. */
  retrying = 0;
  /** Calls that began lately, where retries are a share of those. */
  readonly recent: RecentCalls | undefined;
  /** What becomes of each try matters to the cluster: its calls cannot be carried without an eye on them. */
  readonly isCounted: boolean;
  /** Endpoints are chosen by the calls' hashes. */
  readonly isHashed: boolean;
  /** Endpoints that speak Dubbo2. */
  readonly dubbo: EndpointGroup<Callee>;
  /** Endpoints that speak Triple or gRPC. */
  readonly tri: EndpointGroup<TripleCallee>;
  /** Endpoints that speak HTTP/1.1. */
  readonly http: EndpointGroup<HttpCallee>;

  readonly #records: EndpointRecords;
  readonly #pool: PoolRules | undefined;

  constructor(
    resource: XdsCluster,
    assignment: ClusterLoadAssignment | undefined,
    pools: HostPools,
    { wallMs = 0, random = Math.random, before, tls }: ClusterOptions = {},
  ) {
    this.name = resource.name;
    this.service = resource.metadata.filterMetadata[TRESTLE_METADATA];
    this.limits = compileLimits(resource.circuitBreakers?.thresholds[0]);
    const { retryWindow } = this.service;
    this.recent = retryWindow === undefined ? undefined : new RecentCalls(durationMs(retryWindow));
    const plan = compileBalance(resource);
    const outlier = compileOutlier(resource);
    const changed = () => {
      pools.dubbo.version++;
      pools.tri.version++;
      pools.http.version++;
    };
    this.#records = new EndpointRecords(
      { outlier, timesAnswers: plan.timesAnswers, random, changed },
      before === undefined ? undefined : before.#records,
    );
    this.isCounted = this.limits.countsCalls || outlier !== undefined || plan.timesAnswers;
    this.isHashed = plan.isConsistent;
    this.#pool = compilePool(resource, before === undefined ? undefined : before.#pool);
    const partsOf = (protocol: CarriedProtocol) => ({
      plan,
      records: this.#records,
      pool: this.#pool,
      tlsOf: tls && compileSockets(resource, protocol, tls),
    });
    this.dubbo = new EndpointGroup(partsOf("dubbo"), pools.dubbo, before?.dubbo);
    this.tri = new EndpointGroup(partsOf("tri"), pools.tri, before?.tri);
    this.http = new EndpointGroup(partsOf("http"), pools.http, before?.http);
    this.update(assignment, wallMs);
  }

  /** Providers that are ejected now. */
  get ejected(): number {
    return this.#records.ejected;
  }

  /** The same one by one. */
  ejectedEndpoints(): EjectedEndpoint[] {
    const { host, subset } = this.service;
    return [this.dubbo, this.tri, this.http].flatMap(({ listed }) =>
      listed.flatMap(({ host: { address, port }, record }) => {
        if (record?.ejected !== true) return [];
        const { ejections, ejectedUntilMs: untilMs } = record;
        return [{ cluster: this.name, host, subset, address, port, ejections, untilMs }];
      }),
    );
  }

  /** Lets providers that were ejected come back; to be called every `everyMs`. */
  tick(wallMs: number, everyMs: number): void {
    this.#records.tick(wallMs, everyMs);
  }

  /** Whether endpoints differ by tag, whatever they speak. */
  get hasTags(): boolean {
    return this.dubbo.hasTags || this.tri.hasTags;
  }

  /** What calls have to tell for routers of the registry, whatever its endpoints speak; undefined where there are none. */
  get callKeys(): readonly string[] | undefined {
    return this.dubbo.callKeys;
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
    const { host, subset } = this.service;
    const { ejected } = this;
    const why = ejected === 0 ? "" : `: ${ejected} ejected`;
    return `no provider of ${host}${subset && ` in subset ${subset}`}${why}`;
  }

  /** What a caller is told while as many calls wait as may; undefined where more may. */
  get overLimit(): string | undefined {
    const { maxRequests } = this.limits;
    return this.waiting < maxRequests ? undefined : `${this.name} has ${maxRequests} calls waiting, its limit`;
  }

  /** Whether one more retry of its calls may be under way. */
  mayRetry(nowMs: number): boolean {
    const calls = this.recent === undefined ? this.waiting : Math.max(this.waiting, this.recent.count(nowMs));
    return this.retrying < this.limits.maxRetries(calls);
  }

  /** Replaces the endpoints. Whether calls have to be read, or led, otherwise than before. `wallMs` is the time of day. */
  update(assignment: ClusterLoadAssignment | undefined, wallMs = 0): boolean {
    const listed = (assignment?.endpoints ?? []).flatMap((place) =>
      place.lbEndpoints.map((resource) => ({ resource, place })),
    );
    const factor = assignment?.policy?.overprovisioningFactor;
    const overprovisioning = factor === undefined ? OVERPROVISIONING : factor / 100;
    const facts = assignment?.endpoints[0]?.metadata?.filterMetadata[TRESTLE_METADATA];
    const speaking = (protocol: string) =>
      listed.filter(
        ({ resource }) => (resource.metadata?.filterMetadata[TRESTLE_METADATA].protocol ?? "dubbo") === protocol,
      );
    const changes = [
      this.dubbo.update(speaking("dubbo"), overprovisioning, wallMs, facts),
      this.tri.update(speaking("tri"), overprovisioning, wallMs, facts),
      this.http.update(speaking("http"), overprovisioning, wallMs),
    ];
    this.#records.keep(
      new Set([this.dubbo, this.tri, this.http].flatMap(({ listed }) => listed.map(({ host }) => host))),
    );
    return changes.includes(true);
  }
}
