import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Clock, realClock } from "../../base/clock.ts";
import { type Logger, silentLogger } from "../../base/log.ts";
import { PUBLIC_NAMESPACE } from "../../codecs/nacos/service-info.ts";
import type { Finding } from "../../model/entry.ts";
import { compileAllow, plainAddress } from "../allow.ts";
import type { Facade } from "../contracts.ts";
import { changedInterfaces } from "../present/changed.ts";
import type { PresentContext } from "../present/context.ts";
import { Burdens } from "./burdens.ts";
import { createFindings } from "./findings.ts";
import { type UpstreamHost, UpstreamHosts } from "./hosts.ts";
import { listenAt } from "./listen.ts";
import type { OnLogin } from "./logins.ts";
import { NacosConnection } from "./nacos/connection.ts";
import { createNacosCounters, type NacosCounters } from "./nacos/counters.ts";
import { createNacosHttp } from "./nacos/http.ts";
import { paced } from "./nacos/pace.ts";
import { SharedServices } from "./nacos/services.ts";
import { NacosSession } from "./nacos/session.ts";
import type { SessionShared } from "./nacos/session-shared.ts";
import { TokenLogins } from "./nacos/token-logins.ts";
import { Patience } from "./patience.ts";

/** What {@link createNacosFacade} needs; everything but the first three has a default. */
export interface NacosFacadeOptions {
  /** The main port; gRPC is on that port + 1000, where clients look for it. Port 0 gives both any. */
  readonly listen: { readonly host: string; readonly port: number };
  /** The servers of the registry, by their main port; not empty. */
  readonly upstream: readonly UpstreamHost[];
  readonly context: PresentContext;
  /** Path below which the registry's HTTP API stands: `/nacos` unless told. */
  readonly path?: string;
  /** The namespace that the mesh mirrors, by its id; clients of others are shown what the registry has. */
  readonly namespace?: string;
  /** Addresses and CIDR ranges that may connect; empty allows all. */
  readonly allow?: readonly string[];
  /** Most connections at once, of gRPC and of HTTP each; more are closed as they come. */
  readonly maxConnections?: number;
  readonly connectTimeoutMs?: number;
  /** How long a client may take to read an answer over HTTP, ms. */
  readonly writeTimeoutMs?: number;
  /** What is kept for all clients together of requests and answers that are not whole, answered or read, bytes. */
  readonly maxKeptBytes?: number;
  /** How long clients that are sent away by `close` have for going, ms. */
  readonly leaveMs?: number;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Hears of each finding once, until `setContext`. */
  readonly onFinding?: (finding: Finding) => void;
  /** Hears of instances (`address:port`) that a client took out on purpose: it deregistered them or ended its connection in order. */
  readonly onRemoval?: (instances: readonly string[]) => void;
  /** Hears of clients whose tokens the registry vouches for. */
  readonly onLogin?: OnLogin | undefined;
  /** Whether a user is one of whom `onLogin` is to hear; all are unless told. */
  readonly isVouched?: (username: string) => boolean;
  /** Numbers in [0, 1); shuffles the servers, spreads what is made anew. */
  readonly random?: () => number;
}

/** A running Nacos facade. */
export interface NacosFacade extends Facade {
  /** The port of gRPC. */
  readonly grpcPort: number;
  readonly counters: Readonly<NacosCounters>;
}

/** What the gRPC port of a server is above its main port. */
export const GRPC_PORT_OFFSET = 1_000;
/** How long a client may take to register one service elsewhere, ms, and for how long more than all of them are waited for. */
const REGISTRATION_MS = 10;
const MAX_LATE_MS = 2_000;
const DEFAULTS = {
  maxConnections: 10_000,
  connectTimeoutMs: 1_500,
  leaveMs: 0,
  writeTimeoutMs: 60_000,
  maxKeptBytes: 512 * 1024 * 1024,
} as const;

/**
 * Serves Nacos' protocols in front of a registry: gRPC of 2.x and 3.x clients, HTTP of 1.x ones and later. Every gRPC client has its own
 * connection there, every HTTP request is made there with the client's own token; what is read about services is what
 * {@link PresentContext} says. Rejects when an address cannot be listened on, or an `allow` entry is wrong.
 */
