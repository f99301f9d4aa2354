import type { Fields } from "../../codecs/fields.ts";
import type { Outcome } from "../policies/outcome.ts";
import type { CallerStream, RequestHead } from "./caller-stream.ts";

/** What serves one request, as the caller's connection tells it of the request. */
export interface ServedRequest {
  /** Its place among its caller's requests; the caller's own. */
  place: number;
  /** It says itself when a caller is to send content that waits to be asked for. */
  readonly asksForContent?: boolean;
  /** Trailers of a request over HTTP/1.1 go on with it; of others, which end with their content, they are dropped. */
  readonly takesTrailers?: boolean;
  /** Said once, before anything else. */
  start(): void;
  /** Content of the request. */
  onRequestData(bytes: Buffer, end: boolean): void;
  /** The request ends with trailers. */
  onRequestTrailers(fields: Fields): void;
  /** The answer's queued content has gone to the caller. */
  onCallerDrain(): void;
  /** The caller ended the call, or its connection is gone; `outcome` is what the call is counted as where it was ended for the caller. */
  onCallerGone(outcome?: Outcome): void;
}

/** The caller's side of its requests. */
export interface TripleCallerPort {
  /** The request has been served. */
  forget(request: ServedRequest): void;
}

/** A request as its connection received it. */
export interface Arrived {
  readonly port: TripleCallerPort;
  readonly stream: CallerStream;
  readonly head: RequestHead;
  /** Whether other requests of the connection have the same header list. */
  readonly shared: boolean;
  /** When it came, ms of the context's clock; absent for now. */
  readonly sinceMs?: number;
}
