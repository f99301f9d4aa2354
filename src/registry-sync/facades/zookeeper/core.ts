import { ProtocolError } from "../../../base/errors.ts";
import { ERRORS } from "../../../codecs/zookeeper/constants.ts";
import { PROTOCOL } from "../../../codecs/zookeeper/jute.ts";
import type { ReplyHeader } from "../../../codecs/zookeeper/records.ts";
import type { AuthRequest, Request } from "../../../codecs/zookeeper/requests.ts";
import { type DubboUrl, interfaceOf } from "../../dubbo/url.ts";
import { ANYBODY, type Asker, PASSES, type Speech, speechOf, withSpeech } from "../../present/asker.ts";
import type { PresentContext } from "../../present/context.ts";
import { type Directory, directoryAt } from "../../present/directory.ts";
import type { OnLogin } from "../logins.ts";
import type { Patience } from "../patience.ts";
import type { FacadeCounters } from "./counters.ts";
import type { Listing, Listings } from "./listings.ts";
import type { Remembered, SessionMemory } from "./memory.ts";
import { Outbox } from "./outbox.ts";
import { replyHeader, requestPacket } from "./packets.ts";
import { instancesAt } from "./removals.ts";
import { Tracked } from "./tracked.ts";

/** What all sessions of a facade share. */
export interface FacadeShared {
  context(): PresentContext;
  readonly listings: Listings;
  readonly memory: SessionMemory;
  readonly patience: Patience;
  readonly counters: FacadeCounters;
  /** Hears of provider instances (`address:port`) that a client took out on purpose. */
  readonly onRemoval?: (instances: readonly string[]) => void;
  readonly onLogin?: OnLogin;
}

/** Gets the reply to one request and puts into the outbox what the client is to see of it. */
export type ReplyHandler = (packet: Uint8Array, header: ReplyHeader) => void;

/** Requests of a client that may be unanswered before no more are read from it. */
export const MAX_PENDING = 4_096;
/** Watches below presented directories, and watched directories, that one session may have. */
export const MAX_WATCHES = 200_000;

/** Broadcasting consumers that one session may have. */
const MAX_UNLED = 1_000;
/** Interfaces of which is kept what one session's consumers take; of more, what is shown to anybody is. */
const MAX_CALLED = 20_000;

/** Applications that one session may be; of more, the rest are not asked for. */
const MAX_APPLICATIONS = 16;

/** Users that one connection may be. */
const MAX_LOGINS = 8;

/** Own requests have xids from here downward; order alone matches replies, so a client may use the same. */
const FIRST_OWN_XID = -1_000_000;

/** A data watch of a client on a mapping, and what it was shown. */
export interface WatchedMapping {
  readonly interfaceName: string;
  /** What the facade added, joined. */
  readonly added: string;
  /** Whether the registry has the node. */
  readonly isReal: boolean;
}

interface Pending {
  readonly xid: number;
  readonly onReply: ReplyHandler | undefined;
  /** The presented directory whose list the reply is. */
  readonly lists: Directory | undefined;
}

/**
 * The two orders of a session and what it knows: requests to the server with their replies, which come in the same order, and
 * what goes to the client. Requests of its own are slipped in between the client's; their replies are swallowed.
 */
export class SessionCore {
  readonly shared: FacadeShared;
  readonly outbox = new Outbox();
  readonly tracked = new Map<string, Tracked>();
  /** Mappings that the client has a data watch on, by path. */
  readonly mappings = new Map<string, WatchedMapping>();
  /** Paths with a persistent recursive watch of the client. */
  readonly recursive = new Set<string>();
  /** Hidden nodes that this session made: it finds them, others do not. */
  readonly own = new Set<string>();
  unled: readonly DubboUrl[] = [];
  /** By interface: what the session's consumers take. */
  readonly speaks = new Map<string, readonly Speech[]>();
  /** The client's IP address; `""` where it is not known. */
  readonly #address: string;
  /** The applications that it says to be, by what it registers. */
  readonly applications = new Set<string>();
  readonly #logins: (() => void)[] = [];
  #passes: { readonly context: PresentContext; readonly size: number; readonly passes: boolean } | undefined;
  sessionId = 0n;
  remembered: Remembered | undefined;
  #pending: Pending[] = [];
  #pendingStart = 0;
  #toServer: Uint8Array[] = [];
  #nextOwnXid = FIRST_OWN_XID;

