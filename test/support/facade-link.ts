import { ManualClock } from "../../src/base/clock.ts";
import {
  type ClientEvent,
  ZooKeeperClientMachine,
  ZooKeeperServerMachine,
} from "../../src/codecs/zookeeper/connection.ts";
import { CREATE_MODES, EVENT_TYPES } from "../../src/codecs/zookeeper/constants.ts";
import { OPEN_ACL, type Stat } from "../../src/codecs/zookeeper/records.ts";
import type { Reply } from "../../src/codecs/zookeeper/replies.ts";
import type { Request } from "../../src/codecs/zookeeper/requests.ts";
import { type Peer, Registry } from "../../src/registry-sync/embedded/registry.ts";
import { Patience } from "../../src/registry-sync/facades/patience.ts";
import type { FacadeShared } from "../../src/registry-sync/facades/zookeeper/core.ts";
import { createCounters } from "../../src/registry-sync/facades/zookeeper/counters.ts";
import { Listings } from "../../src/registry-sync/facades/zookeeper/listings.ts";
import { SessionMemory } from "../../src/registry-sync/facades/zookeeper/memory.ts";
import { DEFAULT_LIMITS, FacadeSession } from "../../src/registry-sync/facades/zookeeper/session.ts";
import {
  createPresentContext,
  type PresentContext,
  type PresentOptions,
} from "../../src/registry-sync/present/context.ts";
import type { Passed } from "../../src/registry-sync/present/present.ts";

/** The two addresses that the tests' proxies have. */
export const PROXIES = ["10.0.0.9:20880", "10.0.0.9:20881"];
/** The address that every client comes from. */
const CLIENT = "10.0.0.1";
/** The interface of the tests, and its directories. */
export const IFACE = "com.acme.Order";
export const PROVIDERS = `/dubbo/${IFACE}/providers`;
export const INSTANCES = "/services/shop";

/** A node name of a provider. */
export function providerName(host: string, params = "", protocol = "dubbo"): string {
  const url = `${protocol}://${host}:20880/${IFACE}?application=shop&interface=${IFACE}&methods=a,b&pid=7${params}`;
  return encodeURIComponent(url);
}

/** `host:port` of each name, sorted; a test's short form of a list. */
export function addressesOf(names: readonly string[]): string[] {
  return names.map((name) => decodeURIComponent(name).split("/")[2] ?? name).sort();
}

interface Answer {
  readonly err: number;
  readonly reply: Reply | undefined;
}

/** A registry in memory with a facade before it, all without sockets: bytes move when `pump` or `step` is called. */
export class FacadeLink {
  readonly clock = new ManualClock();
  readonly passed: Passed[] = [];
  /** Provider instances that clients took out on purpose, as the facade told of them. */
  readonly removed: string[][] = [];
  readonly counters = createCounters();
  readonly registry: Registry;
  readonly clients: LinkedClient[] = [];
  readonly #shared: FacadeShared;
  #context: PresentContext;

