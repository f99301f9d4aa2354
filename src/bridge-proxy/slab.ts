/** Bytes that the kernel hands over in one read at most. */
const READ_BYTES = 64 * 1024;
/** Reads of several sockets share a slab; it lives as long as anybody still holds a part of it. */
const SLAB_BYTES = 256 * 1024;

/**
 * Memory for what sockets read. All of them read into one buffer, and what arrived is moved next to what arrived before: so a
 * small read costs its own size, and frames that come in one after the other, even from several sockets, leave as one write.
 */
export class Slab {
  /** Where every socket's next read goes; its content is gone after that socket's callback. */
  readonly readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** The slab that `place` has put its bytes into. */
  bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
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
