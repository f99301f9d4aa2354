/**
 * Hessian 2.0 as com.alibaba:hessian-lite 3.2 and 4.0 write and read it: tags, limits, error text.
 * All integers are big-endian. A direct form carries its value or length in the tag itself.
 *
 * | tag | value | tag | value |
 * |---|---|---|---|
 * | 00-1f | string, 0-31 units | 55 56 | typed list: variable, fixed |
 * | 20-2f | binary, 0-15 bytes | 57 58 | untyped list: variable, fixed |
 * | 30-33 | string, to 1023 units | 59 | long as 4 bytes |
 * | 34-37 | binary, to 1023 bytes | 5a | end of map or variable list |
 * | 38-3f | long, 3 bytes | 5b 5c | double 0, 1 |
 * | 41 42 | binary chunk, last chunk | 5d 5e 5f | double of i8, of i16, of i32 thousandths |
 * | 43 | class definition | 60-6f | object of definition 0-15 |
 * | 44 | double, 8 bytes | 70-77 | typed list of 0-7 |
 * | 46 54 | false, true | 78-7f | untyped list of 0-7 |
 * | 48 4d | map, typed map | 80-bf | int -16..47 |
 * | 49 4c | int 4 bytes, long 8 bytes | c0-cf | int, 2 bytes |
 * | 4a 4b | date in ms, in minutes | d0-d7 | int, 3 bytes |
 * | 4e 51 | null, reference | d8-ef | long -8..15 |
 * | 4f | object by definition index | f0-ff | long, 2 bytes |
 * | 52 53 | string chunk, last chunk | 40 45 47 50 | reserved |
 */
import { ProtocolError } from "../../base/errors.ts";

/** A part of a binary that goes on: u16 length, bytes. */
export const TAG_BINARY_CHUNK = 0x41;
/** The last part of a binary: u16 length, bytes. */
export const TAG_BINARY = 0x42;
/** A class definition, before a value: name, field count, field names. */
export const TAG_CLASS = 0x43;
/** A double of 8 bytes. */
export const TAG_DOUBLE = 0x44;
/** False. */
export const TAG_FALSE = 0x46;
/** A map: keys and values until the end. */
export const TAG_MAP = 0x48;
/** An int of 4 bytes. */
export const TAG_INT = 0x49;
/** A date: i64 milliseconds. */
export const TAG_DATE_MS = 0x4a;
/** A date: i32 minutes. */
export const TAG_DATE_MINUTES = 0x4b;
/** A long of 8 bytes. */
export const TAG_LONG = 0x4c;
/** A map behind its type. */
export const TAG_TYPED_MAP = 0x4d;
/** Null. */
export const TAG_NULL = 0x4e;
/** An object: number of its definition, field values. */
export const TAG_OBJECT = 0x4f;
/** A reference: number of what it stands for. */
export const TAG_REF = 0x51;
/** A part of a string that goes on: u16 units, data. */
export const TAG_STRING_CHUNK = 0x52;
/** The last part of a string: u16 units, data. */
export const TAG_STRING = 0x53;
/** True. */
export const TAG_TRUE = 0x54;
/** A list behind its type, until the end. */
export const TAG_TYPED_VARIABLE_LIST = 0x55;
/** A list behind its type and length. */
export const TAG_TYPED_LIST = 0x56;
/** A list until the end. */
export const TAG_VARIABLE_LIST = 0x57;
/** A list behind its length. */
export const TAG_LIST = 0x58;
/** A long of 4 bytes. */
export const TAG_LONG_INT = 0x59;
/** The end of a map or variable list. */
export const TAG_END = 0x5a;
/** The double 0. */
export const TAG_DOUBLE_ZERO = 0x5b;
/** The double 1. */
export const TAG_DOUBLE_ONE = 0x5c;
/** A double of 1 byte. */
export const TAG_DOUBLE_BYTE = 0x5d;
/** A double of 2 bytes. */
export const TAG_DOUBLE_SHORT = 0x5e;
/** A double of i32 thousandths: Java's form; the published text says a 32-bit float, and Envoy reads that. */
export const TAG_DOUBLE_MILLI = 0x5f;

/** What one body may cost. Every one is checked before memory is taken; counts are over the whole body. */
export interface Hessian2Limits {
  /** Containers inside containers. Reading and writing recurse, so values over 1,024 are cut to that. */
  readonly maxDepth: number;
  /** Values of any kind, null and scalars included. */
  readonly maxValues: number;
  /** UTF-16 units of one string. */
  readonly maxStringUnits: number;
  /** Chunks of one string or binary; Java cuts at 32,768 units, dubbo-go at 4,096. */
  readonly maxChunks: number;
  /** Class definitions. */
  readonly maxDefinitions: number;
  /** Fields of one class definition. */
  readonly maxFields: number;
}

/** Limits for building a tree: a value costs up to about 100 bytes of memory, whatever it took on the wire. */
export const READ_LIMITS: Hessian2Limits = {
  maxDepth: 256,
  maxValues: 1_000_000,
  maxStringUnits: 16 * 1024 * 1024,
  maxChunks: 65_536,
  maxDefinitions: 4096,
  maxFields: 2048,
};

/** Limits for walking without building: memory does not grow with values, so one value a byte of a large body is let through. */
export const SKIP_LIMITS: Hessian2Limits = {
  maxDepth: 1024,
  maxValues: 64 * 1024 * 1024,
  maxStringUnits: 64 * 1024 * 1024,
  maxChunks: 65_536,
  maxDefinitions: 4096,
  maxFields: 2048,
};

/** The deepest tree that recursion is trusted with on Node's default stack. */
export const MAX_RECURSION = 1024;

/**
 * The classes that hessian-lite 4.0.4 writes in its compact mode as a definition without fields followed by one long
 * (system property com.caucho.hessian.io.java.time.serializer.compactMode).
 */
export function isCompactTime(className: string): boolean {
  return className === "java.time.LocalDate" || className === "java.time.LocalTime";
}

/** The error for bytes that are not Hessian 2.0 or go over a limit; `offset` is within the bytes given. */
export function hessianError(message: string, offset: number): ProtocolError {
  return new ProtocolError("hessian2", `hessian2: ${message} (at byte ${offset})`, offset);
}
