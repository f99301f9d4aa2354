import type { Fields } from "../../codecs/fields.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import { type CallerStream, StreamBefore } from "../triple/caller-stream.ts";

/** Content that may follow an answer which did not wait for it, bytes. */
const MAX_LATE_BYTES = 64 * 1024;

/**
 * The stream of a caller outside the mesh. Answers get `added` behind the fields of their head, and their own fields of that kind go; where it
 * is undefined they stay as they are. An answer that comes before its request has ended does not cut that off while little more of it comes: curl 7.88 reports such an
 * answer as lost.
 */
export class OutsideStream extends StreamBefore {
  readonly #added: Fields | undefined;
  /** Content since the rest of the request is not wanted; undefined while it is. */
  #lateBytes: number | undefined;

  constructor(to: CallerStream, added: Fields | undefined) {
    super(to);
    this.#added = added;
  }

  override head(fields: Fields, end: boolean, never: readonly string[]): void {
    const added = this.#added;
    if (added === undefined) {
      this.to.head(fields, end, never);
      return;
    }
    const kept: string[] = [];
    for (let i = 0; i < fields.length; i += 2) {
      if (!fields[i]!.startsWith("access-control-")) kept.push(fields[i]!, fields[i + 1]!);
    }
    this.to.head([...kept, ...added], end, never);
  }

  override release(bytes: number): void {
    this.to.release(bytes);
    if (this.#lateBytes === undefined || this.closed) return;
    this.#lateBytes += bytes;
    if (this.#lateBytes > MAX_LATE_BYTES) this.to.reset(ERROR.none);
  }

  override reset(code: number): void {
    if (code === ERROR.none) this.#lateBytes ??= 0;
    else this.to.reset(code);
  }
}
