/**
 * First lines of HTTP/1.1 messages and what their header lines say about framing.
 *
 * | message | first line |
 * |---|---|
 * | request | method SP target SP `HTTP/1.`(0 or 1) CR LF |
 * | response | `HTTP/1.`(0 or 1) SP three digits [SP reason] CR LF |
 *
 * Reference: RFC 9112 sections 3, 4, 6 and 9. Where it lets a recipient repair a message, this refuses it.
 */
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  FieldLines,
  HOST,
  hex,
  TOKEN_BYTES,
  TRANSFER_ENCODING,
  UPGRADE,
  VALUE_BYTES,
} from "./fields.ts";
import { Http1Error, type Http1Limits } from "./limits.ts";

const MAX_METHOD_BYTES = 32;

/** What header lines say about the message's body and the connection. */
export interface Framing {
  /** Announced body bytes; -1 when there is no Content-Length. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** Whether the sender means to keep the connection, by version and Connection. */
  readonly keepAlive: boolean;
  /** Connection names `upgrade`, and there is an Upgrade line. */
  readonly upgrade: boolean;
  readonly expectContinue: boolean;
  /** Names that Connection lists but the usual ones, in lower case: lines of those names are for this hop alone. */
  readonly nominated: readonly string[];
}

/** A request's head. */
export interface RequestHead extends Framing {
  readonly method: string;
  /** As sent: a path with query, an absolute URI, `*` or an authority. */
  readonly target: string;
  /** HTTP/1.`minor`. */
  readonly minor: number;
  readonly fields: FieldLines;
}

/** A response's head. */
export interface ResponseHead extends Framing {
  readonly status: number;
  readonly reason: string;
  /** HTTP/1.`minor`. */
  readonly minor: number;
  readonly fields: FieldLines;
}

/** A head and the place after it. */
export interface Parsed<Head> {
  readonly head: Head;
  readonly next: number;
}

/** Reads a request's head at `bytes[start, end)`; undefined while it is not whole. Throws {@link Http1Error}. */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: Http1Limits,
): Parsed<RequestHead> | undefined {
  let at = start;
  while (at < end && TOKEN_BYTES[bytes[at]!] === 1) at++;
  if (at - start > MAX_METHOD_BYTES) throw new Http1Error(400, `method is over ${MAX_METHOD_BYTES} bytes`, at);
  if (at === end) return undefined;
  if (bytes[at] !== 32 || at === start) throw new Http1Error(400, `byte ${hex(bytes[at]!)} in a method`, at);
  const methodEnd = at++;
  const targetStart = at;
  while (at < end && bytes[at]! > 0x20 && bytes[at]! < 0x7f) at++;
  if (at - targetStart > limits.maxTargetBytes) {
    throw new Http1Error(414, `request target is over maxTargetBytes ${limits.maxTargetBytes}`, at);
  }
  if (at === end) return undefined;
  if (bytes[at] !== 32 || at === targetStart) throw new Http1Error(400, `byte ${hex(bytes[at]!)} in a target`, at);
  const targetEnd = at++;
  if (end - at < 10) return undefined;
  const minor = parseVersion(bytes, at);
  at = lineBreak(bytes, at + 8);
  const fields = new FieldLines(bytes);
  const next = fields.parse(at, end, limits.maxHeaders);
  if (next === -1) return undefined;
  const method = methodName(bytes, start, methodEnd);
  const target = bytes.latin1Slice(targetStart, targetEnd);
  checkTarget(method, target, targetStart);
  const framing = readFraming(fields, minor, limits, true);
  const { contentLength, chunked, keepAlive, upgrade, expectContinue, nominated } = framing;
  // Spelled out: spreading costs a call out of the engine for each property.
  return {
    head: { method, target, minor, fields, contentLength, chunked, keepAlive, upgrade, expectContinue, nominated },
    next,
  };
}

/** Reads a response's head at `bytes[start, end)`; undefined while it is not whole. Throws {@link Http1Error}. */
export function parseResponseHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: Http1Limits,
): Parsed<ResponseHead> | undefined {
  if (end - start < 14) return undefined;
  const minor = parseVersion(bytes, start);
  const a = bytes[start + 9]! - 48;
  const b = bytes[start + 10]! - 48;
  const c = bytes[start + 11]! - 48;
  if (bytes[start + 8] !== 32 || !isDigit(a) || a === 0 || !isDigit(b) || !isDigit(c)) {
    throw new Http1Error(400, "status is not three digits", start + 8);
  }
  let at = start + 12;
  let reason = "";
  if (bytes[at] === 32) {
    const reasonStart = ++at;
    while (at < end && VALUE_BYTES[bytes[at]!] === 1) at++;
    if (end - at < 2) return undefined;
    reason = isOk(bytes, reasonStart, at) ? "OK" : bytes.latin1Slice(reasonStart, at);
  }
  at = lineBreak(bytes, at);
  const fields = new FieldLines(bytes);
  const next = fields.parse(at, end, limits.maxHeaders);
  if (next === -1) return undefined;
  const framing = readFraming(fields, minor, limits, false);
  const { contentLength, chunked, keepAlive, upgrade, expectContinue, nominated } = framing;
  const status = a * 100 + b * 10 + c;
  return {
    head: { status, reason, minor, fields, contentLength, chunked, keepAlive, upgrade, expectContinue, nominated },
    next,
  };
}

