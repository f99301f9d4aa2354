import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CallError, ProtocolError } from "../../src/base/errors.ts";
import { mutate, seeded } from "./mutate.ts";

/** One decoder, or several that must agree. */
export interface FuzzTarget {
  readonly name: string;
  /** Inputs that mean something; mutants are made of them. */
  readonly corpus: readonly Buffer[];
  /** Bytes that decoders take decisions by. */
  readonly telling: readonly number[];
  /** Reads one input; `below` gives chance. May throw ProtocolError and CallError; anything else is a finding. */
  readonly run: (bytes: Buffer, below: (n: number) => number) => void;
}

/** Mutants of one target in the gate. */
const RUNS = 1_500;
/** `npm run fuzz -- --seconds=N --seed=N` sets both: all targets together take so long. */
const SECONDS = Number(process.env["TRESTLE_FUZZ_SECONDS"] ?? 0);
const SEED = Number(process.env["TRESTLE_FUZZ_SEED"] ?? 1);

/** What earlier runs found, a line of hex each: fixtures/fuzz/NAME.txt. */
function found(name: string): Buffer[] {
  const file = new URL(`../../fixtures/fuzz/${name.replace(/\W+/g, "-")}.txt`, import.meta.url);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => /^[0-9a-f]+$/.test(line))
    .map((line) => Buffer.from(line, "hex"));
}

/** A test for each target: its corpus as it is, what was found before, then mutants. */
export function fuzz(targets: readonly FuzzTarget[]): void {
  const endMs = (SECONDS * 1000) / targets.length;
  test.each(targets)("whatever comes is read or refused: $name", { timeout: endMs + 60_000 }, (target) => {
    const { name, corpus, telling } = target;
    expect(corpus.length).toBeGreaterThan(0);
    const below = seeded(SEED * 7919 + name.length);
    for (const bytes of [...corpus, Buffer.alloc(0), ...found(name)]) check(target, bytes, below);
    const start = performance.now();
    for (let runs = 0; runs < RUNS || performance.now() - start < endMs; runs++) {
      const bytes = mutate(corpus[below(corpus.length)]!, corpus, telling, below);
      check(target, bytes, below);
    }
  });
}

function check({ name, run }: FuzzTarget, bytes: Buffer, below: (n: number) => number): void {
  try {
    run(Buffer.from(bytes), below);
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof CallError) return;
    const text = `${name}, input ${bytes.toString("hex")} (seed ${SEED}): ${(error as Error).message}`;
    throw new Error(text, { cause: error });
  }
}
