/**
 * gRPC's numbers as Triple, Dubbo2, HTTP and Dubbo's own exceptions have them. All tables are total.
 *
 * Reference: TriRpcStatus of Apache Dubbo 3.3 for all but Dubbo2's status bytes, which have no mapping of Dubbo's own.
 */
import { CODES, type Code } from "../../base/errors.ts";
import { httpOfCode, statusOfCode } from "../dubbo2/status.ts";
import { encodeFields, FieldCursor, WIRE_BYTES, WIRE_VARINT } from "./protobuf.ts";
import { fromBinaryField, toBinaryField } from "./text.ts";

/** Number of gRPC's UNKNOWN: what Java answers for every exception that it has no number for. */
export const UNKNOWN = 2;
/** `tri-exception-code` of a callee's own exception: Dubbo's BIZ_EXCEPTION, not gRPC's 3. */
export const BUSINESS_EXCEPTION = 3;

/** The number of a `grpc-status` field; 2 for text that is none. */
export function parseStatus(text: string): number {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : UNKNOWN;
  return number < CODES.length ? number : UNKNOWN;
}

/** Code word of gRPC's number; `unknown` beyond 16. */
export function codeOfGrpc(grpc: number): Code {
  return CODES[grpc] ?? "unknown";
}

/** gRPC's number of a code word. */
export function grpcOfCode(code: Code): number {
  return CODES.indexOf(code);
}

/** HTTP status of gRPC's number. */
export function httpOfGrpc(grpc: number): number {
  return httpOfCode(codeOfGrpc(grpc));
}

/** gRPC's number for an answer that has an HTTP status and no `grpc-status`. */
export function grpcOfHttp(http: number): number {
  if ((http >= 100 && http < 200) || http === 400 || http === 431) return 13;
  switch (http) {
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return UNKNOWN;
  }
}

/** gRPC's number of a RpcException's `code`; a method that is not there is 12, since 5 reaches a consumer as an unknown fault. */
export function grpcOfRpcException(code: number): number {
  switch (code) {
    case 1: // NETWORK
    case 7: // LIMIT_EXCEEDED
      return 14;
    case 2: // TIMEOUT
    case 8: // TIMEOUT_TERMINATE
      return 4;
    case 4: // FORBIDDEN
      return 7;
    case 5: // SERIALIZATION
      return 13;
    case 11: // METHOD_NOT_FOUND
      return 12;
    case 13: // AUTHORIZATION
      return 16;
    default:
      return UNKNOWN;
  }
}

/** The `code` that Java's consumers give their RpcException for gRPC's number; 0 is unknown. */
export function rpcExceptionOfGrpc(grpc: number): number {
  switch (grpc) {
    case 4:
      return 2;
    case 7:
      return 4;
    case 12:
      return 11;
    case 14:
      return 1;
    default:
      return 0;
  }
}

/** gRPC's number of a Dubbo2 status byte. Only 14 may be tried again. */
export function grpcOfDubbo2(status: number): number {
  switch (status) {
    case 20:
      return 0;
    case 30:
    case 31:
      return 4;
    case 35:
    case 100:
      return 14;
    case 60:
      return 12;
    case 25:
    case 40:
    case 50:
    case 70:
    case 80:
    case 90:
      return 13;
    default:
      return UNKNOWN;
  }
}

/** Dubbo2 status byte of gRPC's number; 20 with a number other than 0 means an exception body. */
export function dubbo2OfGrpc(grpc: number): number {
  return statusOfCode(codeOfGrpc(grpc));
}

/** What `grpc-status-details-bin` tells. */
export interface StatusDetails {
  readonly code: number;
  readonly message: string;
  /** Of a DebugInfo: the callee's stack trace, and the exception's text. Java to 3.2 sends it. */
  readonly stackTrace: readonly string[];
  readonly detail: string;
}

const DEBUG_INFO = "type.googleapis.com/google.rpc.DebugInfo";
const MAX_STACK_LINES = 1024;

/**
 * Reads a `grpc-status-details-bin`, a google.rpc.Status in base64. Undefined for no base64; throws ProtocolError("triple", ...)
 * for what is no such message. Details of other types are passed over.
 */
export function decodeDetails(value: string): StatusDetails | undefined {
  const bytes = fromBinaryField(value);
  if (bytes === undefined) return undefined;
  let code = 0;
  let message = "";
  const stackTrace: string[] = [];
  let detail = "";
  const status = new FieldCursor(bytes);
  while (status.next()) {
    if (status.field === 1 && status.wire === WIRE_VARINT) code = status.int32();
    else if (status.field === 2 && status.wire === WIRE_BYTES) message = status.text();
    else if (status.field === 3 && status.wire === WIRE_BYTES) {
      const any = new FieldCursor(bytes, status.start, status.stop);
      let type = "";
      let content: Buffer | undefined;
      while (any.next()) {
        if (any.field === 1 && any.wire === WIRE_BYTES) type = any.text();
        else if (any.field === 2 && any.wire === WIRE_BYTES) content = any.content();
      }
      if (type !== DEBUG_INFO || content === undefined) continue;
      const info = new FieldCursor(content);
      while (info.next()) {
        if (info.wire !== WIRE_BYTES) continue;
        if (info.field === 1 && stackTrace.length < MAX_STACK_LINES) stackTrace.push(info.text());
        else if (info.field === 2) detail = info.text();
      }
    }
  }
  return { code, message, stackTrace, detail };
}

/** An exception that is known by its name alone. */
export interface NamedException {
  readonly className: string;
  /** Null where Java's has none. */
  readonly message: string | null;
}

const FIRST_LINE = /^((?:[a-z_][\w$]*\.)+[A-Z_$][\w$]*)(?:: ([\s\S]*))?$/;

/**
 * The exception whose Java stack trace these details are: its first line is `class: message`. Undefined where it is no such line, and for
 * Dubbo's own, which say that the call itself went wrong.
 */
export function exceptionIn({ stackTrace, detail }: StatusDetails): NamedException | undefined {
  const [, className, message] = FIRST_LINE.exec(stackTrace[0] ?? "") ?? [];
  if (className === undefined || /^(?:org\.apache|com\.alibaba)\.dubbo\./.test(className)) return undefined;
  // A message of several lines is whole in the detail alone.
  if (message === undefined) return { className, message: null };
  return { className, message: detail.startsWith(message) ? detail : message };
}

/** A `grpc-status-details-bin` as Java to 3.1 answers an exception; `code` is 0 to 16. */
export function encodeDetails(details: StatusDetails): string {
  const lines = details.stackTrace.map((line) => [1, line] as const);
  const info = encodeFields([...lines, [2, details.detail]]);
  const any = encodeFields([
    [1, DEBUG_INFO],
    [2, info],
  ]);
  const rest = encodeFields([
    [2, details.message],
    [3, any],
  ]);
  return toBinaryField(Buffer.concat([Buffer.of(0x08, details.code & 0x7f), rest]));
}
