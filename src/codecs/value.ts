/**
 * The value tree: what encodings are translated through, with Java's types kept.
 *
 * | Java | here |
 * |---|---|
 * | null, boolean, String | `null`, `boolean`, `string` (UTF-16 units, lone surrogates kept) |
 * | byte, short, int | `number`, always within 32 bits |
 * | long | `bigint`, always within 64 bits |
 * | double, float, char, Date | {@link DoubleValue}, {@link FloatValue}, {@link CharValue}, {@link DateValue} |
 * | byte[] | `Uint8Array` |
 * | collections and arrays | {@link ListValue} |
 * | maps | {@link MapValue} |
 * | every other class | {@link ObjectValue} |
 *
 * One JavaScript object stands for one Java object: shared and cyclic structure is shared and cyclic here too.
 * A tree is built by one owner, then read; its arrays are mutable only because cycles need it.
 */

/** Any value. A bare `number` is an int: fractions need {@link doubleValue}. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | DoubleValue
  | FloatValue
  | CharValue
  | DateValue
  | ListValue
  | MapValue
  | ObjectValue;

/** A value that has identity: what references of an encoding can point at. */
export type ContainerValue = ListValue | MapValue | ObjectValue;

/** A Java double. */
export interface DoubleValue {
  readonly type: "double";
  readonly value: number;
  /** The thousandths that stood on a Hessian wire (form 5f), for writing the same bytes again. */
  readonly milli?: number;
}

/** A Java float, held exactly (`Math.fround(value) === value`, or NaN). Hessian's wire carries floats as doubles. */
export interface FloatValue {
  readonly type: "float";
  readonly value: number;
}

/** A Java char, where the encoding tells it from a String (Hessian does not: there it is a string of one unit). */
export interface CharValue {
  readonly type: "char";
  readonly value: string;
}

/** A `java.util.Date`: milliseconds since 1970 UTC, all 64 bits. */
export interface DateValue {
  readonly type: "date";
  readonly ms: bigint;
  /** It stood on a Hessian wire as whole minutes (form 4b); kept for writing the same bytes again. */
  readonly minutes?: true;
}

/** A collection, array or iterator. */
export interface ListValue {
  readonly type: "list";
  /** A class (`java.util.HashSet`), an array type (`[int`, `[com.acme.User`), or null for "any list". */
  readonly className: string | null;
  readonly items: Value[];
  /** It stood on a Hessian wire without a length (forms 55 and 57: iterators). */
  readonly variable?: true;
}

/** A map with any keys, in the order of the wire. Keys may repeat: Java keeps the last (see {@link mapGet}). */
export interface MapValue {
  readonly type: "map";
  /** The map's class, or null for "any map" (HashMap). */
  readonly className: string | null;
  readonly entries: MapEntry[];
}

/** One key and its value. */
export type MapEntry = [key: Value, value: Value];

/** The fields of a class as one writer declared them; names may repeat (a shadowed field of a superclass). */
export interface ClassShape {
  readonly name: string;
  readonly fields: readonly string[];
}

/**
 * An instance of a class. `values[i]` belongs to `shape.fields[i]`.
 * hessian-lite's compact `java.time.LocalDate` and `LocalTime` have a shape without fields and one value.
 */
export interface ObjectValue {
  readonly type: "object";
  readonly shape: ClassShape;
  readonly values: Value[];
}

/** A double. */
export function doubleValue(value: number): DoubleValue {
  return { type: "double", value };
}

/** A float; the number is rounded to the nearest one. */
export function floatValue(value: number): FloatValue {
  return { type: "float", value: Math.fround(value) };
}

/** A date from milliseconds since 1970. */
export function dateValue(ms: number | bigint): DateValue {
  return { type: "date", ms: BigInt(ms) };
}

/** A list; without a class name it is "any list", which Java reads as ArrayList or as the declared type. */
export function listValue(items: Value[], className: string | null = null): ListValue {
  return { type: "list", className, items };
}

/** A map from entries; without a class name it is "any map", which Java reads as HashMap or as the declared type. */
export function mapValue(entries: MapEntry[], className: string | null = null): MapValue {
  return { type: "map", className, entries };
}

/** An object of a class from field names and values, in that order. */
export function objectValue(className: string, fields: Iterable<readonly [string, Value]>): ObjectValue {
  const names: string[] = [];
  const values: Value[] = [];
  for (const [name, value] of fields) {
    names.push(name);
    values.push(value);
  }
  return { type: "object", shape: { name: className, fields: names }, values };
}

/** Whether the value has identity. */
export function isContainer(value: Value): value is ContainerValue {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return false;
  return value.type === "list" || value.type === "map" || value.type === "object";
}

/** Whether the value is an object, of the given class when one is given. */
export function isObject(value: Value, className?: string): value is ObjectValue {
  if (!isContainer(value) || value.type !== "object") return false;
  return className === undefined || value.shape.name === className;
}

/** The value of a string key; the last one where the key repeats, as Java's HashMap has it; undefined when absent. */
export function mapGet(map: MapValue, key: string): Value | undefined {
  for (let i = map.entries.length - 1; i >= 0; i--) {
    const entry = map.entries[i]!;
    if (entry[0] === key) return entry[1];
  }
  return undefined;
}

/** The value of a field by name; the last one where names repeat (the subclass's, as hessian-lite orders them); undefined when absent. */
export function fieldOf(object: ObjectValue, name: string): Value | undefined {
  const i = object.shape.fields.lastIndexOf(name);
  return i < 0 ? undefined : object.values[i];
}

/** The shortest decimal that rounds to this float: what Java's `Float.toString` shows of 1.1f is 1.1, not 1.10000002. */
export function shortestFloat(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}