  constructor(options: Partial<PresentOptions> = {}, hides: readonly string[] = []) {
    this.#context = context(options, hides);
    this.registry = new Registry(
      {
        maxNodes: 10_000,
        maxBytes: 1 << 24,
        maxSessions: 100,
        minTimeoutMs: 1_000,
        maxTimeoutMs: 60_000,
        maxWatchesPerPeer: 10_000,
        containerCheckMs: 60_000,
      },
      this.clock.now(),
      (count) => new Uint8Array(count).fill(7),
    );
    this.#shared = {
      context: () => this.#context,
      listings: new Listings((passed) => this.passed.push(passed)),
      memory: new SessionMemory(this.clock),
      patience: new Patience(this.clock),
      counters: this.counters,
      onRemoval: (instances) => this.removed.push([...instances]),
    };
  }

  get context(): PresentContext {
    return this.#context;
  }

  /** Replaces the context and tells the sessions, as the facade does. */
  setContext(options: Partial<PresentOptions>, hides: readonly string[] = []): void {
    this.setContextQuietly(options, hides);
    this.pump();
  }

  /** As {@link setContext}, but no byte moves yet. */
  setContextQuietly(options: Partial<PresentOptions>, hides: readonly string[] = []): void {
    this.#context = context(options, hides);
    this.#shared.patience.forget(this.#context.isSettled);
    for (const client of this.clients) client.session?.contextChanged();
  }

  /** Connects a client through the facade, or straight (`direct`); `resume` takes up the session of another. */
  connect(kind: "facade" | "direct", resume?: LinkedClient): LinkedClient {
    const client = this.connectQuietly(kind, resume);
    this.pump();
    return client;
  }

  /** As {@link connect}, but no byte moves yet. */
  connectQuietly(kind: "facade" | "direct", resume?: LinkedClient): LinkedClient {
    const session = kind === "facade" ? new FacadeSession(this.#shared, DEFAULT_LIMITS, CLIENT) : undefined;
    const client = new LinkedClient(this, session, resume);
    this.clients.push(client);
    return client;
  }

  /** Moves bytes until none move. */
  pump(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const client of this.clients) moved = client.step("up") || client.step("down") || moved;
    }
  }
}

function context(options: Partial<PresentOptions>, hides: readonly string[]): PresentContext {
  return {
    ...createPresentContext({ addresses: PROXIES, ...options }),
    hidesInstance: (_, instance) => hides.includes(instance),
  };
}

/** A client of the registry, with or without the facade between. `seen` is what it got, in order, one line each. */
export class LinkedClient implements Peer {
  readonly address = CLIENT;
  readonly session: FacadeSession | undefined;
  readonly seen: string[] = [];
  readonly #link: FacadeLink;
  readonly #machine: ZooKeeperClientMachine;
  readonly #server: ZooKeeperServerMachine;
  readonly #answers = new Map<number, Answer>();
  onEvent: (type: string, path: string) => void = () => {};
  sessionId = 0n;
  password: Uint8Array = new Uint8Array(16);
  lastZxid = 0n;
  #xid = 0;
  #ended = false;

