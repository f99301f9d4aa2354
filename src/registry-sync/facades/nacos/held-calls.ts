import type { Http2Stream } from "../../../codecs/http2/stream.ts";
import type { NacosPayload } from "../../../codecs/nacos/payload.ts";
import type { ClientCall } from "./downstream.ts";
import type { ServerCall } from "./upstream.ts";

/** A call of a client on its way. */
export interface Pending {
  readonly call: ClientCall;
  readonly payload: NacosPayload;
  /** Undefined while no server was asked. */
  server: ServerCall | undefined;
}

/** How long a call waits for a server, ms: clients give up after 3 s. */
export const HELD_MS = 2_500;
const MAX_CALLS = 1_024;
const MAX_BYTES = 32 * 1024 * 1024;

/** Calls of one client that wait for a server. */
export class HeldCalls {
  #calls: Pending[] = [];
  #bytes = 0;

  get size(): number {
    return this.#calls.length;
  }

  /** Of their messages. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a call; false where there are too many already. */
  hold(pending: Pending): boolean {
    const bytes = pending.call.message.length;
    if (this.#calls.length >= MAX_CALLS || this.#bytes + bytes > MAX_BYTES) return false;
    this.#bytes += bytes;
    this.#calls.push(pending);
    return true;
  }

  /** All of them, oldest first; none is kept any more. */
  take(): Pending[] {
    return this.#remove(() => true);
  }

  /** Those that have waited too long; they are kept no more. */
  expire(nowMs: number): Pending[] {
    return this.#calls.length === 0 ? [] : this.#remove(({ call }) => nowMs - call.sinceMs >= HELD_MS);
  }

  /** The client waits for that answer no longer. */
  cancel(stream: Http2Stream): void {
    if (this.#calls.length > 0) this.#remove(({ call }) => call.stream === stream);
  }

  #remove(isGone: (pending: Pending) => boolean): Pending[] {
    const gone = this.#calls.filter(isGone);
    if (gone.length === 0) return gone;
    this.#calls = this.#calls.filter((pending) => !gone.includes(pending));
    for (const { call } of gone) this.#bytes -= call.message.length;
    return gone;
  }
}
