/** Stirs the bits of a 32-bit number, so that near inputs are far apart (the finalizer of MurmurHash3): 0 to 2^32 - 1. */
export function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A hash of text (MurmurHash3, 32 bits, over its UTF-16 units): 0 to 2^32 - 1; the same in every process and version. */
export function hashOfText(text: string, seed = 0): number {
  let hash = seed | 0;
  for (let i = 0; i < text.length; i++) {
    const unit = Math.imul(text.charCodeAt(i), 0xcc9e2d51);
    hash ^= Math.imul((unit << 15) | (unit >>> 17), 0x1b873593);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  return mix(hash ^ text.length);
}

/** One hash of two: order counts. */
export function joinHashes(first: number, second: number): number {
  return mix(Math.imul(first, 31) ^ second);
}
