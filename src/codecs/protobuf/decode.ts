/** Messages of strangers: bytes may ask for far more objects than they are long, so those of large messages are counted first. */
import { type DescField, type DescMessage, fromBinary, type Message, ScalarType } from "@bufbuild/protobuf";
import { ProtocolError } from "../../base/errors.ts";
import { FieldCursor, WIRE_BYTES } from "../triple/protobuf.ts";

/** The most fields and items that one message may have, those of messages inside it included. */
export const MAX_VALUES = 1_000_000;
const MAX_DEPTH = 100;

/**
 * A message from its bytes; fields that its type does not have are passed over. Throws ProtocolError("protobuf", ...) for what is no such message,
 * and for one of more than {@link MAX_VALUES} values, with those that `counter` has counted before, or nested deeper than 100.
 */
export function decodeMessage(type: DescMessage, bytes: Buffer, counter?: ValueCounter): Message {
  try {
    // A value takes a byte at least.
    if (counter !== undefined || bytes.length > MAX_VALUES) {
      (counter ?? new ValueCounter()).count(type, bytes, 0, bytes.length, 0);
    }
    return fromBinary(type, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new ProtocolError("protobuf", `no ${type.typeName}: ${(error as Error).message}`);
  }
}

/** Counts the values of several messages up to {@link MAX_VALUES}. */
export class ValueCounter {
  #left = MAX_VALUES;
  readonly #fields = new Map<DescMessage, ReadonlyMap<number, DescField>>();

  /** Counts those of a message. Throws `ProtocolError` where they are too many, or nested deeper than 100. */
  count(type: DescMessage, bytes: Buffer, start: number, end: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new ProtocolError("protobuf", `messages nested deeper than ${MAX_DEPTH}`);
    const fields = this.#fieldsOf(type);
    const cursor = new FieldCursor(bytes, start, end);
    while (cursor.next()) {
      const field = fields.get(cursor.field);
      this.#spend(1);
      if (field === undefined || cursor.wire !== WIRE_BYTES) continue;
      if (field.fieldKind === "map") this.#countEntry(field, bytes, cursor.start, cursor.stop, depth + 1);
      else if (field.message !== undefined) this.count(field.message, bytes, cursor.start, cursor.stop, depth + 1);
      else if (field.fieldKind === "list" && !isBytes(field.scalar)) {
        this.#spend(Math.ceil((cursor.stop - cursor.start) / itemBytes(field.scalar)));
      }
    }
  }

  #countEntry(field: DescField, bytes: Buffer, start: number, end: number, depth: number): void {
    const cursor = new FieldCursor(bytes, start, end);
    while (cursor.next()) {
      this.#spend(1);
      const isMessage = cursor.field === 2 && cursor.wire === WIRE_BYTES && field.message !== undefined;
      if (isMessage) this.count(field.message, bytes, cursor.start, cursor.stop, depth);
    }
  }

  #spend(values: number): void {
    this.#left -= values;
    if (this.#left < 0) throw new ProtocolError("protobuf", `more than ${MAX_VALUES} values`);
  }

  #fieldsOf(type: DescMessage): ReadonlyMap<number, DescField> {
    let fields = this.#fields.get(type);
    if (fields === undefined) {
      fields = new Map(type.fields.map((field) => [field.number, field]));
      this.#fields.set(type, fields);
    }
    return fields;
  }
}

function isBytes(scalar: ScalarType | undefined): boolean {
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
}

/** The fewest bytes of one item in a packed list. */
function itemBytes(scalar: ScalarType | undefined): number {
  switch (scalar) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 8;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return 4;
    default:
      return 1;
  }
}
