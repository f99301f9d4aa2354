import { ProtocolError } from "../../../base/errors.ts";
import { ERRORS, OPS, opName, XIDS } from "../../../codecs/zookeeper/constants.ts";
import { fourLetterWord, PacketSplitter, packetBody } from "../../../codecs/zookeeper/frame.ts";
import { JuteReader, PROTOCOL } from "../../../codecs/zookeeper/jute.ts";
import { type ReplyHeader, readConnectRequest, readConnectResponse } from "../../../codecs/zookeeper/records.ts";
import { type AuthRequest, decodeRequest, peekRequest, type ReadRequest } from "../../../codecs/zookeeper/requests.ts";
import { interfaceOf, param, parseNodeName } from "../../dubbo/url.ts";
import { childAt, consumerNodeAt, type Directory, type DirectoryChild, directoryAt } from "../../present/directory.ts";
import { type FacadeShared, MAX_PENDING, SessionCore } from "./core.ts";
import { countBelow } from "./count.ts";
import { onContextChange, onEvent } from "./events.ts";
import { forwardMapping, tellMappings } from "./mappings.ts";
import { forwardMulti } from "./multi.ts";
import { readChild, readDirectoryStat, readList } from "./reads.ts";
import { StandIns } from "./stand-ins.ts";
import { addWatch, changeWatches, setWatches } from "./watches.ts";

/** Largest packets that are carried; bytes, without the length. */
export interface PacketLimits {
  readonly maxRequestBytes: number;
  readonly maxReplyBytes: number;
}

/** What the limits are unless told: a server's own for what it reads, and far over any client's for what it sends. */
export const DEFAULT_LIMITS: PacketLimits = { maxRequestBytes: 0xfffff + 1024, maxReplyBytes: 64 * 1024 * 1024 };

/** Bytes that may wait behind an event whose truth is being asked. */
const MAX_HELD_BYTES = 128 * 1024 * 1024;

/** Bytes of the server that may wait for the proxies before no more are read. */
const MAX_STALLED_BYTES = 4 * 1024 * 1024;

/**
 * One client session between an unmodified client and a real server, as a machine without I/O: bytes of either side in, bytes for
 * either side out. Handshake, credentials and everything about paths that are not presented pass byte for byte, so the session,
 * its zxids, ephemerals and rights are the server's own; only answers and events about presented directories and the nodes right
 * below them are changed, and a few reads are slipped in to know them.
 */
export class FacadeSession {
  readonly #core: SessionCore;
  readonly #standIns: StandIns;
  readonly #fromClient: PacketSplitter;
  readonly #fromServer: PacketSplitter;
  #mode: "new" | "word" | "session" = "new";
  #first: Uint8Array = new Uint8Array(0);
  #greeted = false;
  #resumedId = 0n;
  #waiting: Uint8Array[] = [];
  #paused = false;
  /** What came from the server and waits for the proxies, in order. */
  readonly #stalled: Uint8Array[] = [];
  #stalledBytes = 0;
  /** Steps of a SASL exchange that the server has not answered. */
  readonly #saslXids = new Set<number>();

  /** `address` is the client's IP address; `""` where it is not known. */
  constructor(shared: FacadeShared, limits: PacketLimits = DEFAULT_LIMITS, address = "") {
    this.#core = new SessionCore(shared, address);
    this.#standIns = new StandIns(this.#core);
    this.#fromClient = new PacketSplitter(limits.maxRequestBytes);
    this.#fromServer = new PacketSplitter(limits.maxReplyBytes);
  }

  /** The server's name for the session; 0 until it is known. */
  get sessionId(): bigint {
    return this.#core.sessionId;
  }

  /** Whether the client has said what it wants (a handshake or a four-letter word). */
  get begun(): boolean {
    return this.#mode !== "new";
  }

  /** Whether the server has accepted a session. */
  get established(): boolean {
    return this.#core.sessionId !== 0n;
  }

  /** Whether more may be read from the client now. */
  get takesClientBytes(): boolean {
    return !this.#paused && this.#core.pendingCount < MAX_PENDING;
  }

