import { ProtocolError } from "../../base/errors.ts";
import { OPS, type OpName, opName, XIDS } from "./constants.ts";
import { JuteReader, type JuteWriter, PROTOCOL } from "./jute.ts";
import {
  type Acl,
  expectEnd,
  type ReplyHeader,
  readAcls,
  readReplyHeader,
  readStat,
  readWatcherEvent,
  type Stat,
  type WatcherEvent,
  writeAcls,
  writeReplyHeader,
  writeStat,
  writeWatcherEvent,
} from "./records.ts";
import { MAX_MULTI_OPS } from "./requests.ts";

/**
 * Every reply, both ways: ReplyHeader {xid i, zxid l, err i}, then the record of the operation that was asked, which the reply does
 * not name: the reader must know. There is no record when err is not 0, save for a multi, whose record then says which part failed.
 *
 * Reference: zookeeper.jute and MultiResponse of Apache ZooKeeper 3.8.
 */

/** A path alone. */
export interface PathReply {
  readonly op: "create" | "sync";
  readonly path: string;
}

/** The path that was made, and its Stat. */
export interface PathStatReply {
  readonly op: "create2" | "createContainer" | "createTTL";
  readonly path: string;
  readonly stat: Stat;
}

/** A Stat alone. */
export interface StatReply {
  readonly op: "exists" | "setData" | "setACL";
  readonly stat: Stat;
}

/** A node's data and Stat. */
export interface DataReply {
  readonly op: "getData" | "reconfig";
  readonly data: Uint8Array | null;
  readonly stat: Stat;
}

/** A node's ACL and Stat. */
export interface AclReply {
  readonly op: "getACL";
  readonly acl: readonly Acl[];
  readonly stat: Stat;
}

/** Names of children, in no order. */
export interface ChildrenReply {
  readonly op: "getChildren";
  readonly children: readonly string[];
}

/** Names of children, in no order, and the Stat of their parent. */
export interface ChildrenStatReply {
  readonly op: "getChildren2";
  readonly children: readonly string[];
  readonly stat: Stat;
}

/** The answers to the parts of a multi, in the order they were asked. */
export interface MultiReply {
  readonly op: "multi" | "multiRead";
  readonly results: readonly MultiResult[];
}

/** The answer to one part of a multi; `error` stands for any part once one has failed (its own code, 0 before it, -2 after it). */
export type MultiResult =
  | { readonly op: "create"; readonly path: string }
  | PathStatReply
  | { readonly op: "delete" | "check" }
  | { readonly op: "setData"; readonly stat: Stat }
  | { readonly op: "getChildren"; readonly children: readonly string[] }
  | { readonly op: "getData"; readonly data: Uint8Array | null; readonly stat: Stat }
  | { readonly op: "error"; readonly err: number };

/** One step of a SASL exchange. */
export interface SaslReply {
  readonly op: "sasl";
  readonly token: Uint8Array | null;
}

/** Paths of the session's ephemeral nodes. */
export interface EphemeralsReply {
  readonly op: "getEphemerals";
  readonly paths: readonly string[];
}

/** How many nodes are below a path, at any depth. */
export interface CountReply {
  readonly op: "getAllChildrenNumber";
  readonly count: number;
}

/** Who the server takes the connection for. */
export interface WhoAmIReply {
  readonly op: "whoAmI";
  readonly clients: readonly { readonly scheme: string; readonly user: string }[];
}

/** A good reply to addWatch says so twice: its record is a second error code, 0. */
export interface AddWatchReply {
  readonly op: "addWatch";
  readonly err: number;
}

/** Operations whose good reply is a header and nothing else. */
export interface BareReply {
  readonly op: BareReplyOp;
}

type BareReplyOp =
  | "delete"
  | "check"
  | "ping"
  | "auth"
  | "checkWatches"
  | "removeWatches"
  | "setWatches"
  | "setWatches2"
  | "closeSession";

/** The record of any good reply (or of a multi, good or not). */
export type Reply =
  | PathReply
  | PathStatReply
  | StatReply
  | DataReply
  | AclReply
  | ChildrenReply
  | ChildrenStatReply
  | MultiReply
  | SaslReply
  | EphemeralsReply
  | CountReply
  | WhoAmIReply
  | AddWatchReply
  | BareReply;

/** The header of a reply or an event; the rest is not looked at. `isEvent` tells watch events from replies. */
export function peekReply(body: Uint8Array): ReplyHeader & { isEvent: boolean } {
  const header = readReplyHeader(new JuteReader(body));
  return { ...header, isEvent: header.xid === XIDS.notification };
}

/**
 * Reads a whole reply packet (without length) to an operation. `reply` is undefined when the header's `err` is not 0 and no record
 * follows. Throws `ProtocolError` on a record that is not that operation's, also on bytes left behind it.
 */
export function decodeReply(body: Uint8Array, op: OpName): { header: ReplyHeader; reply: Reply | undefined } {
  const reader = new JuteReader(body);
  const header = readReplyHeader(reader);
  if (header.err !== 0 && (reader.left === 0 || (op !== "multi" && op !== "multiRead"))) {
    expectEnd(reader, `${op} reply`);
    return { header, reply: undefined };
  }
  const reply = readReply(reader, op);
  expectEnd(reader, `${op} reply`);
  return { header, reply };
}

/** Reads a whole event packet (without length). Throws `ProtocolError` when it is none. */
export function decodeEvent(body: Uint8Array): { header: ReplyHeader; event: WatcherEvent } {
  const reader = new JuteReader(body);
  const header = readReplyHeader(reader);
  const event = readWatcherEvent(reader);
  expectEnd(reader, "watch event");
  return { header, event };
}