export async function createNacosFacade(options: NacosFacadeOptions): Promise<NacosFacade> {
  const clock = options.clock ?? realClock;
  const log = options.log ?? silentLogger;
  const random = options.random ?? Math.random;
  // The registry's servers date lists by the machine's time, whatever clock else is gone by.
  const wallNow = realClock.now;
  const counters = createNacosCounters();
  const findings = createFindings(options.onFinding ?? (() => {}));
  let context = options.context;
  const logins =
    options.onLogin &&
    new TokenLogins({
      ...{ clock, log, onLogin: options.onLogin },
      isKnown: options.isVouched ?? (() => true),
      refuses: (token) => http.refuses(token),
    });
  const shared: SessionShared = {
    services: new SharedServices(wallNow),
    context: () => context,
    patience: new Patience(clock),
    onPassed: findings.note,
    namespace: options.namespace === undefined || options.namespace === "" ? PUBLIC_NAMESPACE : options.namespace,
    counters,
    now: () => clock.now(),
    ...(options.onRemoval && { onRemoval: options.onRemoval }),
    ...(logins && { logins }),
  };
  const allows = compileAllow(options.allow ?? []);
  const maxConnections = options.maxConnections ?? DEFAULTS.maxConnections;
  const connectTimeoutMs = options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs;
  const burdens = new Burdens(options.maxKeptBytes ?? DEFAULTS.maxKeptBytes, () => clock.now());
  const grpcHosts = options.upstream.map(({ host, port }) => ({ host, port: port + GRPC_PORT_OFFSET }));
  const connectionOptions = {
    upstream: new UpstreamHosts(grpcHosts, random),
    clock,
    log,
    counters,
    connectTimeoutMs,
    burdens,
    random,
  };
  const connections = new Set<NacosConnection>();
  const grpc = createServer({ noDelay: true }, (socket: Socket) => {
    counters.connections++;
    if (connections.size >= maxConnections || !allows(socket.remoteAddress ?? "")) {
      counters.refused++;
      socket.destroy();
      return;
    }
    const address = plainAddress(socket.remoteAddress ?? "");
    const login = logins?.client(address);
    const session = new NacosSession({ ...shared, ...(login && { login }) }, address);
    const connection = new NacosConnection(socket, session, connectionOptions, () => {
      login?.leave();
      connections.delete(connection);
      counters.sessions = connections.size;
    });
    connections.add(connection);
    counters.sessions = connections.size;
  });
  const { host, port } = options.listen;
  await listenAt(grpc, { host, port: port === 0 ? 0 : port + GRPC_PORT_OFFSET });
  grpc.on("error", (error) => log.error("nacos facade: listener failed", { error: error.message }));
  const http = await createNacosHttp({
    ...{ shared, clock, wallNow, log, maxConnections, connectTimeoutMs, burdens, allows, random },
    writeTimeoutMs: options.writeTimeoutMs ?? DEFAULTS.writeTimeoutMs,
    listen: options.listen,
    upstream: options.upstream,
    path: options.path ?? "/nacos",
  }).catch((error: unknown) => {
    grpc.close();
    throw error;
  });

  /** Whose lists of providers clients are to be shown anew; undefined for all. */
  let due: ReadonlySet<string> | undefined = new Set();
  const show = paced(clock, () => {
    const interfaces = due;
    due = new Set();
    for (const connection of [...connections]) connection.contextChanged(interfaces);
    http.contextChanged();
  });
  return {
    address: { host, port: http.port },
    grpcPort: (grpc.address() as AddressInfo).port,
    counters,
    setContext(next) {
      if (next === context) return;
      // Between any two of them: a client may have been shown something by each.
      const changed = changedInterfaces(context.providersFrom, next.providersFrom);
      due = due && changed && new Set([...due, ...changed]);
      context = next;
      findings.forget();
      shared.patience.forget(next.isSettled);
      show();
    },
    async close() {
      const closed = [new Promise<void>((resolve) => grpc.close(() => resolve())), http.close()];
      const leaveMs = options.leaveMs ?? DEFAULTS.leaveMs;
      if (leaveMs > 0 && [...connections].some(({ registrations }) => registrations > 0)) {
        // Instances stand for as long as their clients need to register them through another facade.
        for (const connection of [...connections]) connection.sendAway();
        await sleep(leaveMs);
        await sleep(lateMs(connections, leaveMs, clock.now()));
      }
      for (const connection of [...connections]) connection.close();
      logins?.close();
      await Promise.all(closed);
    },
  };
}

/** How much longer instances stand: a busy client goes late, and one of many services needs its time for each. */
function lateMs(connections: Iterable<NacosConnection>, leaveMs: number, nowMs: number): number {
  let untilMs = nowMs;
  for (const { leftMs, registrations } of connections)
    if (leftMs !== undefined) untilMs = Math.max(untilMs, leftMs + leaveMs + registrations * REGISTRATION_MS);
  return Math.min(untilMs - nowMs, MAX_LATE_MS);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
