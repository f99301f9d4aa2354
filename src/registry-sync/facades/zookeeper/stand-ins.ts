import { ERRORS, OPS, XIDS } from "../../../codecs/zookeeper/constants.ts";
import { encodePacket, packetBody } from "../../../codecs/zookeeper/frame.ts";
import { JuteReader } from "../../../codecs/zookeeper/jute.ts";
import { decodeEvent, decodeReply, type MultiResult, writeEvent } from "../../../codecs/zookeeper/replies.ts";
import { type CreateRequest, decodeRequest, type MultiOp, type Request } from "../../../codecs/zookeeper/requests.ts";
import { childAt } from "../../present/directory.ts";
import { registeredNode } from "../../present/registered.ts";
import { MAX_WATCHES, type SessionCore } from "./core.ts";
import type { OwnProvider } from "./memory.ts";
import { replyHeader, replyPacket, requestPacket } from "./packets.ts";

/** What a request does to one of the client's nodes, once the registry has taken it. */
interface Change {
  /** What was known of that path before. */
  readonly before: OwnProvider | undefined;
  /** Noted at once, since more may be asked of it before the answer; undefined for a node that goes, which is known until it is gone. */
  readonly after: OwnProvider | undefined;
}

/** A request whose answer has to be looked at. */
interface Asked {
  readonly op: Request["op"];
  readonly changes: readonly Change[];
}

/** The operations on paths; all others pass. */
const ON_PATHS: ReadonlySet<number> = new Set([
  ...[OPS.create, OPS.create2, OPS.delete, OPS.exists, OPS.getData, OPS.setData, OPS.getACL, OPS.setACL, OPS.sync],
  ...[OPS.getChildren, OPS.getChildren2, OPS.checkWatches, OPS.removeWatches, OPS.addWatch],
  ...[OPS.multi, OPS.multiRead, OPS.setWatches, OPS.setWatches2],
]);

const EPHEMERAL = 1;

/**
 * Registers the proxy in front of a provider in the provider's place: nodes that the session makes stand at the registry under the proxy's
 * address, and the client finds them under its own. Where no such proxy is, everything passes as it is.
 */
export class StandIns {
  readonly #core: SessionCore;
  /** By the client's path. */
  readonly #own = new Map<string, OwnProvider>();
  /** The client's paths by the registry's, where they differ. */
  readonly #clients = new Map<string, string>();
  /** By xid. */
  readonly #asked = new Map<number, Asked>();

  constructor(core: SessionCore) {
    this.#core = core;
  }

  /** What to keep for the session's next connection, by the client's path. */
  get own(): ReadonlyMap<string, OwnProvider> {
    return this.#own;
  }

  /** Takes up what was kept. */
  restore(own: ReadonlyMap<string, OwnProvider>): void {
    for (const one of own.values()) this.#note(one);
  }

