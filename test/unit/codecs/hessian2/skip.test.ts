import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import type { Hessian2Limits } from "../../../../src/codecs/hessian2/constants.ts";
import { Skipper } from "../../../../src/codecs/hessian2/skip.ts";
import { hessianVectors, moreVectors, RECORDINGS } from "../../../support/hessian-vectors.ts";
import { ATTACKS, hexOf } from "./attacks.ts";

function skipperOf(hex: string, limits?: Partial<Hessian2Limits>): Skipper {
  return new Skipper(limits).reset(Buffer.from(hexOf(hex), "hex"));
}

const vectors = RECORDINGS.flatMap((recording) => hessianVectors(recording));

test("every recorded value is walked to its end", () => {
  const skipper = new Skipper();
  for (const { name, hex } of vectors) {
    const bytes = Buffer.from(`${hex}90`, "hex");
    skipper.reset(bytes).skipValues(1);
    expect(`${name} ${skipper.offset}`).toBe(`${name} ${bytes.length - 1}`);
  }
});

test("3,000 lists in each other are walked when maxDepth lets them", () => {
  const deep = moreVectors().find((vector) => vector.name === "deep:3000")!;
  const bytes = Buffer.from(deep.hex, "hex");
  expect(() => new Skipper().reset(bytes).skipValues(1)).toThrow("values nested deeper than maxDepth 1024");
  const skipper = new Skipper({ maxDepth: 3001 }).reset(bytes);
  skipper.skipValues(1);
  expect(skipper.done).toBe(true);
});

test("every truncation of every recorded value is a ProtocolError", () => {
  const skipper = new Skipper();
  for (const { name, hex } of vectors) {
    const bytes = Buffer.from(hex, "hex");
    const step = bytes.length > 2_000 ? 997 : 1;
    for (let end = 0; end < bytes.length; end += step) {
      let error: unknown;
      try {
        skipper.reset(bytes, 0, end).skipValues(1);
      } catch (e) {
        error = e;
      }
      if (!(error instanceof ProtocolError)) throw new Error(`${name} cut at ${end}: ${String(error)}`);
    }
  }
});

describe("hostile bodies", () => {
  /** References are numbers to the skipper: it keeps no table of what they mean. */
  const walked = ATTACKS.filter(([name]) => name !== "a reference to nothing");

  test.each(walked)("%s", (_name, bytes, message) => {
    const skipper = new Skipper();
    const body = bytes();
    const started = performance.now();
    const act = (): void => skipper.reset(body).skipValues(1);
    expect(act).toThrow(ProtocolError);
    expect(act).toThrow(message);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test("a reference of a negative number is refused", () => {
    expect(() => skipperOf("51 8f").skipValues(1)).toThrow("hessian2: reference under 0 (at byte 0)");
  });

  test.each<readonly [limit: keyof Hessian2Limits, at: number, hex: string, message: string]>([
    ["maxDepth", 3, "79 79 79 90", "values nested deeper than maxDepth 2"],
    ["maxValues", 4, "7b 91 92 93", "more values than maxValues 3"],
    ["maxStringUnits", 4, "52 0002 'ab' 53 0002 'cd'", "string is over maxStringUnits 3"],
    ["maxChunks", 3, "52 0001 'a' 52 0001 'b' 53 0001 'c'", "more chunks than maxChunks 2"],
    ["maxChunks", 3, "41 0001 00 41 0001 00 20", "more chunks than maxChunks 2"],
    ["maxDefinitions", 2, "43 01 'A' 90 43 01 'B' 90 60", "more class definitions than maxDefinitions 1"],
    ["maxFields", 2, "43 01 'A' 92 01 'x' 01 'y' 60 91 92", "class definition of 2 fields is over maxFields 1"],
  ])("%s %i is kept", (limit, at, hex, message) => {
    expect(() => skipperOf(hex, { [limit]: at }).skipValues(1)).not.toThrow();
    expect(() => skipperOf(hex, { [limit]: at - 1 }).skipValues(1)).toThrow(message);
  });

  test("counts are over the whole body, whatever is walked by one call", () => {
    const skipper = skipperOf("91 92 93", { maxValues: 2 });
    skipper.skipValues(1);
    skipper.skipValues(1);
    expect(() => skipper.skipValues(1)).toThrow("more values than maxValues 2");
  });
});

test("a definition in an argument counts for an attachment's value behind it", () => {
  const skipper = skipperOf("43 01 'A' 92 01 'x' 01 'y' 60 91 92 48 01 'k' 60 93 94 5a 95");
  skipper.skipValues(1);
  expect(skipper.offset).toBe(11);
  expect(skipper.beginMap()).toBe(true);
  expect(skipper.endMap()).toBe(false);
  expect(skipper.readString()).toBe("k");
  skipper.skipValues(1);
  expect(skipper.endMap()).toBe(true);
  expect(skipper.readInt()).toBe(5);
  expect(skipper.done).toBe(true);
});

test("more definitions than the first table holds are kept", () => {
  const empty = "43 01 'A' 90 ".repeat(199);
  const skipper = skipperOf(`7a ${empty} 43 01 'A' 92 01 'x' 01 'y' 4f c8 c7 91 92 4f 90 95`);
  skipper.skipValues(1);
  expect(skipper.readInt()).toBe(5);
});

test("definitions and counts of the last body are forgotten", () => {
  const skipper = skipperOf("43 01 'A' 91 01 'x' 60 90");
  skipper.skipValues(1);
  expect(() => skipper.reset(Buffer.from("6090", "hex")).skipValues(1)).toThrow(
    "object of class definition 0, of which there are 0",
  );
});

test("compact LocalDate and LocalTime are one long behind a definition without fields", () => {
  const skipper = skipperOf(
    "43 13 'java.time.LocalDate' 90 60 3c4d0c 43 13 'java.time.LocalTime' 90 61 e0 43 13 'java.time.LocalLine' 90 62 91",
  );
  skipper.skipValues(3);
  expect(skipper.readInt()).toBe(1);
});
