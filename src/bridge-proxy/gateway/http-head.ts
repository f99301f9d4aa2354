import { CallError } from "../../base/errors.ts";
import type { Fields } from "../../codecs/fields.ts";
import { CONNECTION, EXPECT, HOP, TRANSFER_ENCODING, UPGRADE } from "../../codecs/http1/fields.ts";
import { parseRequestHead, type RequestHead, type ResponseHead } from "../../codecs/http1/head.ts";
import { DEFAULT_HTTP1_LIMITS, Http1Error } from "../../codecs/http1/limits.ts";
import { checkFields, type Field, isToken } from "../../codecs/http1/output.ts";
import type { HeadChange } from "../http/port.ts";
import type { RequestHead as OutsideHead } from "../triple/caller-stream.ts";

/** Content passes through: it is counted nowhere. */
const LIMITS = { ...DEFAULT_HTTP1_LIMITS, maxBodyBytes: Number.MAX_SAFE_INTEGER };
/** Said anew for the next hop, or a gateway's alone to say. */
const ANEW: ReadonlySet<string> = new Set(
  "host content-length transfer-encoding connection keep-alive proxy-connection upgrade te x-forwarded-proto".split(
    " ",
  ),
);
const INNER_START = /^x-(?:envoy|trestle)-/;
/** Bytes that a target may have: what else there is could end its line. */
const TARGET = /^[!-~]+$/;
/** Lines of an answer that are about its connection alone. */
const OF_CONNECTION: ReadonlySet<number> = new Set([TRANSFER_ENCODING, CONNECTION, UPGRADE, EXPECT, HOP]);

/** Where a request goes, and by what it came. */
export interface OutsideParts {
  /** With its query. */
  readonly target: string;
  readonly scheme: "http" | "https";
}

/**
 * The head of a request from outside as an HTTP/1.1 provider is to have it. Its lines are written and read again as HTTP/1.1 has them, so that all
 * that is refused of a caller of HTTP/1.1 is refused of any. Throws `Http1Error`, or `CallError` for what no line can carry.
 */
export function outsideHead({ fields, end, http1 }: OutsideHead, { target, scheme }: OutsideParts): RequestHead {
  let method = "";
  let authority: string | undefined;
  let host = "";
  let length: string | undefined;
  const cookies: string[] = [];
  const lines: Field[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const [name, value] = [fields[i]!, fields[i + 1]!];
    if (name === ":method") method = value;
    else if (name === ":authority") authority = value;
    else if (name === "host") host = value;
    else if (name === "content-length") length = value;
    else if (name === "cookie") cookies.push(value);
    else if (!name.startsWith(":") && !ANEW.has(name) && !INNER_START.test(name)) lines.push([name, value]);
  }
  // HTTP/2 takes cookies apart, HTTP/1.1 has one line of them.
  if (cookies.length > 0) lines.push(["cookie", cookies.join("; ")]);
  lines.push(["host", authority || host], ["x-forwarded-proto", scheme]);
  if (length !== undefined) lines.push(["content-length", length]);
  else if (http1 === undefined ? !end : http1.chunked) lines.push(["transfer-encoding", "chunked"]);
  if (http1?.expectsContinue === true) lines.push(["expect", "100-continue"]);
  if (http1?.upgrade !== undefined) lines.push(["connection", "upgrade"], ["upgrade", http1.upgrade]);
  checkFields(lines);
  if (!isToken(method) || !TARGET.test(target))
    throw new Http1Error(400, "the request's method or target has a wrong form");
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\n${text}\r\n`, "latin1");
  if (bytes.length > LIMITS.maxHeadBytes)
    throw new Http1Error(431, `lines are over the limit of ${LIMITS.maxHeadBytes} bytes`);
  const parsed = parseRequestHead(bytes, 0, bytes.length, LIMITS);
  if (parsed?.next !== bytes.length)
    throw new CallError("invalid_argument", "undecodable", "the request's head ends early");
  return parsed.head;
}

/** An answer's head as HTTP/2 has it, without what was for its connection alone, and as rules change it. */
export function answerFields(head: ResponseHead, change?: HeadChange): string[] {
  const { fields, nominated, status } = head;
  const without = change?.without ?? [];
  const made = [":status", String(status)];
  for (let i = 0; i < fields.count; i++) {
    if (OF_CONNECTION.has(fields.kind(i))) continue;
    const name = fields.name(i).toLowerCase();
    if (!nominated.includes(name) && !without.includes(name)) made.push(name, fields.value(i));
  }
  // What it became is no more than a word to the caller's own connection.
  if (status === 101) made.push("upgrade", fields.get("upgrade") ?? "websocket");
  return change === undefined ? made : [...made, ...plainFields(change.fields)];
}

/** A request's trailers as lines that may stand behind its content. */
export function trailerLines(fields: Fields): Field[] {
  const lines: Field[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (!ANEW.has(fields[i]!) && !INNER_START.test(fields[i]!)) lines.push([fields[i]!, fields[i + 1]!]);
  }
  return lines;
}

/** Lines as HTTP/2 has them: what is about framing and the connection is not among them. */
export function plainFields(lines: readonly Field[]): string[] {
  return lines.flatMap(([name, value]) => {
    const folded = name.toLowerCase();
    return ANEW.has(folded) || folded.startsWith(":") ? [] : [folded, value.trim()];
  });
}
