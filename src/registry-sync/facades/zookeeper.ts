import { type AddressInfo, createServer, type Socket } from "node:net";
import { type Clock, realClock } from "../../base/clock.ts";
import { type Logger, silentLogger } from "../../base/log.ts";
import type { Finding } from "../../model/entry.ts";
import { compileAllow, plainAddress } from "../allow.ts";
import type { Facade } from "../contracts.ts";
import type { PresentContext } from "../present/context.ts";
import { createFindings } from "./findings.ts";
import { type UpstreamHost, UpstreamHosts } from "./hosts.ts";
import { listenAt } from "./listen.ts";
import type { OnLogin } from "./logins.ts";
import { Patience } from "./patience.ts";
import { FacadeConnection } from "./zookeeper/connection.ts";
import type { FacadeShared } from "./zookeeper/core.ts";
import { createCounters, type FacadeCounters } from "./zookeeper/counters.ts";
import { Listings } from "./zookeeper/listings.ts";
import { SessionMemory } from "./zookeeper/memory.ts";
import { Refusals } from "./zookeeper/refusals.ts";
import { DEFAULT_LIMITS, FacadeSession, type PacketLimits } from "./zookeeper/session.ts";

/** What {@link createZookeeperFacade} needs; everything but the first three has a default. */
export interface ZookeeperFacadeOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** The servers of the real (or embedded) registry; not empty. */
  readonly upstream: readonly UpstreamHost[];
  readonly context: PresentContext;
  /** Addresses and CIDR ranges that may connect; empty allows all. */
  readonly allow?: readonly string[];
  /** Most connections at once; more are closed as they come. */
  readonly maxConnections?: number;
  readonly limits?: PacketLimits;
  readonly handshakeTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Hears of each finding once, until `setContext`. */
  readonly onFinding?: (finding: Finding) => void;
  /** Hears of provider instances (`address:port`) that a client took out on purpose: it deleted their node or closed its session. */
  readonly onRemoval?: (instances: readonly string[]) => void;
  /** Hears of clients that log in. */
  readonly onLogin?: OnLogin | undefined;
  /** Numbers in [0, 1); shuffles the servers. */
  readonly random?: () => number;
}

/** A running facade; when it closes, its clients' sessions live on at the registry. */
export interface ZookeeperFacade extends Facade {
  readonly counters: Readonly<FacadeCounters>;
}

const DEFAULTS = { maxConnections: 10_000, handshakeTimeoutMs: 10_000, connectTimeoutMs: 3_000 } as const;

/**
 * Serves the ZooKeeper protocol in front of a registry: every client has its own connection and session there; what it reads about
 * providers is what {@link PresentContext} says. Rejects when the address cannot be listened on, or an `allow` entry is wrong.
 */
export async function createZookeeperFacade(options: ZookeeperFacadeOptions): Promise<ZookeeperFacade> {
  const clock = options.clock ?? realClock;
  const log = options.log ?? silentLogger;
  const counters = createCounters();
  const findings = createFindings(options.onFinding ?? (() => {}));
  let context = options.context;
  const shared: FacadeShared = {
    context: () => context,
    listings: new Listings(findings.note),
    memory: new SessionMemory(clock),
    patience: new Patience(clock),
    counters,
    ...(options.onRemoval && { onRemoval: options.onRemoval }),
    ...(options.onLogin && { onLogin: options.onLogin }),
  };
  const allows = compileAllow(options.allow ?? []);
  const connectionOptions = {
    upstream: new UpstreamHosts(options.upstream, options.random ?? Math.random),
    clock,
    log,
    counters,
    refusals: new Refusals(clock, log),
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? DEFAULTS.handshakeTimeoutMs,
    connectTimeoutMs: options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs,
  };
  const maxConnections = options.maxConnections ?? DEFAULTS.maxConnections;
  const connections = new Set<FacadeConnection>();

  const server = createServer({ noDelay: true, pauseOnConnect: true }, (socket: Socket) => {
    counters.connections++;
    if (connections.size >= maxConnections || !allows(socket.remoteAddress ?? "")) {
      counters.refused++;
      socket.destroy();
      return;
    }
    const session = new FacadeSession(
      shared,
      options.limits ?? DEFAULT_LIMITS,
      plainAddress(socket.remoteAddress ?? ""),
    );
    const connection = new FacadeConnection(socket, session, connectionOptions, () => {
      connections.delete(connection);
      counters.sessions = connections.size;
    });
    connections.add(connection);
    counters.sessions = connections.size;
  });
  await listenAt(server, options.listen);
  server.on("error", (error) => log.error("zookeeper facade: listener failed", { error: error.message }));
  const { address, port } = server.address() as AddressInfo;

  return {
    address: { host: address, port },
    counters,
    setContext(next) {
      if (next === context) return;
      context = next;
      findings.forget();
      shared.patience.forget(next.isSettled);
      for (const connection of [...connections]) connection.contextChanged();
    },
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of [...connections]) connection.close();
      });
    },
  };
}
