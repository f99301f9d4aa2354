import { cleanText, firstLine } from "../../base/clean-text.ts";
import { CallError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";

/** Names of HTTP/2's error codes, RFC 9113 section 7. */
const CODES: readonly string[] = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

/** How a stream ended before its answer, as a clause behind the peer's address; `why` is `""` where the peer reset it. */
export function describeReset(code: number, why: string): string {
  return why === "" ? `reset the call (${nameOf(code)})` : `broke HTTP/2: ${why}`;
}

/** What a peer's goodbye said, to be put behind another text. */
export function describeGoaway(code: number, debug: string): string {
  return ` after GOAWAY (${nameOf(code)}${debug === "" ? "" : `: ${cleanText(debug)}`})`;
}

/** What a peer that speaks no HTTP/2 speaks, by its first bytes: a clause behind its address. */
export function describeStranger(first: Buffer): string {
  const text = first.toString("latin1");
  if (text.startsWith("HTTP/1.")) return `speaks HTTP/1, not HTTP/2: it answered "${firstLine(text)}"`;
  if (first[0] === 0xda && first[1] === 0xbb) return "speaks Dubbo2, not HTTP/2; call it by dubbo://";
  if (first[0] === 0x15 && first[1] === 0x03) return "speaks TLS, which this command does not";
  if (/^[\t\r\n\x20-\x7e]+$/.test(text)) return `speaks no HTTP/2: it answered "${firstLine(text.trimStart())}"`;
  return `speaks no HTTP/2: it answered with bytes ${first.toString("hex", 0, 16)}`;
}

/** Why an answer with this head has no messages of gRPC in it; undefined where it has. */
export function unframed(head: Fields): CallError | undefined {
  const status = fieldValue(head, ":status") ?? "";
  const type = fieldValue(head, "content-type") ?? "none";
  if (status === "200" && type.startsWith("application/grpc")) return undefined;
  const text = `the answer has http status ${cleanText(status)} and content-type ${cleanText(type)}: this is no gRPC`;
  return new CallError("unknown", "undecodable", text);
}

/** gRPC's number of an answer that says that the caller's time was over: the same as none, whoever notices first. */
export const DEADLINE_EXCEEDED = 4;

/** The end of a call that the callee, at `address`, gave up for the time that it had. */
export function lateAnswer(address: string, text: string): CallError {
  const said = firstLine(text);
  const why = `no answer from ${address} in time: it gave up${said === "" ? "" : ` (${said})`}`;
  return new CallError("deadline_exceeded", "timeout", why);
}

function nameOf(code: number): string {
  return CODES[code] ?? `code ${code}`;
}
