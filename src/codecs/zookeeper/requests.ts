import { ProtocolError } from "../../base/errors.ts";
import { OPS, opName } from "./constants.ts";
import { JuteReader, type JuteWriter, PROTOCOL } from "./jute.ts";
import { type Acl, expectEnd, readAcls, readRequestHeader, writeAcls } from "./records.ts";

/**
 * Every request after the handshake, both ways: RequestHeader {xid i, type i}, then the record of that operation.
 * A multi is {MultiHeader {type i, done bool, err i}, record}* and the header {-1, true, -1}.
 *
 * Reference: zookeeper.jute, MultiOperationRecord and SetTTLRequest of Apache ZooKeeper 3.8.
 */

/** A create of any kind. `ttlMs` is sent with createTTL alone. */
export interface CreateRequest {
  readonly op: "create" | "create2" | "createContainer";
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  /** One of `CREATE_MODES`; a number outside of it is kept. */
  readonly flags: number;
}

/** A create with a time to live. */
export interface CreateTtlRequest extends Omit<CreateRequest, "op"> {
  readonly op: "createTTL";
  readonly ttlMs: bigint;
}

/** A removal, or a test of a version. */
export interface PathVersionRequest {
  readonly op: "delete" | "check";
  readonly path: string;
  /** -1 means any. */
  readonly version: number;
}

/** A change of a node's data; `version` -1 means any. */
export interface SetDataRequest {
  readonly op: "setData";
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly version: number;
}

/** A read that may leave a watch. */
export interface ReadRequest {
  readonly op: "exists" | "getData" | "getChildren" | "getChildren2";
  readonly path: string;
  readonly watch: boolean;
}

/** A request that is a path alone. */
export interface PathRequest {
  readonly op: "getACL" | "sync" | "getEphemerals" | "getAllChildrenNumber";
  readonly path: string;
}

/** A change of a node's ACL; `version` is its aversion, -1 any. */
export interface SetAclRequest {
  readonly op: "setACL";
  readonly path: string;
  readonly acl: readonly Acl[];
  readonly version: number;
}

/** Several operations in one, all or none of them. */
export interface MultiRequest {
  readonly op: "multi";
  readonly ops: readonly MultiOp[];
}

/** Several reads in one, each for itself. */
export interface MultiReadRequest {
  readonly op: "multiRead";
  readonly ops: readonly MultiOp[];
}

/** What a multi may hold; which of them go together is the server's to say. */
export type MultiOp = CreateRequest | CreateTtlRequest | PathVersionRequest | SetDataRequest | ReadRequest;

/** A change of the ensemble; null where nothing is asked. */
export interface ReconfigRequest {
  readonly op: "reconfig";
  readonly joiningServers: string | null;
  readonly leavingServers: string | null;
  readonly newMembers: string | null;
  readonly curConfigId: bigint;
}

/** A question for, or the removal of, watches. */
export interface WatchesRequest {
  readonly op: "checkWatches" | "removeWatches";
  readonly path: string;
  /** One of `WATCHER_TYPES`. */
  readonly type: number;
}

/** Credentials for this connection. `auth` is a secret. */
export interface AuthRequest {
  readonly op: "auth";
  readonly type: number;
  readonly scheme: string;
  readonly auth: Uint8Array | null;
}

/** The watches a client had before it lost its connection; `persistent` and `recursive` are carried by setWatches2 alone. */
export interface SetWatchesRequest {
  readonly op: "setWatches" | "setWatches2";
  readonly relativeZxid: bigint;
  readonly data: readonly string[];
  readonly exist: readonly string[];
  readonly child: readonly string[];
  readonly persistent: readonly string[];
  readonly recursive: readonly string[];
}

/** One step of a SASL exchange. `token` is a secret. */
export interface SaslRequest {
  readonly op: "sasl";
  readonly token: Uint8Array | null;
}

/** A watch that stays. */
export interface AddWatchRequest {
  readonly op: "addWatch";
  readonly path: string;
  /** One of `WATCH_MODES`. */
  readonly mode: number;
}

