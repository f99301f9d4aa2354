import type { ProxyContext } from "../context.ts";
import type { UpstreamTls } from "../tls/upstream.ts";
import type { ConnectTarget } from "./connect-target.ts";
import type { PoolRules } from "./pool-rules.ts";

/** `idle`: not connected and not known to be bad. `down`: the last attempt to connect failed. */
export type HostState = "idle" | "connecting" | "ready" | "down";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;
/** A busy connection is helped by another one from this much unsent data on. */
const SECOND_CONNECTION_BYTES = 512 * 1024;
const MAX_CONNECTIONS = 4;

/** One connection to a provider, whatever it speaks. */
export interface UpstreamConnection {
  /** Connected: calls may be sent. */
  readonly ready: boolean;
  /** Bytes that wait here to be sent or to be taken; Infinity where it can take no further call now. */
  readonly backlogBytes: number;
  /** How many there are in truth, where it stands for several. */
  readonly linkCount?: number;
  /** Calls that wait here for it to be connected; absent where those wait in a line. */
  readonly waitingCalls?: number;
  /** No call may be sent any more. */
  readonly ended: boolean;
  /** Ends the connection once no call waits on it. */
  endWhenIdle(): void;
  /** Ends the connection once a call that is about to be sent, and all others, are over. */
  endAfterNext(): void;
  /** Lets its timers run. */
  tick(): void;
  destroy(): void;
}

/** What the owner of a connection is told. */
export interface ConnectionOwner {
  onReady(): void;
  /** It takes no new call, as the provider said: those on it go on. */
  onLeaving(): void;
  /** Exactly once; `wasReady` is false where it never connected. All its calls have been failed before. */
  onClosed(wasReady: boolean): void;
}

/** Starts a connection to a provider. */
export type OpenConnection<C> = (host: UpstreamHost<C & UpstreamConnection>, owner: ConnectionOwner) => C;

/**
 * One provider address: its few connections and what is known of its health. All clusters that list the address share it.
 * A lost connection is made again in the background; until then balancers choose providers that are connected.
 */
export class UpstreamHost<C extends UpstreamConnection = UpstreamConnection> {
  readonly address: string;
  readonly port: number;
  /** How it is connected to; undefined for plain text. */
  readonly tls: UpstreamTls | undefined;
  /** What its cluster says of connections; undefined for nothing. */
  readonly pool: PoolRules | undefined;
  /** Calls that wait for an answer from here. */
  active = 0;
  isPassedOver = false;
  /** It said READONLY: it gets no new call while another provider lives. */
  draining = false;
  state: HostState = "idle";
  readonly #context: ProxyContext;
  readonly #connect: OpenConnection<C>;
  readonly #changed: () => void;
  #connections: C[] = [];
  /** Connections of the time before it was retired: they take no new call, also when it is listed again. */
  readonly #ending = new Set<C>();
  #retryMs = FIRST_RETRY_MS;
  #retryTimer: NodeJS.Timeout | undefined;
  /** When a call waited here last, as far as a tick saw it. */
  #usedMs = 0;
  readonly #openedMs = new WeakMap<object, number>();
  #retired = false;
  #retiredAtMs = 0;

  /** `changed` is called whenever `state` or `draining` changes. */
  constructor(
    { address, port, tls, pool }: ConnectTarget,
    context: ProxyContext,
    connect: OpenConnection<C>,
    changed: () => void,
  ) {
    this.address = address;
    this.port = port;
    this.tls = tls;
    this.pool = pool;
    pool?.budget.add(this);
    this.#context = context;
    this.#connect = connect;
    this.#changed = changed;
  }

