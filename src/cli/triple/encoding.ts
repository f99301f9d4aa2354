import { gunzipSync, inflateSync } from "node:zlib";
import { CallError } from "../../base/errors.ts";

/** What a server may compress its messages with, as `grpc-accept-encoding` names it. */
export const ACCEPTED_ENCODINGS = "identity,gzip,deflate";

/**
 * A compressed message's content; `encoding` is the answer's `grpc-encoding`. Throws `CallError`: `over_limit` when it is more than
 * `maxBytes`, before more than that is held; `undecodable` for an encoding that was not offered and for content that is damaged.
 */
export function inflate(message: Buffer, encoding: string | undefined, maxBytes: number): Buffer {
  if (encoding !== "gzip" && encoding !== "deflate") {
    const named = encoding === undefined ? "names no grpc-encoding" : `has grpc-encoding ${JSON.stringify(encoding)}`;
    const text = `grpc message is compressed, but its answer ${named}; ${ACCEPTED_ENCODINGS} were offered`;
    throw new CallError("internal", "undecodable", text);
  }
  try {
    const options = { maxOutputLength: Math.max(1, maxBytes) };
    return encoding === "gzip" ? gunzipSync(message, options) : inflateSync(message, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      const text = `grpc message is over maxMessageBytes ${maxBytes} once decompressed`;
      throw new CallError("resource_exhausted", "over_limit", text);
    }
    throw new CallError("internal", "undecodable", `grpc message is no ${encoding}: ${(error as Error).message}`);
  }
}