/** Requests that are a header and nothing else. */
export interface BareRequest {
  readonly op: "ping" | "closeSession";
}

/** The question who the server takes this connection for. */
export interface WhoAmIRequest {
  readonly op: "whoAmI";
}

/** Any request a client may send. */
export type Request =
  | MultiOp
  | PathRequest
  | SetAclRequest
  | MultiRequest
  | MultiReadRequest
  | ReconfigRequest
  | WatchesRequest
  | AuthRequest
  | SetWatchesRequest
  | SaslRequest
  | AddWatchRequest
  | WhoAmIRequest
  | BareRequest;

/** How many operations a multi may hold at the most; a bound of ours, far over what fits in one default packet. */
export const MAX_MULTI_OPS = 100_000;

const END_OF_MULTI = -1;

/** The first field of these is a path. */
const WITH_PATH: ReadonlySet<number> = new Set([
  OPS.create,
  OPS.delete,
  OPS.exists,
  OPS.getData,
  OPS.setData,
  OPS.getACL,
  OPS.setACL,
  OPS.getChildren,
  OPS.sync,
  OPS.getChildren2,
  OPS.check,
  OPS.create2,
  OPS.checkWatches,
  OPS.removeWatches,
  OPS.createContainer,
  OPS.createTTL,
  OPS.getEphemerals,
  OPS.getAllChildrenNumber,
  OPS.addWatch,
]);

/** The header of a request, and the path where the operation has one; the rest is not looked at. */
export function peekRequest(body: Uint8Array): { xid: number; type: number; path: string | undefined } {
  const reader = new JuteReader(body);
  const { xid, type } = readRequestHeader(reader);
  return { xid, type, path: WITH_PATH.has(type) ? reader.string("path") : undefined };
}

/** Reads the record behind a request header. Throws `ProtocolError` on an unknown operation or a record that is not its own. */
export function readRequest(reader: JuteReader, type: number): Request {
  const op = opName(type);
  switch (op) {
    case "multi":
    case "multiRead":
      return { op, ops: readMulti(reader) };
    case "getACL":
    case "sync":
    case "getEphemerals":
    case "getAllChildrenNumber":
      return { op, path: reader.string("path") };
    case "setACL":
      return { op, path: reader.string("path"), acl: readAcls(reader), version: reader.int("version") };
    case "reconfig":
      return {
        op,
        joiningServers: reader.nullableString("joiningServers"),
        leavingServers: reader.nullableString("leavingServers"),
        newMembers: reader.nullableString("newMembers"),
        curConfigId: reader.long("curConfigId"),
      };
    case "checkWatches":
    case "removeWatches":
      return { op, path: reader.string("path"), type: reader.int("type") };
    case "auth":
      return { op, type: reader.int("type"), scheme: reader.string("scheme"), auth: reader.buffer("auth") };
    case "setWatches":
    case "setWatches2":
      return {
        op,
        relativeZxid: reader.long("relativeZxid"),
        data: reader.strings("dataWatches"),
        exist: reader.strings("existWatches"),
        child: reader.strings("childWatches"),
        persistent: op === "setWatches2" ? reader.strings("persistentWatches") : [],
        recursive: op === "setWatches2" ? reader.strings("persistentRecursiveWatches") : [],
      };
    case "sasl":
      return { op, token: reader.buffer("token") };
    case "addWatch":
      return { op, path: reader.string("path"), mode: reader.int("mode") };
    case "ping":
    case "whoAmI":
    case "closeSession":
      return { op };
    default:
      return readMultiOp(reader, type);
  }
}

/** Reads a whole request packet (without length). Throws `ProtocolError`, also on bytes left behind the record. */
export function decodeRequest(body: Uint8Array): { xid: number; request: Request } {
  const reader = new JuteReader(body);
  const { xid, type } = readRequestHeader(reader);
  const request = readRequest(reader, type);
  expectEnd(reader, `${request.op} request`);
  return { xid, request };
}

