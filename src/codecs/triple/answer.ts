/**
 * The head and the trailers of an answer, and what they say of its message.
 *
 * | answer | head | message | trailers |
 * |---|---|---|---|
 * | value | 200 | the value | `grpc-status: 0` |
 * | exception, wrapped methods of 3.2 and later | 200, `tri-exception-code` | wrapper of the Throwable | `grpc-status: 0` |
 * | exception, 3.1 and earlier | 200 | none | `grpc-status` not 0, `grpc-status-details-bin` |
 * | error | 200 | none | `grpc-status` not 0, `grpc-message` |
 *
 * Without a message the head may be left out: then the trailers have `:status` and `content-type`.
 * Reference: UnaryServerCallListener of Apache Dubbo 3.2, ExceptionCustomizerWrapper of 3.3.
 */
import { ProtocolError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../fields.ts";
import type { Value } from "../value.ts";
import { type Attachments, parseAttachments, printAttachments } from "./attachments.ts";
import {
  BUSINESS_EXCEPTION,
  decodeDetails,
  encodeDetails,
  grpcOfHttp,
  parseStatus,
  type StatusDetails,
  UNKNOWN,
} from "./status.ts";
import { decodeMessage, encodeMessage } from "./text.ts";

/** An answer's head and trailers, read. */
export interface Answer {
  /** `exception`: the message is a wrapper of the callee's Throwable, though `grpc` is 0. */
  readonly type: "value" | "exception" | "error";
  /** gRPC's number. */
  readonly grpc: number;
  /** Of exceptions: {@link BUSINESS_EXCEPTION} for the callee's own, else gRPC's number; 0 where there is none. */
  readonly exceptionCode: number;
  /** Empty where there is none. */
  readonly message: string;
  readonly details: StatusDetails | undefined;
  readonly attachments: Attachments;
}

/** The `tri-exception-code` of an answer's head, 0 for none: known before the message is. */
export function exceptionCodeOf(head: Fields): number {
  const text = fieldValue(head, "tri-exception-code") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

/**
 * Reads an answer. `head` is null for trailers alone, `trailers` null where the callee ended without. Total: what an answer
 * lacks makes it an error with number 2 or that of its HTTP status, as in Java's consumers.
 */
export function parseAnswer(head: Fields | null, trailers: Fields | null): Answer {
  const first = head ?? trailers ?? [];
  const last = trailers ?? first;
  const attachments = parseAttachments(last);
  const http = Number(fieldValue(first, ":status") ?? 0);
  const status = fieldValue(last, "grpc-status");
  const error = (grpc: number, message: string): Answer => {
    return { type: "error", grpc, exceptionCode: 0, message, details: detailsOf(last), attachments };
  };
  if (status === undefined) {
    if (http !== 200) return error(grpcOfHttp(http), `answer with http status ${http} and without grpc-status`);
    return error(UNKNOWN, "answer without grpc-status");
  }
  const grpc = parseStatus(status);
  const message = decodeMessage(fieldValue(last, "grpc-message") ?? "");
  if (grpc !== 0) return error(grpc, message);
  const exceptionCode = head === null ? 0 : exceptionCodeOf(head);
  const type = exceptionCode === 0 ? "value" : "exception";
  return { type, grpc, exceptionCode, message, details: undefined, attachments };
}

function detailsOf(fields: Fields): StatusDetails | undefined {
  const value = fieldValue(fields, "grpc-status-details-bin");
  if (value === undefined) return undefined;
  try {
    return decodeDetails(value);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** The head of an answer that has a message; `exceptionCode` 0 for a value. */
export function printAnswerHead(exceptionCode = 0): string[] {
  const fields = [":status", "200", "content-type", "application/grpc+proto"];
  if (exceptionCode !== 0) fields.push("tri-exception-code", String(exceptionCode));
  return fields;
}

/** What ends an answer. */
export interface TrailersParts {
  readonly grpc: number;
  /** Empty for none. */
  readonly message?: string;
  /** For callers of 3.1 and earlier, which read an exception from here alone. */
  readonly details?: StatusDetails;
  readonly attachments?: Iterable<readonly [string, Value]>;
}

/**
 * The trailers of an answer; `alone` when there was no head before them. `dropped`: attachments that no field can carry. Throws
 * CallError `invalid_argument` where an attachment has control characters.
 */
export function printTrailers(
  parts: TrailersParts,
  alone = false,
): { readonly fields: string[]; readonly dropped: string[] } {
  const fields = alone ? printAnswerHead() : [];
  fields.push("grpc-status", String(parts.grpc));
  if (parts.message !== undefined && parts.message !== "") fields.push("grpc-message", encodeMessage(parts.message));
  if (parts.details !== undefined) fields.push("grpc-status-details-bin", encodeDetails(parts.details));
  return { fields, dropped: printAttachments(parts.attachments ?? [], fields) };
}

/** The `tri-exception-code` for an exception that stands for gRPC's number `grpc`: 3 for every one that has no number of its own. */
export function exceptionCodeFor(grpc: number): number {
  return grpc === UNKNOWN ? BUSINESS_EXCEPTION : grpc;
}
