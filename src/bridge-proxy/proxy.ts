import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { TRESTLE_METADATA } from "../codecs/xds/core.ts";
import type { ListenerFacts } from "../codecs/xds/listener.ts";
import type { DeltaResources } from "../codecs/xds/resources.ts";
import type { KeysFound } from "../model/keys-found.ts";
import type { ProxyStats } from "../model/stats.ts";
import { after } from "./after.ts";
import { AuthzStats } from "./authz/audit.ts";
import { KeyWaits } from "./authz/key-waits.ts";
import { CallTable } from "./call-table.ts";
import type { CallerConnection } from "./caller-connection.ts";
import { ProxyConfig } from "./config.ts";
import { DEFAULT_LIMITS, type ProxyContext, type ProxyCounters, type ProxyLimits } from "./context.ts";
import { Caller } from "./dubbo/caller.ts";
import { gatewayEntrance } from "./gateway/entrance.ts";
import { HttpCaller } from "./http/caller.ts";
import { InboundConnection } from "./inbound/connection.ts";
import { inboundCaller, securedCaller } from "./inbound/serve.ts";
import { LateCalls } from "./late.ts";
import { sweepDeadlines } from "./pending.ts";
import { MetricRows } from "./policies/metrics.ts";
import { Mirrors } from "./policies/mirror.ts";
import type { RuntimeConfig } from "./runtime-config.ts";
import { FlushQueue } from "./socket-driver.ts";
import { ProxyTls } from "./tls/proxy-tls.ts";
import { AcceptedCaller } from "./triple/accept.ts";
import { UnknownCalls } from "./unknown.ts";

const SWEEP_MS = 10;
const TICK_MS = 1_000;
const FILE_TICKS = 10;
/** Most providers that statistics name as ejected. */
const MAX_EJECTED = 1_000;
/** How long consumers get to close their side of a drained connection, ms. */
const LEAVE_MS = 250;

/** What a proxy is made from; limits that are left out are those of {@link DEFAULT_LIMITS}. */
export interface ProxyOptions {
  /** Name in statistics. */
  readonly worker: string;
  readonly log: Logger;
  readonly limits?: Partial<ProxyLimits>;
  /** In [0, 1); Math.random unless a test says otherwise. */
  readonly random?: () => number;
  /** A token is signed by a key of its issuer that is not known: calls wait for `keysAsked`. Without it none does. */
  readonly onUnknownKey?: (issuer: string) => void;
}

interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly facts: ListenerFacts;
}

/** Gateways may be given ports that cannot be had: while one is in use it is tried again this often, ms. */
const GATEWAY_RETRY_MS = 2_000;

/** A running data plane: accepts Dubbo2 and Triple calls on its listeners and carries them as its resources say. */
export interface RunningProxy {
  /** Takes changed resources into force, without touching a connection or a call. Rejects where a listener cannot be opened. */
  apply(changes: readonly DeltaResources[]): Promise<void>;
  /** Addresses it listens on, as `host:port`. */
  readonly listening: readonly string[];
  stats(): ProxyStats;
  /** The issuer that `onUnknownKey` told of was asked for its keys. */
  keysAsked(issuer: string, found: KeysFound): void;
  /** Stops listening, asks callers to go elsewhere, and ends once no call waits, or after `graceMs`. */
  drain(graceMs: number): Promise<void>;
  /** Drops everything at once. */
  close(): Promise<void>;
}

/** Creates a proxy without listeners; `apply` gives it its configuration. */
export function createProxy(options: ProxyOptions): RunningProxy {
  return new ListeningProxy(options);
}

class ListeningProxy implements RunningProxy {
  readonly #worker: string;
  readonly #context: ProxyContext;
  readonly #config: ProxyConfig;
  readonly #servers = new Map<string, Server>();
  #wanted: ReadonlyMap<string, ListenAddress> = new Map();
  /** When a gateway's address could not be had last, monotonic ms. */
  readonly #refusedMs = new Map<string, number>();
  /** Addresses of gateways that are the own of something else, as far as that was said. */
  readonly #toldOwn = new Set<string>();
  readonly #callers = new Set<CallerConnection>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #ticker: NodeJS.Timeout;
  #isDraining = false;
  #ticks = 0;