  get connectionCount(): number {
    let count = 0;
    for (const { linkCount = 1 } of this.#connections) count += linkCount;
    for (const { linkCount = 1 } of this.#ending) count += linkCount;
    return count;
  }

  /** Calls that wait for one of its connections to be made. */
  get waitingCalls(): number {
    let count = 0;
    for (const { waitingCalls = 0 } of this.#connections) count += waitingCalls;
    for (const { waitingCalls = 0 } of this.#ending) count += waitingCalls;
    return count;
  }

  /** Whether no cluster lists it. */
  get retired(): boolean {
    return this.#retired;
  }

  /** Whether it has been retired for so long that no call can still be on its way to it. */
  get forgettable(): boolean {
    const { nowMs, limits } = this.#context;
    return this.#retired && this.connectionCount === 0 && nowMs - this.#retiredAtMs > limits.maxCallMs;
  }

  /** A connection to send on; while none is ready, the one that is being made (a new one if need be). */
  connection(): C {
    if (this.#retired) return this.#lastConnection();
    const first = this.#connections[0];
    if (first === undefined) return this.#open();
    if (first.backlogBytes < SECOND_CONNECTION_BYTES) return first;
    let best = first;
    for (const connection of this.#connections) {
      if (connection.ready && connection.backlogBytes < best.backlogBytes) best = connection;
    }
    const isFull = this.#connections.length >= MAX_CONNECTIONS || this.pool?.budget.isFull === true;
    if (best.backlogBytes >= SECOND_CONNECTION_BYTES && !isFull) this.#open();
    return best;
  }

  /** Starts connecting unless that is under way, done, or waiting for its next attempt. */
  warm(): void {
    if (this.state === "idle" && !this.#retired) this.#open();
  }

  /** A connection that belongs to one caller alone, for calls that the provider answers with calls of its own. */
  openPinned(onClosed: () => void): C {
    return this.#connect(this, { onReady: () => {}, onLeaving: () => {}, onClosed });
  }

  /** No cluster lists it any more: connections end when their calls have. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#retiredAtMs = this.#context.nowMs;
    clearTimeout(this.#retryTimer);
    const connections = this.#connections;
    this.#connections = [];
    for (const connection of connections) this.#letEnd(connection);
    this.#setState("idle");
  }

  /** It is listed again. */
  revive(): void {
    this.#retired = false;
  }

  /** Drops all connections at once. */
  destroy(): void {
    this.retire();
    for (const connection of [...this.#ending]) connection.destroy();
  }

  /** Lets the connections' own timers run. */
  tick(): void {
    for (const connection of [...this.#connections, ...this.#ending]) connection.tick();
    if (this.pool !== undefined) this.#letOldEnd(this.pool);
  }

  /** It is forgotten. */
  forget(): void {
    this.pool?.budget.delete(this);
  }

  /** Connections that no call waited on for long, and those that are old, take no new call. */
  #letOldEnd({ idleMs, maxAgeMs }: PoolRules): void {
    const { nowMs } = this.#context;
    if (this.active > 0) this.#usedMs = nowMs;
    const isIdle = this.active === 0 && nowMs - this.#usedMs > idleMs;
    for (const connection of this.#connections) {
      // One that stands for several sees to each of them.
      if (connection.linkCount !== undefined || !connection.ready) continue;
      if (isIdle || nowMs - (this.#openedMs.get(connection) ?? nowMs) > maxAgeMs) this.#onLeaving(connection);
    }
  }

  /** Marks it (or, with false, no longer) as draining. */
  setDraining(draining: boolean): void {
    if (this.draining === draining) return;
    this.draining = draining;
    this.#changed();
  }

  /** For a call that was decided before the address was taken off the list. */
  #lastConnection(): C {
    for (const connection of this.#ending) if (!connection.ended) return connection;
    const connection: C = this.#connect(this, {
      onReady: () => {},
      onLeaving: () => {},
      onClosed: () => this.#ending.delete(connection),
    });
    connection.endAfterNext();
    this.#ending.add(connection);
    return connection;
  }

  #letEnd(connection: C): void {
    this.#ending.add(connection);
    connection.endWhenIdle();
  }

  #open(): C {
    const connection: C = this.#connect(this, {
      onReady: () => {
        if (this.#ending.has(connection)) return;
        this.#retryMs = FIRST_RETRY_MS;
        this.#usedMs = this.#context.nowMs;
        if (this.pool !== undefined) this.#openedMs.set(connection, this.#usedMs);
        this.draining = false;
        this.#setState("ready");
      },
      onLeaving: () => this.#onLeaving(connection),
      onClosed: (wasReady) => this.#onClosed(connection, wasReady),
    });
    this.#connections.push(connection);
    if (this.state !== "ready") this.#setState("connecting");
    return connection;
  }

  #onLeaving(connection: C): void {
    if (!this.#connections.includes(connection)) return;
    this.#connections = this.#connections.filter((other) => other !== connection);
    this.#letEnd(connection);
    if (!this.#connections.some((other) => other.ready)) this.#setState("idle");
  }

  #onClosed(connection: C, wasReady: boolean): void {
    if (this.#ending.delete(connection)) return;
    this.#connections = this.#connections.filter((other) => other !== connection);
    if (this.#connections.some((other) => other.ready)) return;
    this.#setState(wasReady ? "idle" : "down");
    if (this.#retired) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      if (!this.#retired && this.#connections.length === 0) this.#open();
    }, this.#retryMs);
    this.#retryTimer.unref();
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
  }

  #setState(state: HostState): void {
    if (this.state === state) return;
    this.state = state;
    this.#changed();
  }
}

/** All provider addresses of a proxy that speak one protocol, each once. */
export class HostPool<C extends UpstreamConnection = UpstreamConnection> {
  readonly #hosts = new Map<string, UpstreamHost<C>>();
  readonly #context: ProxyContext;
  readonly #connect: OpenConnection<C>;
  /** Counts changes of any host's state: what was derived from states is stale when it moves. */
  version = 0;

  constructor(context: ProxyContext, connect: OpenConnection<C>) {
    this.#context = context;
    this.#connect = connect;
  }

  get hosts(): Iterable<UpstreamHost<C>> {
    return this.#hosts.values();
  }

  /** The host with this address that is connected to in this way, made when it is new. */
  host(address: string, port: number, tls?: UpstreamTls, pool?: PoolRules): UpstreamHost<C> {
    let key = `${address}:${port}`;
    if (tls !== undefined) key += ` ${tls.key}`;
    if (pool !== undefined) key += ` pool ${pool.key}`;
    let host = this.#hosts.get(key);
    if (host === undefined) {
      host = new UpstreamHost({ address, port, tls, pool }, this.#context, this.#connect, () => this.version++);
      this.#hosts.set(key, host);
    }
    host.revive();
    return host;
  }

  /** Lets the hosts' timers run, and forgets retired ones that no held call can come back to. */
  tick(): void {
    for (const [key, host] of this.#hosts) {
      host.tick();
      if (!host.forgettable) continue;
      host.forget();
      this.#hosts.delete(key);
    }
  }
}
