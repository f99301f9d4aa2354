import { printAddress } from "../../../base/address.ts";
import { type Clock, realClock, type Timer } from "../../../base/clock.ts";
import { TransientError } from "../../../base/errors.ts";
import { type Logger, silentLogger } from "../../../base/log.ts";
import type { ClientEvent } from "../../../codecs/zookeeper/connection.ts";
import { ERRORS, XIDS } from "../../../codecs/zookeeper/constants.ts";
import type { ReplyHeader, WatcherEvent } from "../../../codecs/zookeeper/records.ts";
import type { Reply } from "../../../codecs/zookeeper/replies.ts";
import type { Request } from "../../../codecs/zookeeper/requests.ts";
import { ZooKeeperError } from "../../../codecs/zookeeper/status.ts";
import type { ServerAddress } from "./address.ts";
import { ArmedWatches } from "./armed.ts";
import { shownReply, withChroot, withoutChroot } from "./chroot.ts";
import { Link, type LinkEnd, type LinkOptions, type ServerLink } from "./link.ts";

/** Whom a client talks to, and how; what is not given has a default that suits a registry. */
export interface SessionOptions {
  readonly servers: readonly ServerAddress[];
  /** Prefix of every path; empty for none. */
  readonly chroot?: string;
  /** Proven to the server on every connection. The password is never logged. */
  readonly auth?: { readonly username: string; readonly password: string } | undefined;
  /** What to ask for, ms; the server decides. */
  readonly sessionTimeoutMs?: number;
  /** Requests on the wire at a time. */
  readonly maxOutstanding?: number;
  /** Requests that wait for their turn; over it they are refused. */
  readonly maxQueued?: number;
  /** The largest answer taken, bytes. Servers have no limit for what they send. */
  readonly maxPacketBytes?: number;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Told of each server that was tried and not to be had; not of a loss, which is a change of state. */
  readonly onFailed?: () => void;
  /** Opens a connection; over TCP unless a test has it otherwise. */
  readonly openLink?: (options: LinkOptions) => ServerLink;
  /** In [0, 1); for the order of servers and the jitter of pauses. */
  readonly random?: () => number;
}

/**
 * `connected`: requests are taken. `suspended`: the connection is lost, the session may live. `expired`: the session is gone, with
 * its ephemeral nodes; a new one is on its way. `closed`: for good.
 */
export type SessionState = "connecting" | "connected" | "suspended" | "expired" | "closed";

/** Told of each change of state; `isNewSession` says whether a `connected` is the first of its session. */
export type StateListener = (state: SessionState, isNewSession: boolean) => void;

/** How a request ended: exactly one of the two is there. */
export type Outcome =
  | { readonly reply: Reply; readonly error?: never }
  | { readonly error: Error; readonly reply?: never };

interface Asked {
  readonly request: Request;
  readonly done: (outcome: Outcome) => void;
}

const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;

/**
 * A client of one ensemble, with a session of its own that outlives connections, and with one more when that has expired. It keeps
 * trying its servers for ever, one after the other in a random order, with growing pauses between the rounds. Watches are set
 * again by itself after each reconnect, of the same session or a new one.
 *
 * While it is not `connected` requests fail at once with `TransientError`; so do those without an answer when a connection is lost,
 * and then it is not known whether they were done.
 */
export class ZooKeeperSession {
  readonly #servers: readonly ServerAddress[];
  readonly #chroot: string;
  readonly #auth: SessionOptions["auth"];
  readonly #askedTimeoutMs: number;
  readonly #maxOutstanding: number;
  readonly #maxQueued: number;
  readonly #maxPacketBytes: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #random: () => number;
  readonly #openLink: (options: LinkOptions) => ServerLink;
  readonly #onFailed: () => void;
  readonly #stateListeners = new Set<StateListener>();
  readonly #eventListeners = new Set<(event: WatcherEvent) => void>();
  readonly #armed = new ArmedWatches();
  readonly #outstanding = new Map<number, Asked>();
  /** Credentials given by `submit` and not yet answered; all of them carry the same xid. */
  readonly #auths: Asked[] = [];
  readonly #queue: Asked[] = [];
  #queueHead = 0;
  #state: SessionState = "connecting";
  #sessionId = 0n;
  #password: Uint8Array = new Uint8Array(16);
  #timeoutMs: number;
  #lastZxid = 0n;
  #xid = 0;
  /** Index of the server to try next, ever growing. */
  #server = 0;
  /** Connections that failed since the last good one. */
  #failures = 0;
  /** Since when servers have only closed on us without an answer. */
  #silentSinceMs: number | undefined;
  #isNew = false;
  #isRefused = false;
  #link: ServerLink | undefined;
  #retry: Timer | undefined;
  #lastError: string | undefined;

