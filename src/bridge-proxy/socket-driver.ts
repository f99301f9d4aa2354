import { type OnReadOpts, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Reader, Slab } from "./slab.ts";

/** What a {@link SocketDriver} tells its owner. */
export interface SocketOwner {
  /** `bytes[start, end)` arrived; the owner may change and keep them. A thrown error ends the connection. */
  onBytes(bytes: Buffer, start: number, end: number): void;
  /** The end of a turn in which {@link SocketDriver.wake} or `append` was called: the last chance to append. */
  onFlush?(): void;
  /** The connection is gone, exactly once; `error` where it did not end in an orderly way. */
  onClosed(error: Error | undefined): void;
}

/** Pieces up to this size are joined into one write; larger ones go out as they are, but for TLS, where Node would join them at a higher price. */
const JOIN_BYTES = 128 * 1024;
/** Pieces whose places a connection keeps from turn to turn. */
const KEPT_PLACES = 16;
const NOTHING = Buffer.alloc(0);

/** Collects what is to be written in one turn of the event loop and writes it at the turn's end, all sockets together. */
export class FlushQueue {
  /** Where all sockets of the queue read to. */
  readonly slab = new Slab();
  #dirty: SocketDriver[] = [];
  #scheduled = false;
  readonly #run = () => this.flush();

  add(driver: SocketDriver): void {
    this.#dirty.push(driver);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  /** Writes everything queued so far. */
  flush(): void {
    this.#scheduled = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const driver of dirty) {
      try {
        driver.flush();
      } catch (error) {
        // As when it is thrown where bytes arrive: it ends that connection alone.
        driver.socket.destroy(error as Error);
      }
    }
  }
}

/** The only place where the data path touches sockets: reads chunks, gathers output, counts what the peer has not taken yet. */
export class SocketDriver {
  readonly socket: Socket;
  readonly #queue: FlushQueue;
  readonly #owner: SocketOwner;
  readonly #isTls: boolean;
  /** Places are used again: arrays that are emptied and filled anew each turn cost more than what they hold. */
  #buffers: Buffer[] = [];
  #starts: number[] = [];
  #ends: number[] = [];
  #count = 0;
  #queuedBytes = 0;
  #dirty = false;
  #closed = false;
  #endAfterFlush = false;
  #onDrained: (() => void) | undefined;

