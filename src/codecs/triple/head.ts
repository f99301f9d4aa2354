/**
 * The head of a Triple call.
 *
 * | field | holds |
 * |---|---|
 * | `:path` | `/` path `/` method; the path's last part is the interface |
 * | `content-type` | `application/grpc+proto` from Java whatever the body is |
 * | `grpc-timeout` | digits and a unit: n u m S M H |
 * | `tri-service-timeout`, `triple-timeout-ms` | ms, of calls over plain HTTP (Java; dubbo-go) |
 * | `tri-service-group`, `tri-service-version` | left out for none |
 * | `tri-consumer-appname` | the caller's application |
 * | every other | an attachment, see attachments.ts |
 *
 * Reference: RequestMetadata, RequestPath and GrpcUtils of Apache Dubbo 3.3; gRPC over HTTP/2.
 */
import { CallError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../fields.ts";
import type { Value } from "../value.ts";
import { type Attachments, parseAttachments, printAttachments } from "./attachments.ts";
import { looksWrapped } from "./body.ts";
import { fromField, toField } from "./text.ts";

/**
 * What a call's messages are: `wrapper` and `protobuf` in gRPC's framing, `grpc` where only the first message or metadata can tell
 * which; `grpc_web`; `json` and `proto`, one bare message (Java 3.3, dubbo-go); `connect_stream`, enveloped; `http`, all else.
 */
export type CallKind = "wrapper" | "protobuf" | "grpc" | "grpc_web" | "json" | "proto" | "connect_stream" | "http";

/** Methods that take the wrapper whatever the service's own types are. */
const ALWAYS_WRAPPED = new Set(["$invoke", "$invokeAsync", "$echo"]);

/** The kind of a call by its head and, where that leaves it open, by its first message at `message[start, end)`. Total. */
export function kindOf(fields: Fields, message?: Buffer, start = 0, end = message?.length ?? 0): CallKind {
  const said = fieldValue(fields, "content-type") ?? "";
  const isUsual = said === "application/grpc" || said === "application/grpc+proto";
  const type = isUsual ? said : said.split(";", 1)[0]!.trim().toLowerCase();
  if (type.startsWith("application/grpc-web")) return "grpc_web";
  if (type.startsWith("application/grpc")) {
    const path = fieldValue(fields, ":path") ?? "";
    if (ALWAYS_WRAPPED.has(path.slice(path.lastIndexOf("/") + 1))) return "wrapper";
    const plain = type === "application/grpc" || type === "application/grpc+proto";
    if (message === undefined || !plain) return "grpc";
    return looksWrapped(message, start, end) ? "wrapper" : "protobuf";
  }
  if (type.startsWith("application/connect+")) return "connect_stream";
  if (type === "application/json") return "json";
  return type === "application/proto" ? "proto" : "http";
}

/**
 * Reads a call's head. Throws CallError `unimplemented` for a path that has no interface and method (an answer that gRPC and
 * Java give too), and `invalid_argument` for a deadline that is none.
 */
export function parseRequestHead(fields: Fields): CallHead {
  return new ParsedHead(fields);
}

class ParsedHead {
  readonly kind: CallKind;
  /** All of the path before the method: the interface, behind a context path where the callee has one. */
  readonly path: string;
  readonly interface: string;
  readonly method: string;
  /** Behind `~` in calls over plain HTTP: first letters of the parameter types' simple names. */
  readonly signature: string | undefined;
  /** Empty for none. */
  readonly group: string;
  /** Empty for none. */
  readonly version: string;
  /** Time that the caller gives the call; undefined for no bound. */
  readonly timeoutMs: number | undefined;
  readonly consumerApplication: string | undefined;
  /** Compression of the messages that have the flag; `identity` for none. */
  readonly encoding: string;
  readonly #fields: Fields;
  #attachments: Attachments | undefined;
  #kept: Map<symbol, unknown> | undefined;

  constructor(fields: Fields) {
    this.#fields = fields;
    this.kind = kindOf(fields);
    const target = fieldValue(fields, ":path") ?? "";
    const behind = target.search(/[?#]/);
    const route = behind < 0 ? target : target.slice(0, behind);
    const cut = route.lastIndexOf("/");
    const name = route.slice(cut + 1);
    this.path = route.slice(1, Math.max(cut, 1));
    this.interface = this.path.slice(this.path.lastIndexOf("/") + 1);
    if (target.length > 4096 || route[0] !== "/" || this.interface === "" || name === "") {
      const text = `path ${JSON.stringify(target.slice(0, 200))} is not /interface/method`;
      throw new CallError("unimplemented", "no_route", text);
    }
    const tilde = this.kind === "json" || this.kind === "http" ? name.indexOf("~") : -1;
    this.method = tilde < 0 ? name : name.slice(0, tilde);
    this.signature = tilde < 0 ? undefined : name.slice(tilde + 1);
    this.group = textOf(fields, "tri-service-group") ?? textOf(fields, "rest-service-group") ?? "";
    this.version = textOf(fields, "tri-service-version") ?? textOf(fields, "rest-service-version") ?? "";
    this.timeoutMs = timeoutOf(fields);
    this.consumerApplication = textOf(fields, "tri-consumer-appname");
    this.encoding = fieldValue(fields, "grpc-encoding") ?? "identity";
  }

  /** Read when first asked for, as most calls are carried without either. */
  get attachments(): Attachments {
    this.#attachments ??= parseAttachments(this.#fields);
    return this.#attachments;
  }

  /** What those who handle calls with this head keep of them, each under a key of its own: many calls may share one head. */
  get kept(): Map<symbol, unknown> {
    this.#kept ??= new Map();
    return this.#kept;
  }
}

/** A call's head, read; one that is made without a caller's keeps nothing. */
export type CallHead = Omit<ParsedHead, "kept"> & Partial<Pick<ParsedHead, "kept">>;

function textOf(fields: Fields, name: string): string | undefined {
  const value = fieldValue(fields, name);
  return value === undefined ? undefined : fromField(value);
}

/** Units of a time in one of two forms, since a quotient of whole numbers is never off by a bit: ms of one, and how many make a ms. */
const UNIT_MS: Readonly<Record<string, number>> = { m: 1, S: 1000, M: 60_000, H: 3_600_000 };
const UNITS_PER_MS: Readonly<Record<string, number>> = { n: 1e6, u: 1e3 };

/** Milliseconds of a `grpc-timeout`, rounded up; undefined for what is none. gRPC has 8 digits at most, Java sends more. */
export function parseTimeout(text: string): number | undefined {
  const found = /^(\d{1,18})([numSMH])$/.exec(text);
  if (found === null) return undefined;
  const many = UNITS_PER_MS[found[2]!];
  return many === undefined ? Number(found[1]) * UNIT_MS[found[2]!]! : Math.ceil(Number(found[1]) / many);
}

/** A `grpc-timeout` of this many milliseconds, of 8 digits at most: rounded up to seconds, or cut at 99999999 of them, where it must. */
export function printTimeout(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  return whole < 1e8 ? `${whole}m` : `${Math.min(Math.ceil(whole / 1000), 99_999_999)}S`;
}

/** The list with another `grpc-timeout`, which it has already; `timeout` as {@link printTimeout} writes it. The list is not changed. */
export function withTimeout(fields: Fields, timeout: string): Fields {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === "grpc-timeout") return fields.with(i + 1, timeout);
  return fields;
}

function timeoutOf(fields: Fields): number | undefined {
  for (const name of ["grpc-timeout", "tri-service-timeout", "triple-timeout-ms"]) {
    const value = fieldValue(fields, name);
    if (value === undefined) continue;
    const ms = name === "grpc-timeout" ? parseTimeout(value) : /^\d{1,10}$/.test(value) ? Number(value) : undefined;
    if (ms !== undefined) return ms;
    const text = `${name} ${JSON.stringify(value.slice(0, 40))} is no time`;
    throw new CallError("invalid_argument", "undecodable", text);
  }
  return undefined;
}

/** A call's head to write. */
export interface RequestHeadParts {
  readonly authority: string;
  /** The path that the callee exported the service under: the interface, mostly. */
  readonly path: string;
  readonly method: string;
  /** Empty for none. */
  readonly group: string;
  /** Empty for none; `0.0.0` means none too. */
  readonly version: string;
  readonly timeoutMs: number | undefined;
  readonly consumerApplication: string | undefined;
  readonly attachments: Iterable<readonly [string, Value]>;
}

/**
 * The head of a gRPC-framed call as Java's consumers write it, without TLS. `dropped`: attachments that no field can carry.
 * Throws CallError `invalid_argument` where a value has control characters.
 */
export function printRequestHead(parts: RequestHeadParts): { readonly fields: string[]; readonly dropped: string[] } {
  const path = toField(":path", `/${parts.path}/${parts.method}`);
  if (/[\s?#]/.test(path)) {
    throw new CallError(
      "invalid_argument",
      "undecodable",
      `no path can be made of ${JSON.stringify(path.slice(0, 200))}`,
    );
  }
  const fields = [":method", "POST", ":scheme", "http", ":authority", parts.authority, ":path", path];
  fields.push("content-type", "application/grpc+proto", "te", "trailers");
  const add = (name: string, value: string): number => fields.push(name, toField(name, value));
  if (parts.timeoutMs !== undefined) add("grpc-timeout", printTimeout(parts.timeoutMs));
  if (parts.version !== "" && parts.version !== "0.0.0") add("tri-service-version", parts.version);
  if (parts.group !== "") add("tri-service-group", parts.group);
  if (parts.consumerApplication !== undefined) add("tri-consumer-appname", parts.consumerApplication);
  const dropped = printAttachments(parts.attachments, fields);
  return { fields, dropped };
}
