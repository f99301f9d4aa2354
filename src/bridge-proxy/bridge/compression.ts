import { gunzipSync, inflateSync } from "node:zlib";
import { CallError, ProtocolError } from "../../base/errors.ts";

/** What `grpc-encoding` may name beside `identity`. */
const INFLATERS: Readonly<Record<string, typeof gunzipSync>> = { gzip: gunzipSync, deflate: inflateSync };

/**
 * A message that is compressed as its head's `grpc-encoding` says, as it was before. No more than `maxBytes` are ever made of it. Throws
 * CallError `unimplemented` for an encoding that is not known and `resource_exhausted` beyond the limit, `ProtocolError` for what is not
 * in that encoding.
 */
export function inflated(message: Buffer, encoding: string, maxBytes: number): Buffer {
  const inflate = Object.hasOwn(INFLATERS, encoding) ? INFLATERS[encoding] : undefined;
  if (inflate === undefined) {
    const text = `messages compressed by ${JSON.stringify(encoding.slice(0, 40))} are not read, those by gzip and deflate are`;
    throw new CallError("unimplemented", "untranslatable", text);
  }
  try {
    return inflate(message, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      const text = `message of ${message.length} bytes is over the limit ${maxBytes} when it is inflated`;
      throw new CallError("resource_exhausted", "over_limit", text);
    }
    throw new ProtocolError("triple", `message is not compressed by ${encoding}, as its head says`);
  }
}
