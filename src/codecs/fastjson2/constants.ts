/**
 * JSONB as fastjson2 2.0.52 writes and reads it for Dubbo 3.2 (serialization id 23): tags, limits, error text.
 * All numbers are big-endian; `int` is any of the int forms, `long` any int or long form.
 *
 * | tag | value | tag | value |
 * |---|---|---|---|
 * | f0-ff 00-2f | int -16..47 | b0 b1 af | false, true, null |
 * | 30-3f 40-47 48 | int, 2, 3 and 5 bytes | b2 b3 b4 b5 | double 0, 1, of a long, 8 bytes |
 * | bd bc | byte, short | b6 b7 | float of an int, 4 bytes |
 * | d8-ef | long -8..15 | b8 b9 | BigDecimal of a long, of scale and integer |
 * | c8-d7 c0-c7 bf be | long, 2, 3, 5 and 9 bytes | ba bb | BigInteger of a long, of int and bytes |
 * | 49-78 | string of 0-47 ASCII bytes | a7 a8 a9 aa | local time, date-time, date, with zone |
 * | 79-7e | string, int of bytes: ASCII, UTF-8, UTF-16, LE, BE, GB18030 | ab ac ad ae | date in ms, s, min; Instant |
 * | 7f | symbol: text and number, or number | 90 91 | char, binary of int bytes |
 * | 94-a3 a4 | array of 0-15, of int | 92 | type (text and number, or number), then its value |
 * | a6 a5 | object: keys and values, end | 93 | reference: a path as text |
 *
 * Reference: JSONB.Constants, JSONWriterJSONB and JSONReaderJSONB of com.alibaba.fastjson2 2.0.52; recorded bytes in fixtures/wire.
 */
import { ProtocolError } from "../../base/errors.ts";

/** A char: an int. */
export const TAG_CHAR = 0x90;
/** Bytes behind their number. */
export const TAG_BINARY = 0x91;
/** A class name, then the value. */
export const TAG_TYPED = 0x92;
/** A path to what was written before. */
export const TAG_REFERENCE = 0x93;
/** An array of no values; the next 15 tags are those of 1 to 15. */
export const TAG_ARRAY_0 = 0x94;
/** An array behind its length. */
export const TAG_ARRAY = 0xa4;
/** The end of an object. */
export const TAG_END = 0xa5;
/** An object: keys and values until the end. */
export const TAG_OBJECT = 0xa6;
/** Text with a number, for saying it again by number. */
export const TAG_SYMBOL = 0x7f;
/** Null. */
export const TAG_NULL = 0xaf;

/** What one value may cost. Every one is checked before memory is taken. */
export interface Fastjson2Limits {
  /** Containers inside containers. Reading and writing recurse, so values over 1,024 are cut to that. */
  readonly maxDepth: number;
  /** Values of any kind, null and scalars included, keys too. */
  readonly maxValues: number;
  /** Bytes of one string. */
  readonly maxStringBytes: number;
  /** Different symbols: class names and field names. */
  readonly maxSymbols: number;
  /** Members looked at for following references. */
  readonly maxReferenceSteps: number;
}

/** Limits for building a tree. */
export const READ_LIMITS: Fastjson2Limits = {
  maxDepth: 256,
  maxValues: 1_000_000,
  maxStringBytes: 16 * 1024 * 1024,
  maxSymbols: 16_384,
  maxReferenceSteps: 4_000_000,
};

/** Limits for walking without building. */
export const SKIP_LIMITS: Fastjson2Limits = {
  ...READ_LIMITS,
  maxDepth: 1024,
  maxValues: 64 * 1024 * 1024,
  maxStringBytes: 64 * 1024 * 1024,
};

/** The deepest tree that recursion is trusted with on Node's default stack. */
export const MAX_RECURSION = 1024;
/** Bytes of the longest BigInteger or BigDecimal that is read. */
export const MAX_NUMBER_BYTES = 4096;

/** The error for bytes that are not JSONB or go over a limit; `offset` is within the bytes given. */
export function fastjson2Error(message: string, offset: number): ProtocolError {
  return new ProtocolError("fastjson2", `fastjson2: ${message} (at byte ${offset})`, offset);
}
