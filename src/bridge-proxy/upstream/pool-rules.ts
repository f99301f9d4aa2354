import { type Cluster, HTTP_PROTOCOL_OPTIONS } from "../../codecs/xds/cluster.ts";
import { durationMs } from "../../codecs/xds/duration.ts";
import { compileLimits } from "./limits.ts";

/** How one cluster's connections are made and used; Infinity for no bound. Its providers' connections are its own then. */
export interface PoolRules {
  /** Tells them apart from those of clusters that say something else. */
  readonly key: string;
  /** Undefined: the proxy's own limit. */
  readonly connectTimeoutMs: number | undefined;
  /** How long a silent connection is left before TCP asks for a sign of life; undefined: never. */
  readonly keepAliveMs: number | undefined;
  /** A connection that no call waits on for so long is closed. */
  readonly idleMs: number;
  /** A connection that is older takes no new call. */
  readonly maxAgeMs: number;
  /** Calls that one connection carries in its life. */
  readonly maxCalls: number;
  /** Streams at a time on one HTTP/2 connection, beside what the provider allows. */
  readonly maxStreams: number;
  readonly budget: PoolBudget;
}

/** A provider's address as far as its cluster counts what it has. */
export interface PoolMember {
  readonly connectionCount: number;
  /** Calls that wait for one of its connections to be made, those in a line not counted. */
  readonly waitingCalls: number;
}

/** What all connections of one cluster may be together, and the calls that wait for one. */
export class PoolBudget {
  readonly maxPending: number;
  /** Calls that wait in a line for a connection. */
  pending = 0;
  readonly #maxConnections: number;
  readonly #members = new Set<PoolMember>();
  readonly #name: string;

  constructor(name: string, maxConnections: number, maxPending: number) {
    this.#name = name;
    this.#maxConnections = maxConnections;
    this.maxPending = maxPending;
  }

  add(member: PoolMember): void {
    this.#members.add(member);
  }

  delete(member: PoolMember): void {
    this.#members.delete(member);
  }

  /** Whether there are as many connections as there may be. A provider without any gets its first one all the same, as Envoy has it. */
  get isFull(): boolean {
    if (this.#maxConnections === Number.POSITIVE_INFINITY) return false;
    let open = 0;
    for (const { connectionCount } of this.#members) open += connectionCount;
    return open >= this.#maxConnections;
  }

  /** What a call is told that would have to wait for a connection, while as many wait as may; undefined where it may wait. */
  get overPending(): string | undefined {
    if (this.maxPending === Number.POSITIVE_INFINITY) return undefined;
    let waiting = this.pending;
    for (const { waitingCalls } of this.#members) waiting += waitingCalls;
    if (waiting < this.maxPending) return undefined;
    return `${this.#name} has ${this.maxPending} calls waiting for a connection, its limit`;
  }
}

/** Compiles what a cluster says of its connections; undefined where it says nothing. `before` is kept where it is the same. */
export function compilePool(cluster: Cluster, before: PoolRules | undefined): PoolRules | undefined {
  const options = cluster.typedExtensionProtocolOptions?.[HTTP_PROTOCOL_OPTIONS];
  const { idleTimeout, maxConnectionDuration, maxRequestsPerConnection } = options?.commonHttpProtocolOptions ?? {};
  const { maxConcurrentStreams } = options?.explicitHttpConfig?.http2ProtocolOptions ?? {};
  const keepalive = cluster.upstreamConnectionOptions?.tcpKeepalive;
  const { maxConnections, maxPending } = compileLimits(cluster.circuitBreakers?.thresholds[0]);
  const rules = {
    connectTimeoutMs: above0(durationMs(cluster.connectTimeout)),
    keepAliveMs: keepalive && (keepalive.keepaliveTime ?? KEEPALIVE_S) * 1_000,
    idleMs: above0(durationMs(idleTimeout)) ?? Number.POSITIVE_INFINITY,
    maxAgeMs: above0(durationMs(maxConnectionDuration)) ?? Number.POSITIVE_INFINITY,
    maxCalls: above0(maxRequestsPerConnection) ?? Number.POSITIVE_INFINITY,
    maxStreams: above0(maxConcurrentStreams) ?? Number.POSITIVE_INFINITY,
  };
  const said = [...Object.values(rules), maxConnections, maxPending];
  if (said.every((value) => value === undefined || value === Number.POSITIVE_INFINITY)) return undefined;
  const isCounted = maxConnections < Number.POSITIVE_INFINITY || maxPending < Number.POSITIVE_INFINITY;
  const key = `${said.join(",")}${isCounted ? ` ${cluster.name}` : ""}`;
  if (before?.key === key) return before;
  return { key, ...rules, budget: new PoolBudget(cluster.name, maxConnections, maxPending) };
}

/** What Linux waits before it asks for a sign of life, where nobody says otherwise. */
const KEEPALIVE_S = 7_200;

function above0(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}
