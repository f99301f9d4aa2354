import type { Fields } from "../fields.ts";
import type { Http2Stream } from "./stream.ts";

/**
 * What a connection reports. Of each stream: `head` (a client's may be preceded by informational ones), `data`s, then an end, which is
 * `end` on one of those, or `trailers`; or a `reset` at any time, after which nothing comes.
 */
export type Http2Event =
  | {
      readonly type: "head";
      readonly stream: Http2Stream;
      readonly fields: Fields;
      /** Names of fields that no hop may index. */
      readonly never: readonly string[];
      /** `fields` is one list for all heads alike on this connection: what is known of it is worth remembering. */
      readonly shared: boolean;
      /** A 1xx answer: the real one follows. */
      readonly informational: boolean;
      readonly end: boolean;
    }
  | { readonly type: "data"; readonly stream: Http2Stream; readonly bytes: Buffer; readonly end: boolean }
  | {
      readonly type: "trailers";
      readonly stream: Http2Stream;
      readonly fields: Fields;
      readonly never: readonly string[];
    }
  /** The stream is gone; `why` is `""` when the peer reset it, else which rule it broke. A refused one was not begun over there. */
  | { readonly type: "reset"; readonly stream: Http2Stream; readonly code: number; readonly why: string }
  /** Nothing of the stream's content waits any longer; a stream that has ended may be reported too. */
  | { readonly type: "drain"; readonly stream: Http2Stream }
  /** The peer takes no new streams; those above `lastStream` have been reported as refused. */
  | { readonly type: "goaway"; readonly code: number; readonly lastStream: number; readonly debug: string }
  /** The peer's SETTINGS have come: `canOpen` may have changed. */
  | { readonly type: "settings" }
  | { readonly type: "pong" }
  /** The graceful goodbye is complete: close. */
  | { readonly type: "drained" };