  /** `open` makes the socket, which must read as it is told. */
  constructor(open: (onread: OnReadOpts) => Socket, queue: FlushQueue, owner: SocketOwner) {
    this.#queue = queue;
    this.#owner = owner;
    const reader = new Reader(queue.slab);
    let failure: Error | undefined;
    const callback = (size: number): boolean => {
      try {
        reader.received(size);
        owner.onBytes(reader.bytes, reader.start, reader.start + size);
      } catch (error) {
        failure = error as Error;
        this.flush();
        socket.destroy();
      }
      return true;
    };
    const socket = open({ buffer: () => reader.nextBuffer(), callback });
    this.socket = socket;
    this.#isTls = (socket as Partial<TLSSocket>).encrypted === true;
    socket.setNoDelay(true);
    socket.on("drain", () => this.#settleDrained());
    socket.on("error", (error) => {
      failure ??= error;
      // A TLS socket stays open over what is wrong behind its handshake.
      socket.destroy();
    });
    socket.on("close", () => {
      this.#closed = true;
      this.#forget();
      reader.close();
      owner.onClosed(failure);
    });
  }

  get closed(): boolean {
    return this.#closed || this.socket.destroyed;
  }

  /** `end` was called: what is appended from now on may never leave. */
  get isEnding(): boolean {
    return this.#endAfterFlush;
  }

  /** Bytes given to `append` that the kernel has not taken yet. */
  get backlogBytes(): number {
    return this.#queuedBytes + this.socket.writableLength;
  }

  /** Queues `bytes[start, end)`; the caller must not change that range afterwards. Neighbouring ranges go out as one. */
  append(bytes: Buffer, start: number, end: number): void {
    const count = this.#count;
    if (count > 0 && this.#buffers[count - 1] === bytes && this.#ends[count - 1] === start) {
      this.#ends[count - 1] = end;
    } else {
      this.#buffers[count] = bytes;
      this.#starts[count] = start;
      this.#ends[count] = end;
      this.#count = count + 1;
    }
    this.#queuedBytes += end - start;
    this.wake();
  }

  /** Has `flush` run at the end of this turn. */
  wake(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#queue.add(this);
  }

  /** Writes what is queued; `FlushQueue` calls it once a turn. */
  flush(): void {
    this.#owner.onFlush?.();
    this.#dirty = false;
    if (this.#count > 0) {
      if (!this.closed) this.#write(this.#count);
      this.#forget();
    }
    // A write that the kernel took whole is never followed by a "drain".
    if (this.#onDrained !== undefined && !this.#isFull()) this.#settleDrained();
    // Whoever waits for room may have more to send: the end comes behind that.
    if (this.#endAfterFlush && this.#onDrained === undefined && !this.#dirty && !this.closed) this.socket.end();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Calls `run` once the kernel has taken what is queued now; one at a time, a later one takes the place of an earlier. */
  onDrained(run: () => void): void {
    this.#onDrained = run;
    if (!this.#dirty && !this.#isFull()) this.#settleDrained();
  }

  /** Ends the connection in order, after what is queued and what somebody appends who waits for `onDrained`. */
  end(): void {
    this.#endAfterFlush = true;
    this.wake();
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.socket.destroy();
  }

  /** A socket that was ended never says that it drained, nor that it has to: whoever waits for that waits for its close. */
  #isFull(): boolean {
    const { socket } = this;
    return socket.writableNeedDrain || (socket.writableEnded && socket.writableLength > 0);
  }

  #settleDrained(): void {
    if (this.#queuedBytes > 0) return;
    const run = this.#onDrained;
    this.#onDrained = undefined;
    run?.();
    if (run !== undefined && this.#endAfterFlush) this.wake();
  }

  #forget(): void {
    if (this.#count > KEPT_PLACES) {
      this.#buffers = [];
      this.#starts = [];
      this.#ends = [];
    } else {
      for (let i = 0; i < this.#count; i++) this.#buffers[i] = NOTHING;
    }
    this.#count = 0;
    this.#queuedBytes = 0;
  }

  #write(count: number): void {
    const socket = this.socket;
    if (count === 1) {
      const bytes = this.#buffers[0]!;
      const isWhole = this.#starts[0] === 0 && this.#ends[0] === bytes.length;
      socket.write(isWhole ? bytes : bytes.subarray(this.#starts[0], this.#ends[0]));
      return;
    }
    const size = this.#queuedBytes;
    if (size <= JOIN_BYTES || this.#isTls) {
      const { slab } = this.#queue;
      const isSmall = size <= JOIN_BYTES;
      const start = isSmall ? slab.place(size) : 0;
      const joined = isSmall ? slab.bytes : Buffer.allocUnsafeSlow(size);
      let at = start;
      for (let i = 0; i < count; i++) at += this.#buffers[i]!.copy(joined, at, this.#starts[i], this.#ends[i]);
      socket.write(joined.subarray(start, at));
      return;
    }
    socket.cork();
    for (let i = 0; i < count; i++) socket.write(this.#buffers[i]!.subarray(this.#starts[i], this.#ends[i]));
    socket.uncork();
  }
}

/**
 * The same connection as a socket that reads as `onread` says: node:net offers that for connections that are made, but not for
 * accepted ones, so the kernel's end is moved over. `accepted` is of no use afterwards.
 */
export function adopt(accepted: Socket, onread: OnReadOpts): Socket {
  const open = prepared.get(accepted);
  if (open !== undefined) return open(onread);
  const handle = takeHandle(accepted);
  return handle === undefined ? accepted : new Socket({ handle, onread } as object);
}

const prepared = new WeakMap<Socket, (onread: OnReadOpts) => Socket>();

/** Has {@link adopt} take a connection that was read from already: `first`, which nobody has used, is the first that is read as `onread` says. */
export function prepare(accepted: Socket, first: Buffer, open: (onread: OnReadOpts) => Socket): void {
  prepared.set(accepted, (onread) => {
    prepared.delete(accepted);
    // By then whoever adopts it has it.
    process.nextTick(() => feed(onread, first));
    return open(onread);
  });
}

/** In reads that are small, after which a {@link Reader} takes no memory of its own that the socket would not know of. */
const FED_BYTES = 8 * 1024;

function feed({ buffer, callback }: OnReadOpts, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    const into = typeof buffer === "function" ? buffer() : buffer;
    const size = Math.min(FED_BYTES, bytes.length - at);
    into.set(bytes.subarray(at, at + size));
    callback(size, into);
    at += size;
  }
}

/** Takes the kernel's end out of a socket, which is closed then; undefined where it is gone already. */
export function takeHandle(accepted: Socket): object | undefined {
  const inner = accepted as unknown as { _handle: object | null };
  const handle = inner._handle;
  if (handle === null) return undefined;
  inner._handle = null;
  accepted.destroy();
  return handle;
}

/** A caller's IP address as it registered itself: a listener on `::` sees IPv4 callers as ::ffff:10.0.0.1. */
export function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/, "");
}