  constructor(options: SessionOptions) {
    this.#random = options.random ?? Math.random;
    this.#openLink = options.openLink ?? ((link) => new Link(link));
    this.#onFailed = options.onFailed ?? (() => {});
    this.#servers = shuffled(options.servers, this.#random);
    this.#chroot = options.chroot ?? "";
    this.#auth = options.auth;
    this.#askedTimeoutMs = options.sessionTimeoutMs ?? 30_000;
    this.#timeoutMs = this.#askedTimeoutMs;
    this.#maxOutstanding = options.maxOutstanding ?? 256;
    this.#maxQueued = options.maxQueued ?? 100_000;
    this.#maxPacketBytes = options.maxPacketBytes ?? 64 << 20;
    this.#clock = options.clock ?? realClock;
    this.#log = options.log ?? silentLogger;
    this.#open();
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Why a connection ended, or could not be made, last. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** 0 while there is none. */
  get sessionId(): bigint {
    return this.#sessionId;
  }

  /** What the server granted, ms. */
  get sessionTimeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Calls `listener` on each change of state; returns how to stop that. */
  onState(listener: StateListener): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Calls `listener` with each watch event, in the order of the wire between the outcomes of `submit`; returns how to stop that. */
  onEvent(listener: (event: WatcherEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  /** Resolves when the client is connected; rejects when it is closed, or `timeoutMs` is over. */
  connected(timeoutMs = 30_000): Promise<void> {
    if (this.#state === "connected") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const finish = (end: () => void) => {
        stop();
        timer.cancel();
        end();
      };
      const stop = this.onState((state) => {
        if (state === "connected") finish(resolve);
        else if (state === "closed") finish(() => reject(new TransientError("zookeeper client is closed")));
      });
      const timer = this.#clock.after(timeoutMs, () =>
        finish(() => reject(new TransientError(`no zookeeper server answered within ${timeoutMs} ms`))),
      );
    });
  }

  /**
   * Sends a request; `done` is called once with its outcome, synchronously and in the order of the wire, between the events: what
   * a promise, settled later, can't promise. Errors are `ZooKeeperError` or `TransientError`.
   */
  submit(request: Request, done: (outcome: Outcome) => void): void {
    if (this.#state !== "connected") {
      done({ error: new TransientError(`zookeeper client is ${this.#state}`) });
    } else if (request.op === "auth") {
      this.#auths.push({ request, done });
      this.#link?.send({ xid: XIDS.auth, request });
    } else if (this.#outstanding.size < this.#maxOutstanding) {
      this.#send({ request, done });
    } else if (this.#queue.length - this.#queueHead < this.#maxQueued) {
      this.#queue.push({ request, done });
    } else {
      done({ error: new TransientError(`over ${this.#maxQueued} zookeeper requests wait already`) });
    }
  }

  /** Ends the session on the server, where one is within reach, and the client for good. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    if (this.#state === "connected") {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(1000, resolve);
        this.#send({
          request: { op: "closeSession" },
          done: () => {
            timer.cancel();
            resolve();
          },
        });
      });
    }
    this.#enter("closed", false);
    this.#retry?.cancel();
    this.#link?.close("the client is closed");
    this.#failAll(new TransientError("zookeeper client is closed"));
  }

  #open(): void {
    const server = this.#servers[this.#server % this.#servers.length];
    this.#link = this.#openLink({
      server,
      clock: this.#clock,
      connect: {
        protocolVersion: 0,
        lastZxidSeen: this.#lastZxid,
        timeoutMs: this.#askedTimeoutMs,
        sessionId: this.#sessionId,
        password: this.#password,
        readOnly: false,
      },
      // All servers get a try within the session's time.
      handshakeTimeoutMs: Math.max(500, Math.floor(this.#timeoutMs / this.#servers.length / 2)),
      maxPacketBytes: this.#maxPacketBytes,
      onEvent: (event) => this.#handle(event, server),
      onClose: (end) => this.#lost(end, server),
    });
  }

  #handle(event: ClientEvent, server: ServerAddress): void {
    switch (event.type) {
      case "connected": {
        const { sessionId, password, timeoutMs } = event.response;
        this.#isNew = sessionId !== this.#sessionId;
        this.#sessionId = sessionId;
        this.#password = password;
        this.#timeoutMs = timeoutMs;
        this.#silentSinceMs = undefined;
        this.#restore();
        if (this.#auth === undefined) this.#enterConnected(server);
        return;
      }
      case "expired":
        this.#dropSession("the server says that it has expired");
        return;
      case "reply":
        if (event.header.xid === XIDS.auth) this.#authenticated(event.header, server);
        else this.#reply(event.header, event.reply);
        return;
      case "event": {
        this.#armed.fired(event.event);
        const { path, ...rest } = event.event;
        const shown = { ...rest, path: withoutChroot(path, this.#chroot) };
        for (const listener of this.#eventListeners) listener(shown);
        return;
      }
      case "lost":
        return;
      default:
        event satisfies never;
    }
  }

  /** On a new connection, before anything else: who we are, and what we watch. */
  #restore(): void {
    if (this.#auth !== undefined) {
      const auth = new TextEncoder().encode(`${this.#auth.username}:${this.#auth.password}`);
      this.#link?.send({ xid: XIDS.auth, request: { op: "auth", type: 0, scheme: "digest", auth } });
    }
    for (const request of this.#armed.requests(this.#lastZxid)) this.#link?.send({ xid: XIDS.setWatches, request });
  }

