import type { CallReason } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { AuthzStats } from "./authz/audit.ts";
import type { CallTable } from "./call-table.ts";
import type { LateCalls } from "./late.ts";
import type { MetricRows } from "./policies/metrics.ts";
import type { Mirrors } from "./policies/mirror.ts";
import type { FlushQueue } from "./socket-driver.ts";
import type { ProxyTls } from "./tls/proxy-tls.ts";
import type { UnknownCalls } from "./unknown.ts";
import type { ConnectTarget } from "./upstream/connect-target.ts";

/** Bounds of one proxy; every one is counted where it bites. */
export interface ProxyLimits {
  /** A larger request body is answered 40 and skipped. */
  readonly maxBodyBytes: number;
  /** A body over this ends the connection instead; also the largest answer that is carried. */
  readonly maxSkipBytes: number;
  /** Calls that wait for an answer, all together. */
  readonly maxCalls: number;
  /** Accepted connections. */
  readonly maxConnections: number;
  /** Bytes that one callee, or one caller, has not taken yet. */
  readonly maxBacklogBytes: number;
  /** Bytes of unfinished frames, all connections together. */
  readonly maxHeldBytes: number;
  /** Frames of calls that rules hold back, change or may have to send again, all together. */
  readonly maxExchangeBytes: number;
  /** Calls that were given up at their callers' own time-outs and are still answered when an answer comes. */
  readonly maxLateCalls: number;
  /** Copies of calls under way to where rules mirror them, all together; further ones are not made. */
  readonly maxMirrors: number;
  /** Streams that one HTTP/2 connection to a provider carries in its life; their numbers end at 2^30. Then a new one takes over. */
  readonly maxStreamsPerConnection: number;
  readonly connectTimeoutMs: number;
  /** Inbound connections that have not said yet what they speak; of more, whoever has been silent for longest is sent away. */
  readonly maxWaiting: number;
  /** TLS handshakes of accepted connections at the same time; further ones are refused. */
  readonly maxHandshakes: number;
  /** An accepted connection's handshake that takes longer ends. */
  readonly handshakeTimeoutMs: number;
  /** Idle time after which a connection is asked for a sign of life; three times that without one ends it. */
  readonly heartbeatMs: number;
  /** A connection that does not finish a frame it began within this is closed. */
  readonly frameTimeoutMs: number;
  /** The longest that a call without an answer is kept. */
  readonly maxCallMs: number;
}

/** The limits of a proxy that was told none. A body of 8 MiB is Dubbo's own `payload` (Constants.DEFAULT_PAYLOAD). */
export const DEFAULT_LIMITS: ProxyLimits = {
  maxBodyBytes: 8 * 1024 * 1024,
  maxSkipBytes: 64 * 1024 * 1024,
  maxCalls: 1_000_000,
  maxConnections: 20_000,
  maxBacklogBytes: 64 * 1024 * 1024,
  maxHeldBytes: 512 * 1024 * 1024,
  maxExchangeBytes: 512 * 1024 * 1024,
  maxLateCalls: 100_000,
  maxMirrors: 10_000,
  maxStreamsPerConnection: 1_000_000_000,
  connectTimeoutMs: 3_000,
  maxWaiting: 4_096,
  maxHandshakes: 512,
  handshakeTimeoutMs: 10_000,
  heartbeatMs: 60_000,
  frameTimeoutMs: 30_000,
  maxCallMs: 600_000,
};

/** The caller's side of a call, as the callee's side sees it. */
export interface CallerPort {
  readonly closed: boolean;
  /** Hands on a frame whose id is the caller's own again. */
  deliver(bytes: Buffer, start: number, end: number): void;
  /** Queues a frame made here. */
  answer(frame: Buffer): void;
}

/** The caller of calls that their owners end: the table itself never answers one. */
export const NOBODY: CallerPort = { closed: true, deliver: () => {}, answer: () => {} };

/** The provider behind a connection, as the connection sees it. */
export interface ProviderPort extends ConnectTarget {
  /** Calls that wait for an answer of it, over all connections. */
  active: number;
  /** Calls go elsewhere just now as connecting takes long: that they end says nothing of the provider. */
  isPassedOver: boolean;
  /** It said READONLY, or took that back. */
  setDraining(draining: boolean): void;
}

/** The callee's side of a call, as the table keeps it: its waiting calls are a chain through the table. */
export interface CalleePort {
  /** Slot of the chain's first call; -1 where none waits. */
  firstCall: number;
  readonly host: ProviderPort;
}

/** A call that needs more than carrying: it is told how its try ended and decides. It owns the answer to the caller. */
export interface TryOwner {
  /** The callee answered; the slot is released already and the frame's id is still the upstream one. */
  answered(bytes: Buffer, start: number, end: number): void;
  /** The try ended without an answer; the slot is released already. */
  failed(reason: CallReason, message: string): void;
  /** The caller's own time-out passed: nobody waits for an answer any more. */
  abandoned(): void;
  /** What rules change in an answer that comes all the same; undefined for nothing. */
  readonly lateEdit?: ((answer: Buffer) => Buffer | undefined) | undefined;
  /** Whether another provider than the one that is being connected to could take the call at once. */
  hasOther(): boolean;
}

/** Counters of a proxy, all monotonic. */
export interface ProxyCounters {
  downstreamConnections: number;
  downstreamProtocolErrors: number;
  downstreamRefused: number;
  upstreamConnections: number;
  upstreamConnectFailures: number;
  upstreamResets: number;
  upstreamProtocolErrors: number;
  lateAnswers: number;
  abandonedCalls: number;
  oversizeFrames: number;
  retries: number;
  /** Retries that were not made, since as many were under way as the cluster allows. */
  retryOverflows: number;
  callbacks: number;
  carriedUnread: number;
  /** Copies of calls that rules mirror: made, ended otherwise than well, and not made since too many were under way or the call was too large or only carried. */
  mirrored: number;
  mirrorFailures: number;
  mirrorsDropped: number;
  /** Dubbo2 answers that a rule would have changed, and that have no place for attachments or are only carried. */
  answersUnchanged: number;
}

/** What the connections of one proxy share. */
export interface ProxyContext {
  readonly calls: CallTable<CallerPort, CalleePort, TryOwner>;
  readonly queue: FlushQueue;
  readonly rows: MetricRows;
  readonly limits: ProxyLimits;
  /** Bounds for requests now: a provider with a larger payload raises them. */
  readonly frameLimits: { maxBodyBytes: number; readonly maxSkipBytes: number };
  readonly counters: ProxyCounters;
  readonly log: Logger;
  /** Monotonic ms, set at the start of every chunk and tick: the time of all that happens in it. */
  nowMs: number;
  /** Time of day at `nowMs` 0, ms since 1970. */
  readonly originMs: number;
  /** Bytes of unfinished frames held now. */
  heldBytes: number;
  /** Calls that have an exchange now, and the bytes of their frames. */
  exchanges: number;
  exchangeBytes: number;
  readonly late: LateCalls<CallerPort, CalleePort>;
  readonly unknown: UnknownCalls;
  /** What policies decided. */
  readonly authz: AuthzStats;
  readonly tls: ProxyTls;
  readonly mirrors: Mirrors;
  /** The earliest deadline of a waiting call, monotonic ms: no scan is needed before. */
  earliestDeadlineMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}