/** Writes a whole request (without length): header and record. */
export function writeRequest(writer: JuteWriter, xid: number, request: Request): void {
  writer.int(xid).int(OPS[request.op]);
  writeRecord(writer, request);
}

function writeRecord(writer: JuteWriter, request: Request): void {
  switch (request.op) {
    case "create":
    case "create2":
    case "createContainer":
    case "createTTL":
      writer.string(request.path).buffer(request.data);
      writeAcls(writer, request.acl);
      writer.int(request.flags);
      if (request.op === "createTTL") writer.long(request.ttlMs);
      return;
    case "delete":
    case "check":
      writer.string(request.path).int(request.version);
      return;
    case "setData":
      writer.string(request.path).buffer(request.data).int(request.version);
      return;
    case "exists":
    case "getData":
    case "getChildren":
    case "getChildren2":
      writer.string(request.path).boolean(request.watch);
      return;
    case "getACL":
    case "sync":
    case "getEphemerals":
    case "getAllChildrenNumber":
      writer.string(request.path);
      return;
    case "setACL":
      writer.string(request.path);
      writeAcls(writer, request.acl);
      writer.int(request.version);
      return;
    case "multi":
    case "multiRead":
      for (const op of request.ops) {
        writer.int(OPS[op.op]).boolean(false).int(-1);
        writeRecord(writer, op);
      }
      writer.int(END_OF_MULTI).boolean(true).int(-1);
      return;
    case "reconfig":
      for (const servers of [request.joiningServers, request.leavingServers, request.newMembers]) {
        if (servers === null) writer.int(-1);
        else writer.string(servers);
      }
      writer.long(request.curConfigId);
      return;
    case "checkWatches":
    case "removeWatches":
      writer.string(request.path).int(request.type);
      return;
    case "auth":
      writer.int(request.type).string(request.scheme).buffer(request.auth);
      return;
    case "setWatches":
    case "setWatches2":
      writer.long(request.relativeZxid).strings(request.data).strings(request.exist).strings(request.child);
      if (request.op === "setWatches2") writer.strings(request.persistent).strings(request.recursive);
      return;
    case "sasl":
      writer.buffer(request.token);
      return;
    case "addWatch":
      writer.string(request.path).int(request.mode);
      return;
    case "ping":
    case "whoAmI":
    case "closeSession":
      return;
    default:
      request satisfies never;
  }
}

function readMultiOp(reader: JuteReader, type: number): MultiOp {
  const op = opName(type);
  switch (op) {
    case "create":
    case "create2":
    case "createContainer":
      return { op, ...readCreate(reader) };
    case "createTTL":
      return { op, ...readCreate(reader), ttlMs: reader.long("ttl") };
    case "delete":
    case "check":
      return { op, path: reader.string("path"), version: reader.int("version") };
    case "setData":
      return { op, path: reader.string("path"), data: reader.buffer("data"), version: reader.int("version") };
    case "exists":
    case "getData":
    case "getChildren":
    case "getChildren2":
      return { op, path: reader.string("path"), watch: reader.boolean("watch") };
    default:
      throw new ProtocolError(PROTOCOL, `zookeeper operation ${type} is not known`, reader.offset);
  }
}

function readCreate(reader: JuteReader) {
  return {
    path: reader.string("path"),
    data: reader.buffer("data"),
    acl: readAcls(reader),
    flags: reader.int("flags"),
  };
}

function readMulti(reader: JuteReader): MultiOp[] {
  const ops: MultiOp[] = [];
  for (;;) {
    const type = reader.int("multi header type");
    const done = reader.boolean("multi header done");
    reader.int("multi header err");
    if (done) return ops;
    if (ops.length >= MAX_MULTI_OPS) {
      throw new ProtocolError(PROTOCOL, `zookeeper multi has over ${MAX_MULTI_OPS} operations`, reader.offset);
    }
    ops.push(readMultiOp(reader, type));
  }
}
