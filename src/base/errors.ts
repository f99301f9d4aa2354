/**
 * The peer broke a protocol's wire rules, or a limit of ours.
 * The socket driver answers with the protocol's goodbye where it has one, flushes and closes that connection alone.
 */
export class ProtocolError extends Error {
  readonly protocol: string;
  /** Byte offset within the message where the fault was found; -1 where there is none. */
  readonly offset: number;

  constructor(protocol: string, message: string, offset = -1) {
    super(message);
    this.name = "ProtocolError";
    this.protocol = protocol;
    this.offset = offset;
  }
}

/** The sixteen gRPC codes by name, and `ok`: one vocabulary for all protocols (each protocol's `status.ts` maps it). */
export const CODES = [
  "ok",
  "cancelled",
  "unknown",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

/** One of {@link CODES}; its index in that list is gRPC's number. */
export type Code = (typeof CODES)[number];

/** Why one call could not go on: the row of the answer table (docs/rules.md) that says what the caller is told. */
export type CallReason =
  | "no_route"
  | "no_endpoint"
  | "connect_failure"
  | "reset"
  | "timeout"
  | "overflow"
  | "rate_limited"
  | "denied"
  | "unauthenticated"
  | "fault"
  | "over_limit"
  | "undecodable"
  | "untranslatable"
  | "internal";

/** One call cannot go on. Caught at the outermost place, which answers in the caller's own protocol. */
export class CallError extends Error {
  readonly code: Code;
  readonly reason: CallReason;

  constructor(code: Code, reason: CallReason, message: string) {
    super(message);
    this.name = "CallError";
    this.code = code;
    this.reason = reason;
  }
}

/** A place in a text file, as an editor counts: from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Rule or configuration text is wrong. Collected and reported together; the last good state stays in force. */
export class ConfigError extends Error {
  /** Where inside the document, such as `spec.http[0].route`. */
  readonly path: string;
  readonly position: Position | undefined;

  constructor(path: string, message: string, position?: Position) {
    super(message);
    this.name = "ConfigError";
    this.path = path;
    this.position = position;
  }
}

/** A registry, CA or control peer is out of reach for now. The loop that meets it logs once per change of state and backs off. */
export class TransientError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TransientError";
  }
}
