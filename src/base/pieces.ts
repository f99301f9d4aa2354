/** Pieces from this size on are kept as they come; smaller ones share blocks, or each would cost many times its size. */
const SMALL_BYTES = 1024;
const BLOCK_BYTES = 4096;

/**
 * Adds a copy of `bytes` to `pieces`. `room`: free bytes behind the last piece, as the call before returned it (0 at first); returns what
 * is free then.
 */
export function appendCopy(pieces: Buffer[], bytes: Uint8Array, room: number): number {
  // An index of -1 would be looked up as a name.
  const last = pieces.length === 0 ? undefined : pieces[pieces.length - 1];
  if (last === undefined || bytes.length >= SMALL_BYTES) {
    pieces.push(Buffer.from(bytes));
    return 0;
  }
  if (bytes.length <= room) {
    const longer = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length);
    longer.set(bytes, last.length);
    pieces[pieces.length - 1] = longer;
    return room - bytes.length;
  }
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  block.set(bytes);
  pieces.push(block.subarray(0, bytes.length));
  return BLOCK_BYTES - bytes.length;
}