  /** A client's request as the registry is to get it. */
  toServer(packet: Uint8Array): Uint8Array {
    if (this.#own.size === 0 && !this.#isUsed) return packet;
    const body = packetBody(packet);
    if (body.length < 8 || !ON_PATHS.has(new JuteReader(body, 4).int("type"))) return packet;
    const { xid, request } = decodeRequest(body);
    const changes: Change[] = [];
    const changed = this.#changed(request, changes);
    const isMulti = request.op === "multi" || request.op === "multiRead";
    if (changes.length > 0 || (isMulti && changed !== request)) this.#asked.set(xid, { op: request.op, changes });
    return changed === request ? packet : requestPacket(xid, changed);
  }

  /** Packets as the client is to get them. */
  toClient(packets: Uint8Array[]): Uint8Array[] {
    if (this.#clients.size === 0 && this.#asked.size === 0) return packets;
    return packets.map((packet) => this.#told(packet));
  }

  /** Another context: what is to stand otherwise now is moved. */
  contextChanged(): void {
    for (const own of [...this.#own.values()]) {
      const now = this.#standing(own);
      if (now.at !== own.at || !sameBytes(now.written, own.written)) this.#move({ ...own, ...now }, own);
    }
  }

  /**
   * The session goes on from a connection that is not known here: what it registered under providers' own addresses is found and moved.
   * Servers before 3.6 do not say; there it stands as it is until the client registers again.
   */
  findOwn(): void {
    const core = this.#core;
    if (!this.#isUsed) return;
    core.inject({ op: "getEphemerals", path: "/" }, (packet, { err }) => {
      const { reply } = err === ERRORS.ok ? decodeReply(packetBody(packet), "getEphemerals") : {};
      if (reply?.op !== "getEphemerals") return;
      for (const path of reply.paths) if (this.#isProvider(path)) this.#adopt(path);
    });
  }

  get #isUsed(): boolean {
    return this.#core.context.registering.inbound.length > 0;
  }

  #adopt(path: string): void {
    const core = this.#core;
    let data: Uint8Array | null | undefined;
    core.inject({ op: "getData", path, watch: false }, (packet, { err }) => {
      const { reply } = err === ERRORS.ok ? decodeReply(packetBody(packet), "getData") : {};
      if (reply?.op === "getData") data = copyOf(reply.data);
    });
    core.inject({ op: "getACL", path }, (packet, { err }) => {
      const { reply } = err === ERRORS.ok ? decodeReply(packetBody(packet), "getACL") : {};
      if (reply?.op !== "getACL" || data === undefined || this.#own.has(path)) return;
      const real = { path, data, acl: reply.acl, flags: EPHEMERAL, at: path, written: data };
      const now = this.#standing(real);
      if (now.at !== path || now.written !== data) this.#move({ ...real, ...now }, real);
    });
  }

  #isProvider(path: string): boolean {
    const kind = childAt(path, this.#core.context)?.directory.kind;
    return kind === "providers" || kind === "instances";
  }

  #changed(request: Request, changes: Change[]): Request {
    switch (request.op) {
      case "multi":
      case "multiRead": {
        const ops = request.ops.map((op) => this.#part(op, changes));
        return ops.every((op, i) => op === request.ops[i]) ? request : { ...request, ops };
      }
      case "setWatches":
      case "setWatches2": {
        const there = (paths: readonly string[]) => paths.map((path) => this.#at(path));
        const { data, exist, child, persistent, recursive } = request;
        const lists = { data: there(data), exist: there(exist), child: there(child) };
        return { ...request, ...lists, persistent: there(persistent), recursive: there(recursive) };
      }
      default: {
        if (!("path" in request)) return request;
        return this.#part(request as MultiOp, changes) as Request;
      }
    }
  }

  /** One operation on a path. */
  #part(op: MultiOp, changes: Change[]): MultiOp {
    const own = this.#own.get(op.path);
    if (op.op === "create" || op.op === "create2") {
      const changed = this.#made(op);
      const after = this.#own.get(op.path);
      if (after !== undefined && after !== own) changes.push({ before: own, after });
      return changed;
    }
    const at = this.#at(op.path);
    if (op.op === "delete" && own !== undefined) changes.push({ before: own, after: undefined });
    // Also of a node that a session before made: its data would lead round the proxy.
    if (op.op === "setData" && (own !== undefined || (this.#isUsed && this.#isProvider(op.path)))) {
      const data = copyOf(op.data);
      const { written } = this.#standing({ path: op.path, data });
      if (own !== undefined) {
        const after = { ...own, data, written };
        this.#note(after);
        changes.push({ before: own, after });
      }
      return at === op.path && written === data ? op : { ...op, path: at, data: written };
    }
    return at === op.path ? op : { ...op, path: at };
  }

  #made(op: CreateRequest): CreateRequest {
    if (!this.#isProvider(op.path) || this.#own.size >= MAX_WATCHES) return op;
    const { path, acl, flags } = op;
    const data = copyOf(op.data);
    const now = this.#standing({ path, data });
    this.#note({ path, data, acl, flags, ...now });
    return now.at === path && now.written === data ? op : { ...op, path: now.at, data: now.written };
  }

  #note(own: OwnProvider): void {
    this.#forget(own.path);
    this.#own.set(own.path, own);
    if (own.at !== own.path) this.#clients.set(own.at, own.path);
  }

  #forget(path: string): void {
    const own = this.#own.get(path);
    if (own === undefined) return;
    this.#own.delete(path);
    this.#clients.delete(own.at);
  }

  /** Where a path of the client is at the registry; a provider's that it has not made may stand from a session before. */
  #at(path: string): string {
    const own = this.#own.get(path);
    if (own !== undefined) return own.at;
    return this.#isUsed && this.#isProvider(path) ? this.#standing({ path, data: null }).at : path;
  }

  /** How a node is to stand by the context of now. */
  #standing({ path, data }: Pick<OwnProvider, "path" | "data">): Pick<OwnProvider, "at" | "written"> {
    const { context } = this.#core;
    const child = childAt(path, context);
    if (child === undefined) return { at: path, written: data };
    const node = registeredNode(child, { name: child.name, data }, context.registering);
    return { at: node.name === child.name ? path : `${child.directory.path}/${node.name}`, written: node.data };
  }

  /** The new node first, then the old one goes: at no time there is none. */
  #move(next: OwnProvider, before: OwnProvider): void {
    const core = this.#core;
    const nothing = () => {};
    this.#note(next);
    if (next.at === before.at) {
      core.inject({ op: "setData", path: next.at, data: next.written, version: -1 }, nothing);
      return;
    }
    core.addOwn(next.at);
    // One that a lost session left there would be gone before long.
    core.inject({ op: "delete", path: next.at, version: -1 }, nothing);
    const { acl, flags } = next;
    core.inject({ op: "create", path: next.at, data: next.written, acl, flags }, (_, { err }) => {
      if (err === ERRORS.ok) {
        core.inject({ op: "delete", path: before.at, version: -1 }, () => {
          core.noteRemoval([before.at]);
          core.own.delete(before.at);
        });
        return;
      }
      // The registry does not take it: the provider stands where it stood.
      core.own.delete(next.at);
      if (this.#own.get(next.path) === next) this.#note(before);
    });
  }

  #told(packet: Uint8Array): Uint8Array {
    // A server's answer to a four-letter word is no packet, and a session's first one has no xid that is known.
    if (packet.length < 20) return packet;
    const header = replyHeader(packet);
    if (header.xid === XIDS.notification) {
      const { event } = decodeEvent(packetBody(packet));
      const path = this.#clients.get(event.path);
      if (path === undefined) return packet;
      return encodePacket((writer) => writeEvent(writer, { ...event, path }, header.zxid));
    }
    const asked = this.#asked.get(header.xid);
    if (asked === undefined) return packet;
    this.#asked.delete(header.xid);
    if (asked.op === "multi" || asked.op === "multiRead") return this.#toldMulti(packet, asked, header.err);
    this.#settle(asked, header.err === ERRORS.ok);
    const after = asked.op === "create" || asked.op === "create2" ? asked.changes[0]?.after : undefined;
    return header.err !== ERRORS.ok || after === undefined ? packet : this.#toldCreate(packet, after);
  }

  /** The registry has answered: what it did not do is as it was, what it took out is forgotten. */
  #settle({ changes }: Asked, isTaken: boolean): void {
    if (isTaken) {
      for (const { before, after } of changes)
        if (after === undefined && before !== undefined && this.#own.get(before.path) === before)
          this.#forget(before.path);
      return;
    }
    for (const { before, after } of [...changes].reverse()) {
      if (after === undefined || this.#own.get(after.path) !== after) continue;
      this.#forget(after.path);
      if (before !== undefined) this.#note(before);
    }
  }

  #toldCreate(packet: Uint8Array, { path, at }: OwnProvider): Uint8Array {
    if (at === path) return packet;
    // The same record with or without a Stat behind the path.
    const { header, reply } = decodeReply(packetBody(packet), isLong(packet, at) ? "create2" : "create");
    if (reply?.op !== "create" && reply?.op !== "create2") return packet;
    return replyPacket(header, { ...reply, path });
  }

  #toldMulti(packet: Uint8Array, asked: Asked, err: number): Uint8Array {
    const { header, reply } = err === ERRORS.ok ? decodeReply(packetBody(packet), "multi") : {};
    const results = reply?.op === "multi" ? reply.results : undefined;
    const told = results?.map((result): MultiResult => {
      const path = "path" in result ? this.#clients.get(result.path) : undefined;
      return path === undefined ? result : ({ ...result, path } as MultiResult);
    });
    // A multi is done as a whole, or nothing of it.
    this.#settle(asked, results?.every(({ op }) => op !== "error") === true);
    if (header === undefined || reply?.op !== "multi" || told === undefined) return packet;
    return replyPacket(header, { ...reply, results: told });
  }
}

/** Whether more than a path is in the answer to a create. */
function isLong(packet: Uint8Array, path: string): boolean {
  const header = 4 + 16;
  return packet.length > header + 4 + Buffer.byteLength(path);
}

function copyOf(data: Uint8Array | null): Uint8Array | null {
  return data === null ? null : Uint8Array.from(data);
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === b || (a !== null && b !== null && Buffer.from(a).equals(b));
}
