/**
 * What Dubbo2's status byte means in the words that rules and metrics use, and back.
 * Reference: Response of Apache Dubbo 3.3 for the numbers, docs/rules.md for the answer table.
 */
import { type CallReason, CODES, type Code } from "../../base/errors.ts";

/** A value, null, or an exception of the callee's own code. */
export const OK = 20;
/**
 * A provider could not put its answer into bytes, or the answer is over its `payload`; consumers report it as a
 * serialization error.
 */
export const SERIALIZATION_ERROR = 25;
/**
 * Made by a consumer for itself when its request was never written; no Java peer sends it, one that
 * gets it reports a time-out.
 */
export const CLIENT_TIMEOUT = 30;
/** The call took too long. Java consumers make it for themselves; sent by a proxy it is a time-out to them all the same. */
export const SERVER_TIMEOUT = 31;
/** Made by a consumer for itself when its connection was lost; no Java peer sends it. */
export const CHANNEL_INACTIVE = 35;
/** A provider could not read the body of a request; in 3.x also when it does not know the service. */
export const BAD_REQUEST = 40;
/** A provider could not encode its result. */
export const BAD_RESPONSE = 50;
/** No such service. No Java peer sends it: proxies do, Envoy's among them. */
export const SERVICE_NOT_FOUND = 60;
/** A provider's invoker threw before there was a result, as for a service that is not exported there. */
export const SERVICE_ERROR = 70;
/** A provider failed to dispatch the call; also what proxies answer when a provider cannot be reached. */
export const SERVER_ERROR = 80;
/** Made by a consumer for itself when an answer cannot be read or is over its `payload`; no Java peer sends it. */
export const CLIENT_ERROR = 90;
/** A provider has no thread free for the call. */
export const THREADPOOL_EXHAUSTED = 100;

/** One status byte as rules and metrics see it. */
export interface StatusMeaning {
  /** Dubbo's name in lower case; `unknown` for a byte that Dubbo has no name for. */
  readonly name: string;
  readonly code: Code;
  readonly http: number;
  readonly grpc: number;
}

const UNKNOWN: StatusMeaning = meaning("unknown", "internal", 500);
const MEANINGS: readonly StatusMeaning[] = Object.assign(new Array<StatusMeaning>(256).fill(UNKNOWN), {
  [OK]: meaning("ok", "ok", 200),
  [SERIALIZATION_ERROR]: meaning("serialization_error", "internal", 500),
  [CLIENT_TIMEOUT]: meaning("client_timeout", "deadline_exceeded", 504),
  [SERVER_TIMEOUT]: meaning("server_timeout", "deadline_exceeded", 504),
  [CHANNEL_INACTIVE]: meaning("channel_inactive", "unavailable", 503),
  [BAD_REQUEST]: meaning("bad_request", "internal", 500),
  [BAD_RESPONSE]: meaning("bad_response", "internal", 500),
  [SERVICE_NOT_FOUND]: meaning("service_not_found", "internal", 500),
  [SERVICE_ERROR]: meaning("service_error", "internal", 500),
  [SERVER_ERROR]: meaning("server_error", "unavailable", 503),
  [CLIENT_ERROR]: meaning("client_error", "internal", 500),
  [THREADPOOL_EXHAUSTED]: meaning("threadpool_exhausted", "unavailable", 503),
});

/** Meaning of a callee's own status byte; total over 0 to 255. */
export function statusMeaning(status: number): StatusMeaning {
  return MEANINGS[status & 0xff]!;
}

/** What a caller is told when the proxy answers by itself, and what rules and metrics see of it. */
export interface OwnAnswer {
  /** Status byte; 20 means an exception body, which consumers do not send again. */
  readonly status: number;
  readonly code: Code;
  readonly http: number;
  readonly grpc: number;
  /** Envoy's response flag; `-` for none. */
  readonly flag: string;
}

