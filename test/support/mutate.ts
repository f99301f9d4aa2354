/** Numbers below a bound that a seed gives again and again. */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One to three edits of a body: a byte changed, bytes cut out, a piece of another body put in, a telling byte put in, an end cut off. */
export function mutate(
  bytes: Buffer,
  corpus: readonly Buffer[],
  telling: readonly number[],
  below: (n: number) => number,
): Buffer {
  let mutant = Buffer.from(bytes);
  for (let edits = 1 + below(3); edits > 0; edits--) {
    const at = below(mutant.length + 1);
    const cut = mutant.subarray(0, at);
    const rest = mutant.subarray(Math.min(mutant.length, at + below(4)));
    const other = corpus[below(corpus.length)]!;
    const from = below(other.length);
    const kinds = [
      () => Buffer.concat([cut, Buffer.from([below(256)]), mutant.subarray(Math.min(mutant.length, at + 1))]),
      () => Buffer.concat([cut, rest]),
      () => Buffer.concat([cut, other.subarray(from, from + 1 + below(64)), mutant.subarray(at)]),
      () => Buffer.concat([cut, Buffer.from([telling[below(telling.length)]!, below(256)]), rest]),
      () => mutant.subarray(0, at),
    ];
    mutant = Buffer.from(kinds[below(kinds.length)]!());
  }
  return mutant;
}