  constructor(link: FacadeLink, session: FacadeSession | undefined, resume: LinkedClient | undefined) {
    this.#link = link;
    this.session = session;
    const nowMs = link.clock.now();
    this.#machine = new ZooKeeperClientMachine({
      connect: {
        protocolVersion: 0,
        lastZxidSeen: resume?.lastZxid ?? 0n,
        timeoutMs: 10_000,
        sessionId: resume?.sessionId ?? 0n,
        password: resume?.password ?? new Uint8Array(16),
        readOnly: false,
      },
      handshakeTimeoutMs: 10_000,
      maxPacketBytes: 1 << 22,
      nowMs,
    });
    this.#server = new ZooKeeperServerMachine({ maxPacketBytes: 1 << 20, handshakeTimeoutMs: 10_000, nowMs });
  }

  send(out: Parameters<Peer["send"]>[0]): void {
    this.#server.send(out, this.#link.clock.now());
  }

  end(): void {
    this.#ended = true;
  }

  /** Cuts the connection; the session lives on. */
  disconnect(): void {
    this.#link.registry.gone(this);
    this.session?.end();
    this.#ended = true;
    this.#link.clients.splice(this.#link.clients.indexOf(this), 1);
  }

  /** Moves what waits in one direction, all of it; false when nothing did. */
  step(direction: "up" | "down"): boolean {
    const nowMs = this.#link.clock.now();
    if (direction === "up") {
      const out = this.#machine.takeOutput();
      if (out.length > 0) this.#up(out);
      const bytes = this.#toServer.splice(0);
      for (const chunk of bytes) for (const event of this.#server.receive(chunk, nowMs)) this.#serve(event);
      return bytes.length > 0;
    }
    const bytes = this.#server.takeOutput();
    if (bytes.length > 0) {
      if (this.session === undefined) this.#toClient.push(bytes);
      else this.session.fromServer(bytes);
    }
    this.#collect();
    const chunks = this.#toClient.splice(0);
    for (const chunk of chunks) for (const event of this.#machine.receive(chunk, nowMs)) this.#take(event);
    return bytes.length > 0 || chunks.length > 0;
  }

  readonly #toServer: Uint8Array[] = [];
  readonly #toClient: Uint8Array[] = [];

  #up(bytes: Uint8Array): void {
    if (this.session === undefined) this.#toServer.push(bytes);
    else this.session.fromClient(bytes);
    this.#collect();
  }

  #collect(): void {
    if (this.session === undefined) return;
    this.#toServer.push(...this.session.takeToServer());
    this.#toClient.push(...this.session.takeToClient());
  }

  #serve(event: ReturnType<ZooKeeperServerMachine["receive"]>[number]): void {
    const { registry, clock } = this.#link;
    if (this.#ended) return;
    if (event.type === "connect") registry.connect(this, event.request, clock.now());
    else if (event.type === "request" || event.type === "malformed") registry.handle(this, event, clock.now());
  }

  #take(event: ClientEvent): void {
    if (event.type === "connected") {
      this.sessionId = event.response.sessionId;
      this.password = event.response.password;
    } else if (event.type === "event") {
      const name = Object.entries(EVENT_TYPES).find(([, code]) => code === event.event.type)?.[0] ?? "?";
      this.seen.push(`${name} ${event.event.path}`);
      this.onEvent(name, event.event.path);
    } else if (event.type === "reply") {
      if (event.header.zxid > this.lastZxid) this.lastZxid = event.header.zxid;
      this.#answers.set(event.header.xid, { err: event.header.err, reply: event.reply });
      this.seen.push(`reply ${event.header.xid}`);
    }
  }

  /** Sends a request without moving bytes; its xid. */
  ask(request: Request, xid = ++this.#xid): number {
    this.#machine.send({ xid, request }, this.#link.clock.now());
    return xid;
  }

  /** The answer to a request, once it is there. */
  answer(xid: number): Answer | undefined {
    return this.#answers.get(xid);
  }

  /** Sends a request, moves bytes until all is quiet, gives the answer. Throws when there is none. */
  call(request: Request, xid?: number): Answer {
    const sent = this.ask(request, xid);
    this.#link.pump();
    const answer = this.#answers.get(sent);
    if (answer === undefined) throw new Error(`no answer to ${request.op}`);
    return answer;
  }

  children(path: string, watch = false): readonly string[] {
    const { reply, err } = this.call({ op: "getChildren2", path, watch });
    if (reply?.op !== "getChildren2") throw new Error(`getChildren2 ${path} answered ${err}`);
    return reply.children;
  }

  stat(path: string, watch = false): Stat | undefined {
    const { reply } = this.call({ op: "exists", path, watch });
    return reply?.op === "exists" ? reply.stat : undefined;
  }

  create(path: string, ephemeral = true, data = new Uint8Array(0)): number {
    const flags = ephemeral ? CREATE_MODES.ephemeral : CREATE_MODES.persistent;
    return this.call({ op: "create", path, data, acl: OPEN_ACL, flags }).err;
  }

  remove(path: string): number {
    return this.call({ op: "delete", path, version: -1 }).err;
  }

  /** Makes the directories of the tests. */
  layOut(): this {
    const paths = ["/dubbo", `/dubbo/${IFACE}`, PROVIDERS, `/dubbo/${IFACE}/consumers`, "/services", INSTANCES];
    for (const path of paths) this.create(path, false);
    return this;
  }

  /** The events since the last call, without replies. */
  events(): string[] {
    return this.seen.splice(0).filter((line) => !line.startsWith("reply"));
  }
}
