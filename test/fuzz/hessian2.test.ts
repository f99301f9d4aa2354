import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { ProtocolError } from "../../src/base/errors.ts";
import { valueToJson } from "../../src/codecs/hessian2/json.ts";
import { Hessian2Reader } from "../../src/codecs/hessian2/reader.ts";
import { Skipper } from "../../src/codecs/hessian2/skip.ts";
import { encodeHessian2, Hessian2Writer } from "../../src/codecs/hessian2/writer.ts";
import { parseJson, printJson } from "../../src/codecs/json-text.ts";
import { dateValue, doubleValue, listValue, mapValue, objectValue, type Value } from "../../src/codecs/value.ts";
import fc from "../support/fast-check.ts";
import { hessianVectors, moreVectors, RECORDINGS } from "../support/hessian-vectors.ts";
import { mutate, seeded } from "../support/mutate.ts";

/** Longer runs: TRESTLE_FUZZ_RUNS=20 takes twenty times as long; TRESTLE_FUZZ_SEED starts elsewhere. */
const RUNS = Number(process.env["TRESTLE_FUZZ_RUNS"] ?? 1);
const SEED = Number(process.env["TRESTLE_FUZZ_SEED"] ?? 1);

const corpus = [
  ...RECORDINGS.flatMap((recording) => hessianVectors(recording).map((vector) => vector.hex)),
  ...moreVectors().map((vector) => vector.hex),
]
  .map((hex) => Buffer.from(hex, "hex"))
  .filter((bytes) => bytes.length > 1 && bytes.length < 5_000);

/** Definitions, references, chunks, lists and maps: where a reader keeps count. */
const TAGS = [0x41, 0x43, 0x48, 0x49, 0x4d, 0x4f, 0x51, 0x52, 0x55, 0x56, 0x57, 0x58, 0x5a, 0x60, 0x61, 0x70, 0x79];

/** Reads everything; the values, or undefined for a ProtocolError. Any other error fails the test. */
function read(bytes: Uint8Array): Value[] | undefined {
  const reader = new Hessian2Reader().reset(bytes);
  const values: Value[] = [];
  try {
    while (!reader.done) values.push(reader.readValue());
    return values;
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return undefined;
  }
}

const skipper = new Skipper();

function skip(bytes: Uint8Array, count: number): number | undefined {
  try {
    skipper.reset(bytes).skipValues(count);
    return skipper.offset;
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return undefined;
  }
}

function writeAgain(values: readonly Value[]): Buffer {
  const writer = new Hessian2Writer({ forms: "exact", maxDepth: 1024 });
  for (const value of values) writer.writeValue(value);
  return writer.takeOutput();
}

test("mutated bodies give values or a ProtocolError, and what reads also skips and writes", {
  timeout: 60_000 * RUNS,
}, () => {
  const below = seeded(SEED);
  let readable = 0;
  for (let run = 0; run < 12_000 * RUNS; run++) {
    const bytes = mutate(corpus[below(corpus.length)]!, corpus, TAGS, below);
    const values = read(bytes);
    const skipped = skip(bytes, values?.length ?? 1);
    if (values === undefined) continue;
    readable += 1;
    if (skipped !== bytes.length)
      throw new Error(`reads ${bytes.length} bytes, skips ${skipped}: ${bytes.toString("hex")}`);
    const again = read(writeAgain(values));
    if (!isDeepStrictEqual(again, values)) throw new Error(`is not read as written: ${bytes.toString("hex")}`);
    for (const value of values) {
      try {
        parseJson(printJson(valueToJson(value, { maxChars: 100_000 })));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw new Error(`no json of ${bytes.toString("hex")}: ${error}`);
      }
    }
  }
  expect(readable).toBeGreaterThan(1_000 * RUNS);
});

test("random bytes give values or a ProtocolError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const values = read(bytes);
      const skipped = skip(bytes, values?.length ?? 1);
      return values === undefined || skipped === bytes.length;
    }),
    { numRuns: 3_000 * RUNS, seed: SEED },
  );
});

const text = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  maxLength: 40,
});
const name = fc.string({ minLength: 1, maxLength: 12 });
const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    text,
    fc.uint8Array({ maxLength: 40 }),
    fc.double().map(doubleValue),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(dateValue),
    fc.tuple(fc.array(tie("value"), { maxLength: 10 }), fc.option(name)).map(([items, type]) => listValue(items, type)),
    fc
      .tuple(fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 5 }), fc.option(name))
      .map(([entries, type]) => mapValue(entries, type)),
    fc
      .tuple(name, fc.array(fc.tuple(name, tie("value")), { maxLength: 5 }))
      .map(([type, fields]) => objectValue(type, fields)),
  ),
}));

test("every value is read as it was written, and skipped to its end", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encodeHessian2(value);
      expect(skip(bytes, 1)).toBe(bytes.length);
      expect(isDeepStrictEqual(read(bytes), [value])).toBe(true);
    }),
    { numRuns: 1_500 * RUNS, seed: SEED },
  );
});

test("every truncation of a written value is a ProtocolError", () => {
  fc.assert(
    fc.property(anyValue, fc.nat(), (value, at) => {
      const bytes = encodeHessian2(value);
      const part = bytes.subarray(0, at % bytes.length);
      const reader = new Hessian2Reader().reset(part);
      expect(() => reader.readValue()).toThrow(ProtocolError);
      expect(() => skipper.reset(part).skipValues(1)).toThrow(ProtocolError);
    }),
    { numRuns: 1_500 * RUNS, seed: SEED },
  );
});