/** Writes a whole event (without length). */
export function writeEvent(writer: JuteWriter, event: WatcherEvent, zxid = -1n): void {
  writeReplyHeader(writer, { xid: XIDS.notification, zxid, err: 0 });
  writeWatcherEvent(writer, event);
}

/** Writes a whole reply (without length); give no `reply` for an error. */
export function writeReply(writer: JuteWriter, header: ReplyHeader, reply?: Reply): void {
  writeReplyHeader(writer, header);
  if (reply !== undefined) writeRecord(writer, reply);
}

function readReply(reader: JuteReader, op: OpName): Reply {
  switch (op) {
    case "create":
    case "sync":
      return { op, path: reader.string("path") };
    case "create2":
    case "createContainer":
    case "createTTL":
      return { op, path: reader.string("path"), stat: readStat(reader) };
    case "exists":
    case "setData":
    case "setACL":
      return { op, stat: readStat(reader) };
    case "getData":
    case "reconfig":
      return { op, data: reader.buffer("data"), stat: readStat(reader) };
    case "getACL":
      return { op, acl: readAcls(reader), stat: readStat(reader) };
    case "getChildren":
      return { op, children: reader.strings("children") };
    case "getChildren2":
      return { op, children: reader.strings("children"), stat: readStat(reader) };
    case "multi":
    case "multiRead":
      return { op, results: readResults(reader) };
    case "sasl":
      return { op, token: reader.buffer("token") };
    case "getEphemerals":
      return { op, paths: reader.strings("ephemerals") };
    case "getAllChildrenNumber":
      return { op, count: reader.int("totalNumber") };
    case "whoAmI":
      return {
        op,
        clients: reader.vector("clientInfo", 8, () => ({
          scheme: reader.string("authScheme"),
          user: reader.string("user"),
        })),
      };
    case "delete":
    case "check":
    case "ping":
    case "auth":
    case "checkWatches":
    case "removeWatches":
    case "setWatches":
    case "setWatches2":
    case "closeSession":
      return { op };
    case "addWatch":
      return { op, err: reader.int("err") };
    default:
      throw new ProtocolError(PROTOCOL, `zookeeper operation ${op} has no reply`, reader.offset);
  }
}

function writeRecord(writer: JuteWriter, reply: Reply): void {
  switch (reply.op) {
    case "create":
    case "sync":
      writer.string(reply.path);
      return;
    case "create2":
    case "createContainer":
    case "createTTL":
      writeStat(writer.string(reply.path), reply.stat);
      return;
    case "exists":
    case "setData":
    case "setACL":
      writeStat(writer, reply.stat);
      return;
    case "getData":
    case "reconfig":
      writeStat(writer.buffer(reply.data), reply.stat);
      return;
    case "getACL":
      writeAcls(writer, reply.acl);
      writeStat(writer, reply.stat);
      return;
    case "getChildren":
      writer.strings(reply.children);
      return;
    case "getChildren2":
      writeStat(writer.strings(reply.children), reply.stat);
      return;
    case "multi":
    case "multiRead":
      writeResults(writer, reply.results);
      return;
    case "sasl":
      writer.buffer(reply.token);
      return;
    case "getEphemerals":
      writer.strings(reply.paths);
      return;
    case "getAllChildrenNumber":
      writer.int(reply.count);
      return;
    case "whoAmI":
      writer.vector(reply.clients, (_, client) => writer.string(client.scheme).string(client.user));
      return;
    case "delete":
    case "check":
    case "ping":
    case "auth":
    case "checkWatches":
    case "removeWatches":
    case "setWatches":
    case "setWatches2":
    case "closeSession":
      return;
    case "addWatch":
      writer.int(reply.err);
      return;
    default:
      reply satisfies never;
  }
}

function readResults(reader: JuteReader): MultiResult[] {
  const results: MultiResult[] = [];
  for (;;) {
    const type = reader.int("multi header type");
    const done = reader.boolean("multi header done");
    reader.int("multi header err");
    if (done) return results;
    if (results.length >= MAX_MULTI_OPS) {
      throw new ProtocolError(PROTOCOL, `zookeeper multi has over ${MAX_MULTI_OPS} results`, reader.offset);
    }
    results.push(readResult(reader, type));
  }
}

function readResult(reader: JuteReader, type: number): MultiResult {
  const op = opName(type);
  switch (op) {
    case "create":
      return { op, path: reader.string("path") };
    case "create2":
    case "createContainer":
    case "createTTL":
      return { op, path: reader.string("path"), stat: readStat(reader) };
    case "delete":
    case "check":
      return { op };
    case "setData":
      return { op, stat: readStat(reader) };
    case "getChildren":
      return { op, children: reader.strings("children") };
    case "getData":
      return { op, data: reader.buffer("data"), stat: readStat(reader) };
    case "error":
      return { op, err: reader.int("err") };
    default:
      throw new ProtocolError(PROTOCOL, `zookeeper multi result of type ${type} is not known`, reader.offset);
  }
}

function writeResults(writer: JuteWriter, results: readonly MultiResult[]): void {
  for (const result of results) {
    writer
      .int(OPS[result.op])
      .boolean(false)
      .int(result.op === "error" ? result.err : 0);
    switch (result.op) {
      case "create":
        writer.string(result.path);
        break;
      case "create2":
      case "createContainer":
      case "createTTL":
        writeStat(writer.string(result.path), result.stat);
        break;
      case "setData":
        writeStat(writer, result.stat);
        break;
      case "getChildren":
        writer.strings(result.children);
        break;
      case "getData":
        writeStat(writer.buffer(result.data), result.stat);
        break;
      case "error":
        writer.int(result.err);
        break;
      case "delete":
      case "check":
        break;
      default:
        result satisfies never;
    }
  }
  writer.int(-1).boolean(true).int(-1);
}
