/** Streams of one HTTP/2 connection, and where they are kept (RFC 9113 section 5.1). */
import type { Fields } from "../fields.ts";

/** One stream: the handle that events and calls name it by. Only the connection writes its fields, but for `context`. */
export class Http2Stream {
  readonly id: number;
  /** The user's own: whatever belongs to this exchange. */
  context: unknown = undefined;
  /** Bytes of content that we may still send. */
  sendWindow: number;
  /** Bytes that the peer may still send. */
  receiveWindow: number;
  /** Bytes reported and not released. */
  unreleased = 0;
  /** How many of those have had the connection's window given back. */
  shared = 0;
  /** Bytes released and not yet told to the peer. */
  credit = 0;
  /** The peer has ended its side. */
  remoteEnded = false;
  /** We have ended our side, perhaps with bytes still queued. */
  localEnded = false;
  /** Nothing more happens: both sides ended, or it was reset. */
  closed = false;
  /** The peer's first list has come (on a client: the final one). */
  headed = false;
  /** Content that the peer has announced and not sent; -1 for not announced. */
  expectedBytes = -1;
  /** A request with method HEAD: its answer's content-length says nothing. */
  isHead = false;
  /** Copies of content that waits for window; undefined while none ever did. */
  queue: Buffer[] | undefined = undefined;
  queuedBytes = 0;
  /** Free bytes behind the last copy. */
  queueRoom = 0;
  /** What follows the queue: the end, or trailers. */
  queuedEnd = false;
  queuedTrailers: Fields | undefined = undefined;
  queuedNever: readonly string[] | undefined = undefined;
  /** Since when the queue has not moved, ms since 1970. */
  stalledMs = 0;

  constructor(id: number, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }
}

const SLOTS = 256;
const REMEMBERED = 1024;

/** How a stream that is gone ended: `unknown` is one that never was, or long ago. */
export type Ending = "unknown" | "ended" | "we-reset" | "they-reset";
const ENDINGS: readonly Ending[] = ["unknown", "ended", "we-reset", "they-reset"];

/** Open streams by number, and how the last thousand ended. */
export class StreamTable {
  /** By the number's low bits; a stream whose slot is taken by one that lives long is in the map. */
  readonly #slots: (Http2Stream | undefined)[] = new Array(SLOTS).fill(undefined);
  readonly #others = new Map<number, Http2Stream>();
  #endings: Float64Array | undefined;
  #size = 0;

  /** Open streams. */
  get size(): number {
    return this.#size;
  }

  get(id: number): Http2Stream | undefined {
    const stream = this.#slots[(id >> 1) & (SLOTS - 1)];
    if (stream !== undefined && stream.id === id) return stream;
    return this.#others.size === 0 ? undefined : this.#others.get(id);
  }

  add(stream: Http2Stream): void {
    const slot = (stream.id >> 1) & (SLOTS - 1);
    if (this.#slots[slot] === undefined) this.#slots[slot] = stream;
    else this.#others.set(stream.id, stream);
    this.#size++;
  }

  /** Forgets an open stream but for how it ended. */
  remove(stream: Http2Stream, ending: Ending): void {
    const slot = (stream.id >> 1) & (SLOTS - 1);
    if (this.#slots[slot] === stream) this.#slots[slot] = undefined;
    else this.#others.delete(stream.id);
    this.#size--;
    this.remember(stream.id, ending);
  }

  /** Notes how a stream ended that was never open here. */
  remember(id: number, ending: Ending): void {
    this.#endings ??= new Float64Array(REMEMBERED);
    this.#endings[(id >> 1) & (REMEMBERED - 1)] = id * 4 + ENDINGS.indexOf(ending);
  }

  /** How a stream that is not open ended. */
  ending(id: number): Ending {
    const noted = this.#endings?.[(id >> 1) & (REMEMBERED - 1)] ?? 0;
    return Math.floor(noted / 4) === id ? ENDINGS[noted % 4] : "unknown";
  }

  /** All open streams, oldest first as far as slots tell. */
  all(): Http2Stream[] {
    const open = this.#slots.filter((stream) => stream !== undefined);
    open.push(...this.#others.values());
    return open.sort((a, b) => a.id - b.id);
  }
}
