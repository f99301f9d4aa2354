import type { ServerEvent, ServerOut } from "../../codecs/zookeeper/connection.ts";
import { ERRORS, EVENT_STATES, EVENT_TYPES, OPS, WATCHER_TYPES, XIDS } from "../../codecs/zookeeper/constants.ts";
import type { ConnectRequest } from "../../codecs/zookeeper/records.ts";
import type { Reply } from "../../codecs/zookeeper/replies.ts";
import type { AuthRequest, Request, SetWatchesRequest } from "../../codecs/zookeeper/requests.ts";
import { ZooKeeperError, zooKeeperError } from "../../codecs/zookeeper/status.ts";
import { digestIdentity, type Identity } from "./acl.ts";
import { answerRead, type ReadContext } from "./reads.ts";
import { type SessionLimits, Sessions } from "./sessions.ts";
import { type Change, Tree, type TreeLimits } from "./tree.ts";
import { Watches } from "./watches.ts";
import { applyWrite, isWrite, type WriteRequest } from "./writes.ts";

/**
 * An in-memory ZooKeeper server without sockets: connections hand in what their machines reported, and get answers and events.
 * One standalone 3.8 server is what it behaves as, down to which requests use up a zxid.
 */

/** One client's connection, as the registry sees it. */
export interface Peer {
  /** Where the client comes from, an IP address. */
  readonly address: string;
  send(out: ServerOut): void;
  /** Flush what was sent, then close. */
  end(): void;
}

/** What the registry may grow to. */
export interface RegistryLimits extends TreeLimits, SessionLimits {
  /** Watched paths of one connection. */
  readonly maxWatchesPerPeer: number;
  /** How often containers without children are looked for, ms. */
  readonly containerCheckMs: number;
}

/** What stands behind one open connection. */
interface Attached {
  readonly session: bigint;
  identities: readonly Identity[];
}

/** How many names a connection may prove to have. */
const MAX_IDENTITIES = 32;

/** The registry itself. All methods take the time, ms since 1970. */
export class Registry {
  readonly tree: Tree;
  readonly watches: Watches<Peer>;
  readonly sessions: Sessions;
  readonly limits: RegistryLimits;
  readonly #peers = new Map<Peer, Attached>();
  readonly #bySession = new Map<bigint, Peer>();
  #zxid = 0n;
  #containersDueMs: number;
  #received = 0;
  #sent = 0;

  constructor(limits: RegistryLimits, nowMs: number, randomBytes: (count: number) => Uint8Array) {
    this.limits = limits;
    this.tree = new Tree(limits);
    this.watches = new Watches(limits.maxWatchesPerPeer);
    this.sessions = new Sessions(limits, nowMs, randomBytes);
    this.#containersDueMs = nowMs + limits.containerCheckMs;
  }

  /** The last change's number. */
  get zxid(): bigint {
    return this.#zxid;
  }