const OWN_ANSWERS: Readonly<Record<CallReason, OwnAnswer>> = {
  no_route: own(SERVICE_NOT_FOUND, "unimplemented", 404, "NR"),
  no_endpoint: own(SERVER_ERROR, "unavailable", 503, "UH"),
  connect_failure: own(SERVER_ERROR, "unavailable", 503, "UF"),
  reset: own(SERVER_ERROR, "unavailable", 503, "UC"),
  timeout: own(SERVER_TIMEOUT, "deadline_exceeded", 504, "UT"),
  overflow: own(THREADPOOL_EXHAUSTED, "unavailable", 503, "UO"),
  rate_limited: own(OK, "resource_exhausted", 429, "RL"),
  denied: own(OK, "permission_denied", 403, "-"),
  unauthenticated: own(OK, "unauthenticated", 401, "-"),
  fault: own(SERVER_ERROR, "unavailable", 503, "FI"),
  over_limit: own(BAD_REQUEST, "invalid_argument", 400, "DPE"),
  undecodable: own(BAD_REQUEST, "invalid_argument", 400, "DPE"),
  untranslatable: own(BAD_REQUEST, "unimplemented", 501, "DPE"),
  internal: own(SERVER_ERROR, "internal", 500, "-"),
};

/** The answer to a call that could not go on. For `fault` see {@link abortAnswer}: it depends on the rule's number. */
export function ownAnswer(reason: CallReason): OwnAnswer {
  return OWN_ANSWERS[reason];
}

/** The answer of a fault abort with HTTP status `http`: an exception below 500, status 80 from there on. */
export function abortAnswer(http: number): OwnAnswer {
  return own(http < 500 ? OK : SERVER_ERROR, codeOfHttp(http), http, "FI");
}

/** The answer of a fault abort with gRPC status `grpc` (0 to 16; others count as unknown): judged by its HTTP form. */
export function abortAnswerOfGrpc(grpc: number): OwnAnswer {
  const code = CODES[grpc] ?? "unknown";
  const http = HTTP_OF_CODE[code];
  return own(http < 500 ? OK : SERVER_ERROR, code, http, "FI");
}

/** Status byte for an answer that another protocol's callee gave; total over the code words. 20 means an exception body. */
export function statusOfCode(code: Code): number {
  return STATUS_OF_CODE[code];
}

/** HTTP status of a code word. */
export function httpOfCode(code: Code): number {
  return HTTP_OF_CODE[code];
}

/** Code word of an HTTP status, as gRPC's HTTP mapping with the finer words where they are unambiguous; total. */
export function codeOfHttp(http: number): Code {
  if (http < 400) return http >= 200 && http < 300 ? "ok" : "unknown";
  switch (http) {
    case 400:
      return "invalid_argument";
    case 401:
      return "unauthenticated";
    case 403:
      return "permission_denied";
    case 404:
      return "unimplemented";
    case 409:
      return "aborted";
    case 429:
      return "resource_exhausted";
    case 499:
      return "cancelled";
    case 500:
      return "internal";
    case 501:
      return "unimplemented";
    case 502:
    case 503:
      return "unavailable";
    case 504:
      return "deadline_exceeded";
    default:
      return "unknown";
  }
}

const STATUS_OF_CODE: Readonly<Record<Code, number>> = {
  ok: OK,
  cancelled: SERVER_ERROR,
  unknown: OK,
  invalid_argument: BAD_REQUEST,
  deadline_exceeded: SERVER_TIMEOUT,
  not_found: OK,
  already_exists: OK,
  permission_denied: OK,
  resource_exhausted: THREADPOOL_EXHAUSTED,
  failed_precondition: OK,
  aborted: OK,
  out_of_range: OK,
  unimplemented: SERVICE_NOT_FOUND,
  internal: SERVICE_ERROR,
  unavailable: SERVER_ERROR,
  data_loss: SERVICE_ERROR,
  unauthenticated: OK,
};

const HTTP_OF_CODE: Readonly<Record<Code, number>> = {
  ok: 200,
  cancelled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
};

function meaning(name: string, code: Code, http: number): StatusMeaning {
  return { name, code, http, grpc: CODES.indexOf(code) };
}

function own(status: number, code: Code, http: number, flag: string): OwnAnswer {
  return { status, code, http, grpc: CODES.indexOf(code), flag };
}