  #authenticated(header: ReplyHeader, server: ServerAddress): void {
    if (this.#auth === undefined || this.#state === "connected") {
      const { done } = this.#auths.shift() ?? {};
      done?.(header.err === 0 ? { reply: { op: "auth" } } : { error: new ZooKeeperError(header.err) });
    } else if (header.err === 0) {
      this.#isRefused = false;
      this.#enterConnected(server);
    } else if (!this.#isRefused) {
      this.#isRefused = true;
      this.#log.error("zookeeper refused the user or password", { user: this.#auth?.username });
    }
  }

  #enterConnected(server: ServerAddress): void {
    const facts = { server: print(server), session: hex(this.#sessionId), timeoutMs: this.#timeoutMs };
    this.#log.info("zookeeper connected", { ...facts, isNew: this.#isNew });
    this.#failures = 0;
    this.#enter("connected", this.#isNew);
  }

  #reply(header: ReplyHeader, reply: Reply | undefined): void {
    if (header.zxid > this.#lastZxid) this.#lastZxid = header.zxid;
    if (header.xid < 0) return;
    const asked = this.#outstanding.get(header.xid);
    if (asked === undefined) return;
    this.#outstanding.delete(header.xid);
    const path = "path" in asked.request ? withoutChroot(asked.request.path, this.#chroot) : "";
    if (header.err === 0) this.#armed.answered(asked.request);
    else if (header.err === ERRORS.noNode && asked.request.op === "exists") this.#armed.answered(asked.request, false);
    if (header.err !== 0 || reply === undefined) asked.done({ error: new ZooKeeperError(header.err, path) });
    else asked.done({ reply: shownReply(reply, this.#chroot) });
    this.#pump();
  }

  #send(asked: Asked): void {
    this.#xid = (this.#xid % 0x7fff_fffe) + 1;
    const request = withChroot(asked.request, this.#chroot);
    this.#outstanding.set(this.#xid, { request, done: asked.done });
    this.#link?.send({ xid: this.#xid, request });
  }

  #pump(): void {
    while (this.#queueHead < this.#queue.length && this.#outstanding.size < this.#maxOutstanding) {
      const next = this.#queue[this.#queueHead++];
      if (this.#queueHead > 4096 || this.#queueHead === this.#queue.length) {
        this.#queue.splice(0, this.#queueHead);
        this.#queueHead = 0;
      }
      this.#send(next);
    }
  }

  #lost({ reason, isSilent }: LinkEnd, server: ServerAddress): void {
    if (this.#state === "closed") return;
    this.#lastError = `${print(server)}: ${reason}`;
    if (this.#state === "connected") {
      this.#log.warn("zookeeper connection lost", { server: print(server), reason });
      this.#enter("suspended", false);
      this.#failAll(new TransientError(`zookeeper connection to ${print(server)} lost: ${reason}`));
      // The server closes behind a session that has expired: that is told already.
    } else if (this.#failures >= 0) this.#onFailed();
    if (isSilent) this.#forgetIfForgotten(this.#clock.now());
    this.#server++;
    this.#failures++;
    const rounds = Math.floor(this.#failures / this.#servers.length);
    const pauseMs = Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** Math.min(rounds, 10)) * (0.5 + this.#random() / 2);
    this.#log.debug("zookeeper server not to be had", { server: print(server), reason, pauseMs });
    this.#retry = this.#clock.after(pauseMs, () => this.#open());
  }

  /**
   * A server that was wiped closes without a word on a client that has seen more than it knows, and would for ever. When servers
   * have done that for longer than a session can live, nothing is lost by starting anew.
   */
  #forgetIfForgotten(nowMs: number): void {
    this.#silentSinceMs ??= nowMs;
    if (this.#lastZxid === 0n || nowMs - this.#silentSinceMs <= this.#timeoutMs) return;
    this.#lastZxid = 0n;
    this.#dropSession("no server knows what this client has seen; was it wiped?");
  }

  #dropSession(reason: string): void {
    this.#log.warn("zookeeper session expired", { session: hex(this.#sessionId), reason });
    this.#sessionId = 0n;
    this.#password = new Uint8Array(16);
    this.#failures = -1;
    this.#enter("expired", false);
  }

  #failAll(error: Error): void {
    const failed = [...this.#outstanding.values(), ...this.#auths.splice(0), ...this.#queue.slice(this.#queueHead)];
    this.#outstanding.clear();
    this.#queue.length = 0;
    this.#queueHead = 0;
    for (const asked of failed) asked.done({ error });
  }

  #enter(state: SessionState, isNewSession: boolean): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of [...this.#stateListeners]) listener(state, isNewSession);
  }
}

function shuffled<T>(values: readonly T[], random: () => number): readonly T[] {
  const order = [...values];
  for (let index = order.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [order[index], order[other]] = [order[other], order[index]];
  }
  return order;
}

function print({ host, port }: ServerAddress): string {
  return printAddress(host, port);
}

function hex(id: bigint): string {
  return `0x${BigInt.asUintN(64, id).toString(16)}`;
}