  /** Packets taken and given since the start. */
  get traffic(): { readonly received: number; readonly sent: number } {
    return { received: this.#received, sent: this.#sent };
  }

  /** Connections that have a session, with it. */
  attached(): Iterable<readonly [Peer, bigint]> {
    return [...this.#peers].map(([peer, { session }]) => [peer, session] as const);
  }

  /** Answers a connection's first packet: a new session, an old one taken up, or the news that it is gone. */
  connect(peer: Peer, request: ConnectRequest, nowMs: number): void {
    this.#received++;
    // Whoever has seen more than we know must find another server, and is told so by a close alone.
    if (request.lastZxidSeen > this.#zxid) {
      peer.end();
      return;
    }
    const isNew = request.sessionId === 0n;
    const session = isNew
      ? this.sessions.create(request.timeoutMs, nowMs)
      : this.sessions.reopen(request.sessionId, request.password, request.timeoutMs, nowMs);
    const readOnly = request.readOnly === undefined ? undefined : false;
    if (session === undefined) {
      if (!isNew) {
        const response = { protocolVersion: 0, timeoutMs: 0, sessionId: 0n, password: new Uint8Array(16), readOnly };
        this.#send(peer, { type: "connected", response });
      }
      peer.end();
      return;
    }
    if (isNew) this.#zxid++;
    const older = this.#bySession.get(session.id);
    if (older !== undefined) {
      this.gone(older);
      older.end();
    }
    this.#peers.set(peer, { session: session.id, identities: [{ scheme: "ip", id: peer.address }] });
    this.#bySession.set(session.id, peer);
    const { id: sessionId, password, timeoutMs } = session;
    this.#send(peer, { type: "connected", response: { protocolVersion: 0, timeoutMs, sessionId, password, readOnly } });
  }

  /** Answers a request of an open connection. */
  handle(peer: Peer, event: Extract<ServerEvent, { type: "request" | "malformed" }>, nowMs: number): void {
    const attached = this.#peers.get(peer);
    if (attached === undefined) return;
    this.#received++;
    this.sessions.touch(attached.session, nowMs);
    if (event.type === "malformed") {
      this.#refuse(peer, event.xid, event.op);
      return;
    }
    try {
      this.#answer(peer, attached, event.xid, event.request, nowMs);
    } catch (error) {
      if (!(error instanceof ZooKeeperError)) throw error;
      this.#reply(peer, event.xid, undefined, error.code);
    }
  }

  /** Forgets a connection that is closed; its session lives on. */
  gone(peer: Peer): void {
    const attached = this.#peers.get(peer);
    if (attached === undefined) return;
    this.#peers.delete(peer);
    this.watches.drop(peer);
    if (this.#bySession.get(attached.session) === peer) this.#bySession.delete(attached.session);
  }

  /** Ends overdue sessions and removes containers that have lost their last child. */
  tick(nowMs: number): void {
    for (const session of this.sessions.expire(nowMs)) this.#dropSession(session.id, nowMs)?.end();
    if (nowMs < this.#containersDueMs) return;
    this.#containersDueMs = nowMs + this.limits.containerCheckMs;
    for (const path of this.tree.emptyContainers()) {
      this.tree.delete(path, -1, { zxid: ++this.#zxid, timeMs: nowMs }, () => {});
      this.#fire({ type: "deleted", path });
    }
  }

  #answer(peer: Peer, attached: Attached, xid: number, request: Request, nowMs: number): void {
    switch (request.op) {
      case "ping":
        this.#reply(peer, xid, { op: "ping" });
        return;
      case "auth":
        this.#authenticate(peer, attached, request);
        return;
      case "sasl":
        // A server without a login configuration answers with no token, and lets the client be.
        this.#send(peer, {
          type: "reply",
          header: { xid, zxid: 0n, err: 0 },
          reply: { op: "sasl", token: null },
        });
        return;
      case "closeSession":
        this.sessions.close(attached.session);
        this.#dropSession(attached.session, nowMs);
        this.#reply(peer, xid, { op: "closeSession" });
        peer.end();
        return;
      case "setWatches":
      case "setWatches2":
        this.#setWatches(peer, request);
        this.#reply(peer, xid, { op: request.op });
        return;
      case "addWatch":
        if (request.mode !== 0 && request.mode !== 1) throw zooKeeperError("marshallingError", request.path);
        this.watches.addPersistent(request.path, peer, request.mode === 1);
        this.#reply(peer, xid, { op: "addWatch", err: 0 });
        return;
      case "checkWatches":
      case "removeWatches":
        this.#useWatches(peer, request);
        this.#reply(peer, xid, { op: request.op });
        return;
      case "reconfig":
        this.#zxid++;
        throw zooKeeperError("reconfigDisabled");
      default:
        if (isWrite(request)) {
          this.#write(peer, attached, xid, request, nowMs);
          return;
        }
        this.#reply(peer, xid, answerRead(request, this.#readContext(peer, attached)));
        return;
    }
  }

  #write(peer: Peer, attached: Attached, xid: number, request: WriteRequest, nowMs: number): void {
    const context = { ...attached, tree: this.tree, txn: { zxid: ++this.#zxid, timeMs: nowMs } };
    const { reply, changes } = applyWrite(request, context);
    for (const change of changes) this.#fire(change);
    this.#reply(peer, xid, reply);
  }

  #readContext(peer: Peer, { session, identities }: Attached): ReadContext {
    return {
      tree: this.tree,
      session,
      identities,
      watchData: (path) => this.watches.addData(path, peer),
      watchChildren: (path) => this.watches.addChildren(path, peer),
    };
  }

  #authenticate(peer: Peer, attached: Attached, { scheme, auth }: AuthRequest): void {
    const err = scheme === "digest" || scheme === "ip" ? 0 : ERRORS.authFailed;
    this.#send(peer, { type: "reply", header: { xid: XIDS.auth, zxid: 0n, err } });
    if (err !== 0) {
      peer.end();
      return;
    }
    if (scheme === "ip" || attached.identities.length >= MAX_IDENTITIES) return;
    const proven = digestIdentity(auth ?? new Uint8Array(0));
    if (attached.identities.some(({ id }) => id === proven.id)) return;
    attached.identities = [proven, ...attached.identities];
  }

  /** Takes up a client's watches after a lost connection; what changed since is told at once. */
  #setWatches(peer: Peer, { relativeZxid, data, exist, child, persistent, recursive }: SetWatchesRequest): void {
    for (const path of data) {
      const stat = this.tree.stat(path);
      if (stat === undefined) this.#notify(peer, EVENT_TYPES.deleted, path);
      else if (stat.mzxid > relativeZxid) this.#notify(peer, EVENT_TYPES.dataChanged, path);
      else this.watches.addData(path, peer);
    }
    for (const path of exist) {
      if (this.tree.stat(path) !== undefined) this.#notify(peer, EVENT_TYPES.created, path);
      else this.watches.addData(path, peer);
    }
    for (const path of child) {
      const stat = this.tree.stat(path);
      if (stat === undefined) this.#notify(peer, EVENT_TYPES.deleted, path);
      else if (stat.pzxid > relativeZxid) this.#notify(peer, EVENT_TYPES.childrenChanged, path);
      else this.watches.addChildren(path, peer);
    }
    for (const path of persistent) this.watches.addPersistent(path, peer, false);
    for (const path of recursive) this.watches.addPersistent(path, peer, true);
  }

  #useWatches(peer: Peer, { op, path, type }: Extract<Request, { op: "checkWatches" | "removeWatches" }>): void {
    if (type < WATCHER_TYPES.children || type > WATCHER_TYPES.any) throw zooKeeperError("marshallingError", path);
    const found = op === "removeWatches" ? this.watches.remove(path, peer, type) : this.watches.has(path, peer, type);
    if (!found) throw zooKeeperError("noWatcher", path);
  }