function isOk(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 2 && bytes[start] === 79 && bytes[start + 1] === 75;
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

/** The usual methods as constants: decoding three bytes costs more than comparing them. */
function methodName(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 3 && bytes[start] === 71 && bytes[start + 1] === 69 && bytes[start + 2] === 84) return "GET";
  return bytes.latin1Slice(start, end);
}

function parseVersion(bytes: Buffer, at: number): number {
  const http = bytes[at] === 72 && bytes[at + 1] === 84 && bytes[at + 2] === 84 && bytes[at + 3] === 80;
  const shaped = http && bytes[at + 4] === 47 && isDigit(bytes[at + 5]! - 48) && bytes[at + 6] === 46;
  const minor = bytes[at + 7]! - 48;
  if (!shaped || !isDigit(minor)) throw new Http1Error(400, "no HTTP version where one belongs", at);
  if (bytes[at + 5] !== 49 || minor > 1) {
    throw new Http1Error(505, `version ${bytes.latin1Slice(at, at + 8)} is not spoken here`, at);
  }
  return minor;
}

function lineBreak(bytes: Buffer, at: number): number {
  if (bytes[at] === 13 && bytes[at + 1] === 10) return at + 2;
  if (bytes[at] === 10) throw new Http1Error(400, "line feed without carriage return", at);
  throw new Http1Error(400, `byte ${hex(bytes[at]!)} at the end of a first line`, at);
}

function checkTarget(method: string, target: string, at: number): void {
  if (target.charCodeAt(0) === 47 ? method !== "CONNECT" : false) return;
  if (target === "*" && method === "OPTIONS") return;
  if (method === "CONNECT" ? /^[^/@?#]+:\d{1,5}$/.test(target) : /^https?:\/\/[^/?#@]/i.test(target)) return;
  throw new Http1Error(400, `target of ${method} has a wrong form`, at);
}

function readFraming(fields: FieldLines, minor: number, limits: Http1Limits, request: boolean): Framing {
  let contentLength = -1;
  let chunked = false;
  let close = false;
  let keep = minor === 1;
  let hosts = 0;
  let upgradeNamed = false;
  let upgradeLine = false;
  let expectContinue = false;
  let nominated: string[] = NONE;
  for (let i = 0; i < fields.count; i++) {
    switch (fields.kind(i)) {
      case 0:
        break;
      case CONTENT_LENGTH:
        if (contentLength !== -1) throw new Http1Error(400, "more than one Content-Length");
        contentLength = parseLength(fields, i, limits);
        break;
      case TRANSFER_ENCODING:
        if (chunked) throw new Http1Error(400, "more than one Transfer-Encoding");
        if (minor === 0) throw new Http1Error(400, "Transfer-Encoding in HTTP/1.0");
        if (fields.value(i).toLowerCase() !== "chunked") {
          throw new Http1Error(501, "Transfer-Encoding is not chunked alone");
        }
        chunked = true;
        break;
      case CONNECTION:
        for (const part of fields.value(i).split(",")) {
          const name = part.trim().toLowerCase();
          if (name === "close") close = true;
          else if (name === "keep-alive") keep = true;
          else if (name === "upgrade") upgradeNamed = true;
          else if (name !== "" && name !== "host") nominated = [...nominated, name];
        }
        break;
      case UPGRADE:
        upgradeLine = true;
        break;
      case EXPECT:
        if (!request) break;
        if (fields.value(i).toLowerCase() !== "100-continue") {
          throw new Http1Error(417, "Expect is not 100-continue");
        }
        expectContinue = minor === 1;
        break;
      case HOST:
        hosts++;
        if (request) checkHost(fields, i);
        break;
    }
  }
  if (chunked && contentLength !== -1) throw new Http1Error(400, "Transfer-Encoding and Content-Length in one message");
  if (request && hosts > 1) throw new Http1Error(400, "more than one Host");
  if (request && hosts === 0 && minor === 1) throw new Http1Error(400, "no Host");
  const upgrade = upgradeNamed && upgradeLine && minor === 1;
  return { contentLength, chunked, keepAlive: keep && !close, upgrade, expectContinue, nominated };
}

const NONE: string[] = [];

/** Digits alone; a list, a sign or a blank inside is what two servers may read in two ways. */
function parseLength(fields: FieldLines, index: number, limits: Http1Limits): number {
  const { bytes } = fields;
  const start = fields.valueStart(index);
  const end = fields.valueEnd(index);
  if (end === start || end - start > 15) throw new Http1Error(400, "Content-Length is not a number");
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (!isDigit(digit)) throw new Http1Error(400, "Content-Length is not a number");
    length = length * 10 + digit;
  }
  if (length > limits.maxBodyBytes) {
    throw new Http1Error(413, `body of ${length} bytes is over maxBodyBytes ${limits.maxBodyBytes}`);
  }
  return length;
}

function checkHost(fields: FieldLines, index: number): void {
  const { bytes } = fields;
  const end = fields.valueEnd(index);
  for (let at = fields.valueStart(index); at < end; at++) {
    const char = bytes[at]!;
    // Blank, comma, slash, at, question mark, hash: parsers of hosts differ on all of them.
    if (char <= 32 || char === 44 || char === 47 || char === 64 || char === 63 || char === 35 || char > 126) {
      throw new Http1Error(400, "Host has a wrong form");
    }
  }
}