  constructor(options: ProxyOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#worker = options.worker;
    this.#context = createContext(options, limits);
    this.#config = new ProxyConfig(this.#context);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  get listening(): readonly string[] {
    return [...this.#servers.keys()];
  }

  async apply(changes: readonly DeltaResources[]): Promise<void> {
    this.#config.apply(changes);
    this.#context.nowMs = performance.now();
    this.#context.authz.takeKeys(changes);
    this.#context.unknown.changed();
    // A worker that is being replaced must not take connections again.
    if (this.#isDraining) return;
    this.#wanted = this.#wantedAddresses();
    for (const [key, server] of this.#servers) {
      if (this.#wanted.has(key)) continue;
      server.close();
      this.#servers.delete(key);
    }
    for (const [key, where] of this.#wanted) {
      if (this.#servers.has(key)) continue;
      const { protocol, inbound } = where.facts;
      if (protocol === "gateway" || protocol === "http" || inbound !== undefined)
        await this.#listenForGateway(key, where);
      else await this.#listen(key, where);
    }
  }

  keysAsked(issuer: string, found: KeysFound): void {
    this.#context.nowMs = performance.now();
    this.#context.authz.keyWaits.answered(issuer, found);
  }

  stats(): ProxyStats {
    const context = this.#context;
    const { hosts, ejected } = this.#config;
    return {
      worker: this.#worker,
      calls: context.rows.series(),
      counters: {
        ...context.counters,
        ...context.authz.counters,
        ...context.authz.keyWaits.counters,
        ...context.tls.record.counters,
      },
      gauges: {
        callsInFlight: context.calls.size,
        downstreamOpen: this.#callers.size,
        upstreamOpen: hosts.reduce((sum, host) => sum + host.connectionCount, 0),
        upstreamHosts: hosts.filter(({ retired }) => !retired).length,
        heldBytes: context.heldBytes,
        callsHeldByRules: context.exchanges,
        endpointsEjected: ejected.length,
      },
      ...(ejected.length > 0 && { ejected: ejected.slice(0, MAX_EJECTED) }),
    };
  }

  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
    for (const caller of this.#callers) caller.leave();
    this.#context.queue.flush();
    const untilMs = performance.now() + graceMs;
    // A second of quiet, so that calls that were on their way when READONLY went out are still served.
    for (let quietMs = 0; quietMs < 1_000 && performance.now() < untilMs; ) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      quietMs = this.#isIdle() ? quietMs + 50 : 0;
    }
    for (const caller of this.#callers) caller.end();
    this.#context.queue.flush();
    // Consumers close their side in turn; one that is cut off before could lose what it has not read yet.
    const endMs = performance.now() + LEAVE_MS;
    while (this.#callers.size > 0 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 10));
    await this.close();
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    clearInterval(this.#ticker);
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
    for (const caller of this.#callers) caller.destroy();
    for (const host of this.#config.hosts) host.destroy();
  }

  /** By `host:port`, each address once. A gateway never takes the place of another listener: a rule must not take a worker's own port from it. */
  #wantedAddresses(): Map<string, ListenAddress> {
    const wanted = new Map<string, ListenAddress>();
    for (const { address, metadata } of this.#config.listeners) {
      const { address: host, portValue: port } = address.socketAddress;
      const facts = metadata.filterMetadata[TRESTLE_METADATA];
      const key = `${host}:${port}`;
      const isTwice = [facts, wanted.get(key)?.facts].filter((one) => one?.protocol === "gateway").length === 1;
      if (isTwice && wanted.has(key) && !this.#toldOwn.has(key)) {
        this.#toldOwn.add(key);
        this.#context.log.error("gateway has a port of the proxy's own, and is not served there", { listener: key });
      }
      if (facts.protocol !== "gateway" || !wanted.has(key)) wanted.set(key, { host, port, facts });
    }
    return wanted;
  }

  /** A port that cannot be had does not keep other changes from being taken up; it is said once, and tried again. */
  async #listenForGateway(key: string, where: ListenAddress): Promise<void> {
    try {
      await this.#listen(key, where);
      this.#refusedMs.delete(key);
    } catch (error) {
      if (!this.#refusedMs.has(key))
        this.#context.log.error("gateway, HTTP or inbound port cannot listen; it is tried again", {
          listener: key,
          error: (error as Error).message,
        });
      this.#refusedMs.set(key, this.#context.nowMs);
    }
  }

  #retryGateways(): void {
    const { nowMs } = this.#context;
    for (const [key, sinceMs] of this.#refusedMs) {
      const where = this.#wanted.get(key);
      if (where === undefined || this.#isDraining) this.#refusedMs.delete(key);
      else if (nowMs - sinceMs >= GATEWAY_RETRY_MS && !this.#servers.has(key)) void this.#listenForGateway(key, where);
    }
  }

  #listen(key: string, { host, port }: ListenAddress): Promise<void> {
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket, key));
    this.#servers.set(key, server);
    return new Promise((resolve, reject) => {
      server.once("error", (error) => {
        this.#servers.delete(key);
        reject(error);
      });
      server.listen({ host, port, backlog: 4096 }, () => {
        server.removeAllListeners("error");
        server.on("error", (error) =>
          this.#context.log.warn("listener error", { listener: key, error: error.message }),
        );
        resolve();
      });
    });
  }

  #accept(socket: Socket, key: string): void {
    const { counters, limits } = this.#context;
    const facts = this.#wanted.get(key)?.facts;
    if (facts === undefined || this.#callers.size >= limits.maxConnections) {
      counters.downstreamRefused++;
      socket.on("error", () => {});
      socket.destroy();
      return;
    }
    counters.downstreamConnections++;
    const caller: CallerConnection = this.#callerOn(socket, key, facts, () => this.#callers.delete(caller));
    this.#callers.add(caller);
  }

  #callerOn(socket: Socket, key: string, facts: ListenerFacts, onClosed: () => void): CallerConnection {
    const { protocol, routeConfigName, service, inbound } = facts;
    const context = this.#context;
    if (inbound !== undefined) {
      const facts = () => this.#wanted.get(key)?.facts.inbound ?? inbound;
      const config = () => this.#config.runtime(routeConfigName);
      const tls = this.#config.acceptedTls(key);
      const serve = inboundCaller(context, protocol, config);
      return new InboundConnection(context, socket, { facts, config, tls, serve, onClosed });
    }
    const config = (): RuntimeConfig => this.#config.current;
    switch (protocol) {
      case "dubbo":
        return new Caller(context, socket, config, onClosed);
      case "tri":
        return new AcceptedCaller(context, socket, config, onClosed);
      case "gateway": {
        const chains = this.#config.gatewayChains(key);
        const scheme = chains === undefined ? "http" : "https";
        const serve = (on: Socket, routes: string, closed: () => void) =>
          new AcceptedCaller(
            context,
            on,
            config,
            closed,
            gatewayEntrance(() => this.#config.gateway(routes), scheme),
          );
        if (chains === undefined) return serve(socket, routeConfigName, onClosed);
        return securedCaller(context, socket, chains, serve, onClosed);
      }
      case "http":
        return new HttpCaller(context, socket, config, onClosed, service);
      default:
        return protocol satisfies never;
    }
  }

  /** Whether no call waits, for an answer or for its time, and every answer was taken. */
  #isIdle(): boolean {
    const { calls, exchanges, mirrors, unknown } = this.#context;
    if (calls.size > mirrors.tries || exchanges > mirrors.exchanges || unknown.size > 0) return false;
    for (const caller of this.#callers) if (caller.backlogBytes > 0) return false;
    return true;
  }

  #sweep(): void {
    this.#context.nowMs = performance.now();
    if (this.#context.nowMs >= this.#context.earliestDeadlineMs) sweepDeadlines(this.#context);
    this.#context.unknown.expire(this.#context.nowMs);
  }

  #tick(): void {
    this.#context.nowMs = performance.now();
    for (const caller of this.#callers) caller.tick();
    this.#config.tick(TICK_MS);
    this.#retryGateways();
    this.#context.late.prune(this.#context.nowMs);
    // Files of certificates are read again by and by.
    if (++this.#ticks % FILE_TICKS === 0) this.#context.tls.contexts.refreshFiles();
    this.#context.tls.standing.tick(this.#context.tls.wallMs());
  }
}

function createContext(options: ProxyOptions, limits: ProxyLimits): ProxyContext {
  const counters = zeroCounters();
  const keyClock: Clock = {
    now: () => performance.now(),
    after(delayMs, run) {
      const timer = after(context, delayMs, run);
      return { cancel: () => clearTimeout(timer) };
    },
  };
  const context: ProxyContext = {
    calls: new CallTable(limits.maxCalls),
    queue: new FlushQueue(),
    rows: new MetricRows(),
    limits,
    frameLimits: { maxBodyBytes: limits.maxBodyBytes, maxSkipBytes: limits.maxSkipBytes },
    counters,
    mirrors: new Mirrors(counters, limits.maxMirrors),
    log: options.log,
    nowMs: performance.now(),
    originMs: performance.timeOrigin,
    heldBytes: 0,
    exchanges: 0,
    exchangeBytes: 0,
    late: new LateCalls(limits.maxLateCalls),
    unknown: new UnknownCalls(),
    authz: new AuthzStats(options.log, () => performance.now(), new KeyWaits(options.onUnknownKey, keyClock)),
    tls: new ProxyTls(options.log, limits.maxWaiting),
    earliestDeadlineMs: Number.POSITIVE_INFINITY,
    random: options.random ?? Math.random,
  };
  return context;
}

function zeroCounters(): ProxyCounters {
  return {
    downstreamConnections: 0,
    downstreamProtocolErrors: 0,
    downstreamRefused: 0,
    upstreamConnections: 0,
    upstreamConnectFailures: 0,
    upstreamResets: 0,
    upstreamProtocolErrors: 0,
    lateAnswers: 0,
    abandonedCalls: 0,
    oversizeFrames: 0,
    retries: 0,
    retryOverflows: 0,
    callbacks: 0,
    carriedUnread: 0,
    mirrored: 0,
    mirrorFailures: 0,
    mirrorsDropped: 0,
    answersUnchanged: 0,
  };
}
