/** Bytes that the kernel hands over in one read at most. */
const READ_BYTES = 64 * 1024;
/** A read of this size is worth memory of its own: copying it costs more than that. What comes out of TLS is never more, a record each. */
const LARGE_READ_BYTES = 16 * 1024;
/** A socket with memory of its own keeps it while it reads as much as this. */
const KEPT_READ_BYTES = 4 * 1024;
/** Sockets that have memory of their own at the same time. */
const MAX_LARGE_READERS = 256;
/** Reads of several sockets share a slab; it lives as long as anybody still holds a part of it. */
const SLAB_BYTES = 256 * 1024;

/**
 * Memory for what sockets read. They all read into one buffer, and what arrived is moved next to what arrived before: so a
 * small read costs its own size, and frames that come in one after the other, even from several sockets, leave as one write.
 */
export class Slab {
  /** Where every socket's next read goes; its content is gone after that socket's callback. */
  readonly readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** The slab that `place` has put its bytes into. */
  bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** Readers with memory of their own now. */
  largeReaders = 0;
  #used = 0;

  /** Reserves `size` bytes of `bytes` and returns where they begin; they are the caller's for good. `size` is at most 128 KB. */
  place(size: number): number {
    if (this.#used + size > SLAB_BYTES) {
      this.bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += size;
    return at;
  }

  /** Moves the first `size` bytes of the read buffer into `bytes` and returns where they begin. */
  keepRead(size: number): number {
    const at = this.place(size);
    this.readBuffer.copy(this.bytes, at, 0, size);
    return at;
  }
}

/**
 * The reads of one socket. While they are large they go into memory of the socket's own, which is handed on instead of copied. What comes out
 * of TLS goes there one record behind the other.
 */
export class Reader {
  /** Where the last read stands: from `start` on. */
  bytes: Buffer;
  start = 0;
  readonly #slab: Slab;
  #own: Buffer | undefined;
  /** Where the next read into `#own` goes. */
  #used = 0;
  #lastSize = 0;

  constructor(slab: Slab) {
    this.#slab = slab;
    this.bytes = slab.bytes;
  }

  /** Where the next read is to go. */
  nextBuffer(): Buffer {
    const slab = this.#slab;
    const own = this.#own;
    const size = this.#lastSize;
    if (
      own === undefined ? size < LARGE_READ_BYTES || slab.largeReaders >= MAX_LARGE_READERS : size < KEPT_READ_BYTES
    ) {
      this.close();
      return slab.readBuffer;
    }
    if (own === undefined) slab.largeReaders++;
    // As much as a read like the last one may bring.
    const room = size > LARGE_READ_BYTES ? READ_BYTES : LARGE_READ_BYTES;
    if (own !== undefined && READ_BYTES - this.#used >= room) return own.subarray(this.#used);
    this.#used = 0;
    this.#own = Buffer.allocUnsafeSlow(READ_BYTES);
    return this.#own;
  }

  /** `size` bytes were read into what `nextBuffer` gave last: sets `bytes` and `start`. */
  received(size: number): void {
    this.#lastSize = size;
    if (this.#own !== undefined) {
      this.bytes = this.#own;
      this.start = this.#used;
      this.#used += size;
    } else {
      this.start = this.#slab.keepRead(size);
      this.bytes = this.#slab.bytes;
    }
  }

  /** The socket reads no more, or has no use for memory of its own. */
  close(): void {
    if (this.#own === undefined) return;
    this.#own = undefined;
    this.#slab.largeReaders--;
  }
}