  /** Bytes from the client. Throws `ProtocolError` when it breaks the protocol or a limit. */
  fromClient(chunk: Uint8Array): void {
    if (this.#mode === "new") {
      if (this.#first.length + chunk.length < 4) {
        this.#first = joined(this.#first, chunk);
        return;
      }
      const start = joined(this.#first, chunk);
      this.#mode = fourLetterWord(start) === undefined ? "session" : "word";
      this.#take(start);
    } else this.#take(chunk);
  }

  #take(chunk: Uint8Array): void {
    if (this.#mode === "word") {
      this.#core.sendLoose(chunk);
      return;
    }
    for (const packet of this.#fromClient.push(chunk)) {
      this.#core.shared.counters.packetsFromClients++;
      if (this.#paused) this.#waiting.push(packet);
      else this.#clientPacket(packet);
    }
  }

  /** Bytes from the server. Throws `ProtocolError` when it breaks the protocol or a limit. */
  fromServer(chunk: Uint8Array): void {
    if (this.#mode === "word") {
      this.#core.outbox.add(chunk);
      return;
    }
    for (const packet of this.#fromServer.push(chunk)) {
      this.#core.shared.counters.packetsFromServers++;
      if ((this.#stalled.length === 0 || isPing(packet)) && this.#serverPacket(packet)) continue;
      this.#stalled.push(packet);
      this.#stalledBytes += packet.length;
    }
    if (this.#core.outbox.heldBytes > MAX_HELD_BYTES) {
      throw new ProtocolError(PROTOCOL, `zookeeper replies held back are over the limit of ${MAX_HELD_BYTES} bytes`);
    }
  }

  /** Whether answers wait for the proxies to be told of a service; `tick` must be called until they do not. */
  get waits(): boolean {
    return this.#stalled.length > 0;
  }

  /** Whether more may be read from the server now. */
  get takesServerBytes(): boolean {
    return this.#stalledBytes < MAX_STALLED_BYTES;
  }

  /** Lets answers go that have waited long enough. */
  tick(): void {
    for (;;) {
      const [packet] = this.#stalled;
      if (packet === undefined || !this.#serverPacket(packet)) return;
      this.#stalled.shift();
      this.#stalledBytes -= packet.length;
    }
  }

  /** The context was replaced: the client is told of what it is shown otherwise now. */
  contextChanged(): void {
    if (!this.established) return;
    this.tick();
    this.#standIns.contextChanged();
    onContextChange(this.#core);
    tellMappings(this.#core);
  }

  takeToServer(): Uint8Array[] {
    return this.#core.takeToServer();
  }

  takeToClient(): Uint8Array[] {
    return this.#standIns.toClient(this.#core.outbox.take());
  }

  /** The connection is gone: keeps what the session's next connection has use for. */
  end(): void {
    const core = this.#core;
    core.logOut();
    if (core.sessionId === 0n) return;
    const shown = new Map(core.remembered?.shown ?? []);
    for (const [path, { presented, armed }] of core.tracked) {
      // Of a one-shot watch that stands we know that no event was sent which may have been lost on the way.
      if (armed && presented !== undefined) shown.set(path, presented);
      else shown.delete(path);
    }
    const { own, unled, speaks, applications } = core;
    const providers = this.#standIns.own;
    core.shared.memory.put(core.sessionId, { shown, own, unled, speaks, applications, providers });
  }

  #clientPacket(sent: Uint8Array): void {
    const core = this.#core;
    const packet = this.#greeted ? this.#standIns.toServer(sent) : sent;
    const body = packetBody(packet);
    if (!this.#greeted) {
      this.#greeted = true;
      const request = readConnectRequest(new JuteReader(body));
      this.#resumedId = request.sessionId;
      if (request.sessionId !== 0n) this.#remember(request.sessionId);
      core.sendLoose(packet);
      return;
    }
    const { xid, type, path } = peekRequest(body);
    // These three are answered past the order of the others.
    if (type === OPS.ping || type === OPS.auth || type === OPS.sasl) {
      if (type === OPS.sasl) this.#saslXids.add(xid);
      else if (type === OPS.auth && core.shared.onLogin !== undefined)
        core.noteLogin(decodeRequest(body).request as AuthRequest);
      core.sendLoose(packet);
    } else if (type === OPS.setWatches || type === OPS.setWatches2) setWatches(core, packet, xid);
    else if (type === OPS.multi || type === OPS.multiRead) {
      forwardMulti(core, packet, xid, (paused) => this.#pause(paused));
    } else if (path === undefined) {
      // Told at once: a client need not wait for the answer, and the server's events may come before it.
      if (type === OPS.closeSession) core.noteRemoval(core.own);
      core.forward(packet, xid);
    } else this.#pathRequest(packet, xid, type, path);
  }

  #pathRequest(packet: Uint8Array, xid: number, type: number, path: string): void {
    const core = this.#core;
    const directory = directoryAt(path, core.context);
    const child = directory === undefined ? childAt(path, core.context) : undefined;
    if (type === OPS.addWatch) addWatch(core, packet, xid);
    else if (type === OPS.checkWatches || type === OPS.removeWatches) changeWatches(core, packet, xid);
    else if (directory !== undefined) this.#directoryRequest(packet, xid, type, directory);
    else if (child !== undefined) this.#childRequest(packet, xid, type, child);
    else if (!forwardMapping(core, packet, xid, type, path)) {
      if (isCreate(type)) this.#noteConsumer(path);
      core.forward(packet, xid);
    }
  }

  #directoryRequest(packet: Uint8Array, xid: number, type: number, directory: Directory): void {
    const core = this.#core;
    const op = opName(type);
    if (op === "getChildren" || op === "getChildren2") {
      readList(core, directory, { packet, xid, op, path: directory.path, watch: watchOf(packet) });
    } else if (op === "exists" || op === "getData")
      readDirectoryStat(core, directory, packet, xid, op, watchOf(packet));
    else if (op === "getACL" || op === "setACL" || op === "setData") {
      readDirectoryStat(core, directory, packet, xid, op, false);
    } else if (op === "getAllChildrenNumber") countBelow(core, directory, packet, xid);
    else core.forward(packet, xid);
  }

  #childRequest(packet: Uint8Array, xid: number, type: number, child: DirectoryChild): void {
    const core = this.#core;
    const op = opName(type);
    const path = `${child.directory.path}/${child.name}`;
    if (op === "getACL") readChild(core, child, { packet, xid, op, path, watch: false });
    else if (op === "exists" || op === "getData" || op === "getChildren" || op === "getChildren2") {
      readChild(core, child, { packet, xid, op, path, watch: watchOf(packet) });
    } else if (isCreate(type)) {
      this.#noteApplication(applicationAt(child));
      this.#create(packet, xid, path);
    } else if (op === "delete") this.#delete(packet, xid, path);
    else core.forward(packet, xid);
  }

  /** A node below a presented directory is the session's own from the request on: its event comes before its reply. */
  #create(packet: Uint8Array, xid: number, path: string): void {
    const core = this.#core;
    const before = core.own.has(path);
    core.addOwn(path);
    core.forward(packet, xid, (reply, header) => {
      if (header.err !== ERRORS.ok && !before) core.own.delete(path);
      core.outbox.add(reply);
    });
  }

  #delete(packet: Uint8Array, xid: number, path: string): void {
    const core = this.#core;
    core.forward(packet, xid, (reply, header: ReplyHeader) => {
      if (header.err === ERRORS.ok) {
        core.noteRemoval([path]);
        core.own.delete(path);
      }
      core.outbox.add(reply);
    });
  }

  /** A consumer says as it registers how it will call: with cluster=broadcast it must reach every provider itself. */
  #noteConsumer(path: string): void {
    const core = this.#core;
    const name = consumerNodeAt(path, core.context);
    if (name === undefined) return;
    const reading = parseNodeName(name);
    if (reading.type !== "url") return;
    if (core.addConsumer(reading.url)) onContextChange(core, interfaceOf(reading.url));
    this.#noteApplication(param(reading.url, "application"));
  }