  /** `address` is the client's. */
  constructor(shared: FacadeShared, address = "") {
    this.shared = shared;
    this.#address = address;
  }

  /** The client says who it is: `digest` with `user:password`. */
  noteLogin({ scheme, auth }: AuthRequest): void {
    const [, username = "", password = ""] = /^([^:]+):(.*)$/s.exec(Buffer.from(auth ?? []).toString("utf8")) ?? [];
    if (scheme !== "digest" || username === "" || this.#logins.length >= MAX_LOGINS) return;
    const answer = this.shared.onLogin?.({ address: this.#address, username, password });
    if (answer === "wrong") this.shared.counters.loginsRefused++;
    if (typeof answer === "function") this.#logins.push(answer);
  }

  /** The connection is gone, and with it what the client said of itself. */
  logOut(): void {
    for (const leave of this.#logins.splice(0)) leave();
  }

  /** Whether the client is shown what the registry has, by its address or an application that it is. */
  get passes(): boolean {
    const { context, applications } = this;
    if (this.#passes?.context !== context || this.#passes.size !== applications.size) {
      const at = this.#address === "" ? {} : { address: this.#address };
      const passes = [at, ...[...applications].map((application) => ({ ...at, application }))];
      this.#passes = { context, size: applications.size, passes: passes.some((one) => context.passesClient(one)) };
    }
    return this.#passes.passes;
  }

  /** Notes that the client is this application; whether it is to be shown everything otherwise now. */
  addApplication(name: string): boolean {
    const before = this.passes;
    if (name !== "" && this.applications.size < MAX_APPLICATIONS) this.applications.add(name);
    return this.passes !== before;
  }

  get context(): PresentContext {
    return this.shared.context();
  }

  get pendingCount(): number {
    return this.#pending.length - this.#pendingStart;
  }

  takeToServer(): Uint8Array[] {
    const packets = this.#toServer;
    this.#toServer = [];
    return packets;
  }

  /** Sends a packet that has no place in the order of replies (handshake, ping, auth). */
  sendLoose(packet: Uint8Array): void {
    this.#toServer.push(packet);
  }

  /** Sends a packet of the client; without `onReply` its reply goes to the client as it is. `lists` marks a list's getChildren2. */
  forward(packet: Uint8Array, xid: number, onReply?: ReplyHandler, lists?: Directory): void {
    this.#toServer.push(packet);
    this.#pending.push({ xid, onReply, lists });
  }

  /** Sends a request of our own. */
  inject(request: Request, onReply: ReplyHandler, lists?: Directory): void {
    const xid = this.#nextOwnXid;
    this.#nextOwnXid = xid - 1 < -0x7fff_ffff ? FIRST_OWN_XID : xid - 1;
    this.shared.counters.injected++;
    this.forward(requestPacket(xid, request), xid, onReply, lists);
  }

  /** Whether the next reply, which must be this one, is a list that waits for the proxies to be told of something in it. */
  mustWait(packet: Uint8Array): boolean {
    const lists = this.#pending[this.#pendingStart]?.lists;
    if (lists === undefined || (lists.kind !== "providers" && lists.kind !== "instances")) return false;
    const listing = this.readListing(lists, packet, replyHeader(packet));
    return listing !== undefined && this.shared.patience.waitsFor(listing.presented.soon);
  }

  /** Takes the next reply of the server. Throws `ProtocolError` when it answers nothing that was asked next. */
  onReply(packet: Uint8Array): void {
    const header = replyHeader(packet);
    const next = this.#pending[this.#pendingStart];
    if (next === undefined || next.xid !== header.xid) {
      const wanted = next === undefined ? "none" : `xid ${next.xid}`;
      throw new ProtocolError(PROTOCOL, `zookeeper reply has xid ${header.xid} where ${wanted} was due`);
    }
    this.#pendingStart++;
    if (this.#pendingStart > 512) {
      this.#pending = this.#pending.slice(this.#pendingStart);
      this.#pendingStart = 0;
    }
    if (next.onReply === undefined) this.outbox.add(packet);
    else next.onReply(packet, header);
  }

  /** Reads a directory; `undefined` when the server would not say (no right to read). A missing directory is an empty one. */
  list(directory: Directory, watch: boolean, onListing: (listing: Listing | undefined) => void): void {
    const onReply: ReplyHandler = (packet, header) => {
      if (header.err === 0 && watch) {
        const tracked = this.tracked.get(directory.path);
        if (tracked !== undefined) tracked.upstreamArmed = true;
      }
      onListing(this.readListing(directory, packet, header));
    };
    this.inject({ op: "getChildren2", path: directory.path, watch }, onReply, directory);
  }

  readListing(directory: Directory, packet: Uint8Array, header: ReplyHeader): Listing | undefined {
    const asker = this.askerIn(directory);
    if (header.err === 0) return this.shared.listings.read(directory, packet, this.context, asker);
    if (header.err !== ERRORS.noNode) return undefined;
    return this.shared.listings.make(directory, [], undefined, this.context, asker);
  }

  /** What the session's consumers say of a directory's interface; nearly all say nothing there. */
  askerIn({ kind, name }: Directory): Asker {
    if (this.passes) return PASSES;
    const unled = kind === "providers" || kind === "routers" ? this.unled : ANYBODY.unled;
    const speaks = (kind === "providers" ? this.speaks.get(name) : undefined) ?? ANYBODY.speaks;
    return unled.length === 0 && speaks === ANYBODY.speaks ? ANYBODY : { unled, speaks };
  }

  track(directory: Directory): Tracked {
    let tracked = this.tracked.get(directory.path);
    if (tracked === undefined) {
      if (this.tracked.size >= MAX_WATCHES) throw tooMany("watched directories");
      tracked = new Tracked(directory);
      this.tracked.set(directory.path, tracked);
    }
    if (tracked.nodes.size >= MAX_WATCHES) throw tooMany("watched nodes");
    return tracked;
  }

  /** What is known of a directory that a path is or stands below, when it is watched. */
  trackedAt(path: string): Tracked | undefined {
    const known = this.tracked.get(path);
    if (known !== undefined || !this.coveredRecursively(path)) return known;
    const directory = directoryAt(path, this.context);
    return directory === undefined ? undefined : this.track(directory);
  }

  /** The context by which a directory's events are judged: the older one while some wait that came under it. */
  contextOf(tracked: Tracked | undefined): PresentContext {
    return tracked?.heldContext ?? this.context;
  }

  coveredRecursively(path: string): boolean {
    if (this.recursive.size === 0) return false;
    for (let at = path; ; at = at.slice(0, at.lastIndexOf("/"))) {
      if (this.recursive.has(at === "" ? "/" : at)) return true;
      if (at === "") return false;
    }
  }

  owns(path: string): boolean {
    return this.own.has(path);
  }

  /** Notes a hidden node as the session's own; throws `ProtocolError` over the limit. */
  addOwn(path: string): void {
    if (this.own.size >= MAX_WATCHES) throw tooMany("nodes of its own");
    this.own.add(path);
  }

  /** A client deleted these nodes, or ended its session that made them: tells who wants to know which providers left on purpose. */
  noteRemoval(paths: Iterable<string>): void {
    const { onRemoval } = this.shared;
    const instances = onRemoval === undefined ? [] : instancesAt(paths, this.context);
    if (instances.length > 0) onRemoval?.(instances);
  }

  /**
   * Notes a consumer that the session registers; whether the session may be shown its interface otherwise now. Past the bounds the
   * oldest broadcasting one is forgotten, and what others take is not noted.
   */
  addConsumer(consumer: DubboUrl): boolean {
    if (consumer.params["cluster"] === "broadcast") {
      this.unled = [...this.unled, consumer].slice(-MAX_UNLED);
      return true;
    }
    const name = interfaceOf(consumer);
    const known = this.speaks.get(name) ?? ANYBODY.speaks;
    if (known === ANYBODY.speaks && this.speaks.size >= MAX_CALLED) return false;
    const speaks = withSpeech(known, speechOf(consumer));
    this.speaks.set(name, speaks);
    return speaks !== known;
  }
}

function tooMany(what: string): ProtocolError {
  return new ProtocolError(PROTOCOL, `zookeeper session has over ${MAX_WATCHES} ${what}`);
}
