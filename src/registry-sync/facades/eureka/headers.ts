import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** One request as it is passed on. */
export interface PassedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
  /** Aborted where nobody waits for its answer any more. */
  readonly signal?: AbortSignal;
}

/** Headers that end at each hop, and what the connection to a server says anew. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"],
  ...["host", "content-length", "expect"],
]);

/**
 * The headers with the body's length. Node sends the body of a GET without one as if it were another request, and one client's body
 * would be answered to the next.
 */
export function framedHeaders({ method, headers, body }: PassedRequest): OutgoingHttpHeaders {
  const hasNone = body.length === 0 && (method === "GET" || method === "HEAD");
  return hasNone ? headers : { ...headers, "content-length": body.length };
}

/** The headers that are passed on, either way; those that a `Connection` header names are not. */
export function passedHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = new Set(`${headers.connection ?? ""}`.toLowerCase().split(/\s*,\s*/));
  return Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => value !== undefined && !HOP_BY_HOP.has(name) && !named.has(name)),
  ) as OutgoingHttpHeaders;
}