  /** Some applications are shown what the registry has, of everything. */
  #noteApplication(application: string): void {
    if (!this.#core.addApplication(application)) return;
    onContextChange(this.#core);
    tellMappings(this.#core);
  }

  /** False when the packet must wait; it and all that follow come again. */
  #serverPacket(packet: Uint8Array): boolean {
    const core = this.#core;
    if (core.sessionId === 0n) {
      const response = readConnectResponse(new JuteReader(packetBody(packet)));
      core.sessionId = response.sessionId;
      const isResumed = response.sessionId === this.#resumedId;
      if (!isResumed) core.remembered = undefined;
      core.outbox.add(packet);
      if (core.remembered !== undefined) this.#standIns.contextChanged();
      else if (isResumed) this.#standIns.findOwn();
      return true;
    }
    const xid = new JuteReader(packetBody(packet)).int("xid");
    if (xid === XIDS.notification) onEvent(core, packet);
    else if (xid === XIDS.ping) core.outbox.addUrgent(packet);
    else if (xid === XIDS.auth || this.#saslXids.delete(xid)) core.outbox.add(packet);
    else if (core.mustWait(packet)) return false;
    else core.onReply(packet);
    return true;
  }

  #remember(sessionId: bigint): void {
    const core = this.#core;
    core.remembered = core.shared.memory.take(sessionId);
    if (core.remembered === undefined) return;
    for (const path of core.remembered.own) core.own.add(path);
    this.#standIns.restore(core.remembered.providers);
    core.unled = core.remembered.unled;
    for (const [name, speaks] of core.remembered.speaks) core.speaks.set(name, speaks);
    for (const name of core.remembered.applications) core.addApplication(name);
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    while (!this.#paused && this.#waiting.length > 0) {
      const packet = this.#waiting.shift();
      if (packet !== undefined) this.#clientPacket(packet);
    }
  }
}

/** The application that registers such a node; `""` where it does not say. */
function applicationAt({ directory: { kind, name: folder }, name }: DirectoryChild): string {
  if (kind === "instances") return folder;
  const reading = kind === "providers" ? parseNodeName(name) : undefined;
  return reading?.type === "url" ? param(reading.url, "application") : "";
}

function watchOf(packet: Uint8Array): boolean {
  return (decodeRequest(packetBody(packet)).request as ReadRequest).watch;
}

function isPing(packet: Uint8Array): boolean {
  return packet.length >= 8 && new JuteReader(packetBody(packet)).int("xid") === XIDS.ping;
}

function isCreate(type: number): boolean {
  return type === OPS.create || type === OPS.create2 || type === OPS.createContainer || type === OPS.createTTL;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}