  /** Answers what could not be read: an operation that is known with -5, another with -6 and a close, as servers do. */
  #refuse(peer: Peer, xid: number, op: number): void {
    if (KNOWN_OPS.has(op)) {
      if (NUMBERED_OPS.has(op)) this.#zxid++;
      this.#reply(peer, xid, undefined, ERRORS.marshallingError);
      return;
    }
    this.#send(peer, { type: "reply", header: { xid, zxid: -1n, err: ERRORS.unimplemented } });
    peer.end();
  }

  /** Removes what a session leaves; returns its connection, if it had one. */
  #dropSession(session: bigint, nowMs: number): Peer | undefined {
    const txn = { zxid: ++this.#zxid, timeMs: nowMs };
    for (const path of this.tree.dropSession(session, txn)) this.#fire({ type: "deleted", path });
    const peer = this.#bySession.get(session);
    if (peer !== undefined) this.gone(peer);
    return peer;
  }

  #fire(change: Change): void {
    for (const { watcher, type, path } of this.watches.fire(change)) this.#notify(watcher, type, path);
  }

  #notify(peer: Peer, type: number, path: string): void {
    this.#send(peer, { type: "event", event: { type, state: EVENT_STATES.connected, path } });
  }

  #reply(peer: Peer, xid: number, reply: Reply | undefined, err = 0): void {
    this.#send(peer, { type: "reply", header: { xid, zxid: this.#zxid, err }, reply });
  }

  #send(peer: Peer, out: ServerOut): void {
    this.#sent++;
    peer.send(out);
  }
}

const KNOWN_OPS: ReadonlySet<number> = new Set(
  Object.values(OPS).filter((code) => code > 0 && code !== OPS.deleteContainer),
);

/** Operations that use up a zxid, whether they succeed or not. */
const NUMBERED_OPS: ReadonlySet<number> = new Set([
  OPS.create,
  OPS.create2,
  OPS.createContainer,
  OPS.createTTL,
  OPS.delete,
  OPS.setData,
  OPS.setACL,
  OPS.check,
  OPS.multi,
  OPS.reconfig,
]);
