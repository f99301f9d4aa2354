import { ProtocolError } from "../../base/errors.ts";
import { type JuteReader, type JuteWriter, PROTOCOL } from "./jute.ts";

/**
 * The records that several operations share, both ways.
 *
 *   Stat, 68 bytes: czxid l, mzxid l, ctime l, mtime l, version i, cversion i, aversion i, ephemeralOwner l, dataLength i,
 *                   numChildren i, pzxid l
 *   ACL: perms i, scheme s, id s      RequestHeader: xid i, type i      ReplyHeader: xid i, zxid l, err i
 *
 * Reference: zookeeper.jute of Apache ZooKeeper 3.8.
 */

/** What a server knows of a node. Times are ms since 1970 by the leader's clock. */
export interface Stat {
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly ctime: bigint;
  readonly mtime: bigint;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** The session that owns the node, 0 for none. A server does not tell of containers and nodes with a time to live: 0 too. */
  readonly ephemeralOwner: bigint;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: bigint;
}

/** Bytes of a Stat. */
export const STAT_BYTES = 68;

/** Reads the 68 bytes of a Stat. */
export function readStat(reader: JuteReader): Stat {
  return {
    czxid: reader.long("czxid"),
    mzxid: reader.long("mzxid"),
    ctime: reader.long("ctime"),
    mtime: reader.long("mtime"),
    version: reader.int("version"),
    cversion: reader.int("cversion"),
    aversion: reader.int("aversion"),
    ephemeralOwner: reader.long("ephemeralOwner"),
    dataLength: reader.int("dataLength"),
    numChildren: reader.int("numChildren"),
    pzxid: reader.long("pzxid"),
  };
}

/** Writes the 68 bytes of a Stat. */
export function writeStat(writer: JuteWriter, stat: Stat): void {
  writer.long(stat.czxid).long(stat.mzxid).long(stat.ctime).long(stat.mtime);
  writer.int(stat.version).int(stat.cversion).int(stat.aversion).long(stat.ephemeralOwner);
  writer.int(stat.dataLength).int(stat.numChildren).long(stat.pzxid);
}

/** Who may do what with a node; `perms` is a sum of `PERMS`. */
export interface Acl {
  readonly perms: number;
  readonly scheme: string;
  readonly id: string;
}

/** Everybody may do everything. */
export const OPEN_ACL: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];

/** Reads a list of ACLs; null reads as empty. */
export function readAcls(reader: JuteReader): Acl[] {
  return reader.vector("acl", 12, () => ({
    perms: reader.int("perms"),
    scheme: reader.string("scheme"),
    id: reader.string("id"),
  }));
}

/** Writes a list of ACLs. */
export function writeAcls(writer: JuteWriter, acls: readonly Acl[]): void {
  writer.vector(acls, (_, acl) => writer.int(acl.perms).string(acl.scheme).string(acl.id));
}

/** In front of every request after the handshake; `type` is one of `OPS`. */
export interface RequestHeader {
  readonly xid: number;
  readonly type: number;
}

/** In front of every reply and event. */
export interface ReplyHeader {
  readonly xid: number;
  readonly zxid: bigint;
  readonly err: number;
}

/** Bytes of a RequestHeader. */
export const REQUEST_HEADER_BYTES = 8;
/** Bytes of a ReplyHeader. */
export const REPLY_HEADER_BYTES = 16;

/** Reads the header of a request and leaves the rest alone. */
export function readRequestHeader(reader: JuteReader): RequestHeader {
  return { xid: reader.int("xid"), type: reader.int("type") };
}

/** Reads the header of a reply and leaves the rest alone. */
export function readReplyHeader(reader: JuteReader): ReplyHeader {
  return { xid: reader.int("xid"), zxid: reader.long("zxid"), err: reader.int("err") };
}

/** Writes the 16 bytes of a ReplyHeader. */
export function writeReplyHeader(writer: JuteWriter, header: ReplyHeader): void {
  writer.int(header.xid).long(header.zxid).int(header.err);
}

/** A client's first packet. `readOnly` is undefined when the client left the field out, as clients before 3.4 do. */
export interface ConnectRequest {
  readonly protocolVersion: number;
  readonly lastZxidSeen: bigint;
  readonly timeoutMs: number;
  /** 0 asks for a new session. */
  readonly sessionId: bigint;
  readonly password: Uint8Array;
  readonly readOnly: boolean | undefined;
}

/** A server's first packet; `timeoutMs` and `sessionId` 0 say that the session is gone. */
export interface ConnectResponse {
  readonly protocolVersion: number;
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Uint8Array;
  /** Only sent to a client that sent the field itself. */
  readonly readOnly: boolean | undefined;
}

/** Reads a client's first packet (without length). Throws `ProtocolError` on anything else. */
export function readConnectRequest(reader: JuteReader): ConnectRequest {
  const request = {
    protocolVersion: reader.int("protocolVersion"),
    lastZxidSeen: reader.long("lastZxidSeen"),
    timeoutMs: reader.int("timeOut"),
    sessionId: reader.long("sessionId"),
    password: reader.buffer("passwd") ?? new Uint8Array(0),
    readOnly: reader.left > 0 ? reader.boolean("readOnly") : undefined,
  };
  expectEnd(reader, "connect request");
  return request;
}

/** Writes a client's first packet (without length). */
export function writeConnectRequest(writer: JuteWriter, request: ConnectRequest): void {
  writer.int(request.protocolVersion).long(request.lastZxidSeen).int(request.timeoutMs).long(request.sessionId);
  writer.buffer(request.password);
  if (request.readOnly !== undefined) writer.boolean(request.readOnly);
}

/** Reads a server's first packet (without length). Throws `ProtocolError` on anything else. */
export function readConnectResponse(reader: JuteReader): ConnectResponse {
  const response = {
    protocolVersion: reader.int("protocolVersion"),
    timeoutMs: reader.int("timeOut"),
    sessionId: reader.long("sessionId"),
    password: reader.buffer("passwd") ?? new Uint8Array(0),
    readOnly: reader.left > 0 ? reader.boolean("readOnly") : undefined,
  };
  expectEnd(reader, "connect response");
  return response;
}

/** Writes a server's first packet (without length). */
export function writeConnectResponse(writer: JuteWriter, response: ConnectResponse): void {
  writer.int(response.protocolVersion).int(response.timeoutMs).long(response.sessionId).buffer(response.password);
  if (response.readOnly !== undefined) writer.boolean(response.readOnly);
}

/** What a watch reports; `type` is one of `EVENT_TYPES`, `state` one of `EVENT_STATES`. */
export interface WatcherEvent {
  readonly type: number;
  readonly state: number;
  readonly path: string;
}

/** Reads the record of a watch event, which stands behind its header. */
export function readWatcherEvent(reader: JuteReader): WatcherEvent {
  return { type: reader.int("type"), state: reader.int("state"), path: reader.string("path") };
}

/** Writes the record of a watch event, without its header. */
export function writeWatcherEvent(writer: JuteWriter, event: WatcherEvent): void {
  writer.int(event.type).int(event.state).string(event.path);
}

/** Throws `ProtocolError` when bytes are left behind a record. */
export function expectEnd(reader: JuteReader, name: string): void {
  if (reader.left === 0) return;
  throw new ProtocolError(PROTOCOL, `zookeeper ${name} has ${reader.left} bytes too many`, reader.offset);
}
