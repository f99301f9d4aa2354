/** Java's values to protobuf messages: objects and the maps of generic calls by the names of their properties. Table: docs/bridging.md. */
import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { ProtocolError } from "../../base/errors.ts";
import { enumName } from "../hessian2/java.ts";
import { valueToJson } from "../hessian2/json.ts";
import { type JsonNode, jsonToPlain, printJson } from "../json-text.ts";
import { fieldOf, isContainer, isObject, type Value } from "../value.ts";
import { MAX_ANYS, packedIn, urlOf } from "./any.ts";
import { fieldNamed, inOrder, numberOfConstant } from "./java-names.ts";
import {
  fractionOf,
  integerOf,
  isInitial,
  isPlainMap,
  listItems,
  membersOf,
  namesOf,
  plain,
  pointOf,
  shown,
  spanOf,
  textOf,
} from "./java-values.ts";
import { isDuration, isTimestamp } from "./times.ts";

/** Messages inside messages, the most; readers of protobuf take 100. */
const MAX_DEPTH = 100;
/** Java's values may be shared: what is small there may be without end here. Values, and characters and bytes, the most. */
const MAX_VALUES = 1_000_000;
const MAX_CHARS = 64 * 1024 * 1024;
/** Places of objects that stood somewhere already, the most: these, and so many for each other object. The first values are not looked at. */
const MAX_REPEATS = 50_000;
const REPEATS_EACH = 4;
const FREE_VALUES = 10_000;
const WRAPPER = /^google\.protobuf\.(?:Double|Float|U?Int64|U?Int32|Bool|String|Bytes)Value$/;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

const INTEGER_BITS: ReadonlyMap<ScalarType, readonly [signed: boolean, bits: number]> = new Map([
  [ScalarType.INT32, [true, 32]],
  [ScalarType.SINT32, [true, 32]],
  [ScalarType.SFIXED32, [true, 32]],
  [ScalarType.UINT32, [false, 32]],
  [ScalarType.FIXED32, [false, 32]],
  [ScalarType.INT64, [true, 64]],
  [ScalarType.SINT64, [true, 64]],
  [ScalarType.SFIXED64, [true, 64]],
  [ScalarType.UINT64, [false, 64]],
  [ScalarType.FIXED64, [false, 64]],
]);

/**
 * A value as a message: null is one without fields, an object or a map by its properties, anything else the message's only field.
 * Throws ProtocolError("protobuf", ...) with the field's path for what does not fit.
 */
export function javaToMessage(type: DescMessage, value: Value): Message {
  return new MessageBuilder().whole(type, value);
}

/** Values as a message, each a field of it. Throws as {@link javaToMessage}. */
export function fieldsToMessage(type: DescMessage, values: Iterable<readonly [DescField, Value]>): Message {
  return new MessageBuilder().fields(type, values);
}

/** The scalar, list or map that is a message's only field, or what a bean of Java's is wrapped in; undefined where there is none. */
export function onlyField(type: DescMessage): DescField | undefined {
  return type.fields.length === 1 ? type.fields[0] : undefined;
}

/** What an object stands for, where it is to be that message: one with nothing but a name in capitals looks like an enum, and is none then. */
function plainFor(type: DescMessage | undefined, value: Value): Value {
  const hasName = type !== undefined && fieldNamed(type, "name") !== undefined;
  return hasName && isObject(value) && enumName(value) !== undefined ? value : plain(value);
}

class MessageBuilder {
  readonly #path: (string | number)[] = [];
  #depth = 0;
  #values = 0;
  #chars = 0;
  #anys = 0;
  readonly #seen = new Set<Value>();
  #repeats = 0;

  fields(type: DescMessage, values: Iterable<readonly [DescField, Value]>): Message {
    const message = reflect(type, create(type), false);
    for (const [field, value] of values) this.#set(message, field, value);
    return message.message;
  }

  whole(type: DescMessage, given: Value): Message {
    const value = plainFor(type, given);
    if (value === null || type.fields.length === 0) return create(type);
    if (type.typeName.startsWith("google.protobuf.")) return this.#message(type, value);
    const only = onlyField(type);
    if (only !== undefined && !this.#isByName(only, value)) return this.fields(type, [[only, value]]);
    if (isContainer(value) && value.type !== "list") return this.#message(type, value);
    throw this.#unfit(value, `a message ${type.typeName} of ${type.fields.length} fields`);
  }

  /** Whether a value is a message with this one field, and not the field's own value. */
  #isByName(only: DescField, value: Value): boolean {
    if (!isContainer(value) || value.type === "list") return false;
    const names = namesOf(value);
    if (!names.some((name) => fieldNamed(only.parent, name) === only)) {
      // A bean whose class has no such property, or that has it as null, which maps of generic calls leave out.
      return (
        only.message?.typeName !== "google.protobuf.Any" &&
        only.fieldKind !== "map" &&
        (only.fieldKind !== "message" || !names.some((name) => fieldNamed(only.message, name)))
      );
    }
    return only.fieldKind !== "map" || !isPlainMap(value) || names.length === 1;
  }

  #message(type: DescMessage, value: Value): Message {
    if (this.#depth >= MAX_DEPTH) {
      throw new ProtocolError("protobuf", `${this.#place()}: nested deeper than ${MAX_DEPTH}, or inside itself`);
    }
    if (this.#values > FREE_VALUES && isContainer(value)) this.#countRepeat(value);
    this.#depth++;
    try {
      return this.#wellKnown(type, value) ?? this.#byName(type, value);
    } finally {
      this.#depth--;
    }
  }

  #byName(type: DescMessage, value: Value): Message {
    if (!isContainer(value) || value.type === "list") throw this.#unfit(value, `a message ${type.typeName}`);
    const message = reflect(type, create(type), false);
    const members = membersOf(value).filter(([name]) => name !== "class");
    let known = members.length === 0 || type.fields.length === 0;
    for (const [name, item] of members) {
      const field = fieldNamed(type, name);
      if (field === undefined) continue;
      known = true;
      if (item !== null) this.#set(message, field, item);
    }
    // Nothing in common is no newer version of the class, but another one.
    if (!known) throw this.#unfit(value, `a message ${type.typeName}, which has none of its properties`);
    return message.message;
  }

  #set(message: ReflectMessage, field: DescField, given: Value): void {
    const value = plainFor(field.message, given);
    if (value === null) return;
    this.#path.push(field.name);
    if (field.oneof !== undefined) {
      const other = message.oneofCase(field.oneof);
      if (other !== undefined && other !== field) {
        // A Java class has all of them; those that are as they were made are not meant.
        if (isInitial(value)) {
          this.#path.pop();
          return;
        }
        const both = `${other.name} and ${field.name}, of which ${message.desc.typeName} takes one`;
        throw new ProtocolError("protobuf", `${this.#place()}: the value has both ${both}`);
      }
    }
    switch (field.fieldKind) {
      case "list":
        this.#setList(message, field, value);
        break;
      case "map":
        this.#setMap(message, field, value);
        break;
      default:
        message.set(field, this.#item(field, value));
    }
    this.#path.pop();
  }

  #setList(message: ReflectMessage, field: DescField & { fieldKind: "list" }, value: Value): void {
    const list = message.get(field);
    const items =
      value instanceof Uint8Array && field.scalar !== undefined
        ? [...value].map((one) => (one << 24) >> 24)
        : listItems(value);
    if (items === undefined) throw this.#unfit(value, "a repeated field");
    for (const [i, item] of items.entries()) {
      this.#path.push(i);
      list.add(this.#item(field, plainFor(field.message, item)));
      this.#path.pop();
    }
  }

  #setMap(message: ReflectMessage, field: DescField & { fieldKind: "map" }, value: Value): void {
    if (!isContainer(value) || value.type === "list") throw this.#unfit(value, "a map");
    const map = message.get(field);
    const entries = value.type === "map" ? value.entries : membersOf(value);
    for (const [givenKey, item] of entries) {
      if (item === null) continue;
      const key = plain(givenKey);
      this.#path.push(`[${JSON.stringify(isContainer(key) ? "?" : String(key))}]`);
      map.set(this.#scalar(field.mapKey, key), this.#item(field, plainFor(field.message, item)));
      this.#path.pop();
    }
  }

  #item(field: DescField, value: Value): unknown {
    this.#spend(1, 0);
    if (value === null) throw this.#unfit(value, "an item of protobuf");
    if (field.message !== undefined) return reflect(field.message, this.#message(field.message, value), false);
    if (field.enum !== undefined) return this.#enum(field.enum, value);
    return this.#scalar(field.scalar as ScalarType, value);
  }

  /** A hundred bytes of objects inside objects twice each would else be the work of a million values. */
  #countRepeat(value: Value): void {
    if (this.#seen.has(value)) this.#repeats++;
    else this.#seen.add(value);
    if (this.#repeats <= MAX_REPEATS + REPEATS_EACH * this.#seen.size) return;
    throw new ProtocolError("protobuf", `message of more than ${MAX_REPEATS} objects that stand in it again`);
  }

  #spend(values: number, chars: number): void {
    this.#values += values;
    this.#chars += chars;
    if (this.#values > MAX_VALUES) throw new ProtocolError("protobuf", `message of more than ${MAX_VALUES} values`);
    if (this.#chars > MAX_CHARS) throw new ProtocolError("protobuf", `message of more than ${MAX_CHARS} characters`);
  }

  #enum(type: DescEnum, value: Value): number {
    if (typeof value === "string") {
      const number = numberOfConstant(type, value);
      if (number !== undefined) return number;
    }
    if (typeof value === "number" && (type.value[value] !== undefined || type.open)) return value;
    if (isContainer(value) && value.type === "object") {
      const name = fieldOf(value, "name");
      if (typeof name === "string" && value.shape.fields.length === 1) return this.#enum(type, name);
    }
    throw this.#unfit(value, `enum ${type.typeName}`);
  }

  #scalar(type: ScalarType, value: Value): boolean | number | bigint | string | Uint8Array {
    const integer = INTEGER_BITS.get(type);
    if (integer !== undefined) return this.#integer(type, value, ...integer);
    switch (type) {
      case ScalarType.BOOL:
        if (typeof value === "boolean") return value;
        break;
      case ScalarType.BYTES:
        if (value instanceof Uint8Array) {
          this.#spend(0, value.length);
          return value;
        }
        break;
      case ScalarType.STRING: {
        const text = textOf(value);
        this.#spend(0, text?.length ?? 0);
        if (text !== undefined && LONE_SURROGATE.test(text)) throw this.#unfit(value, "a string of Unicode");
        if (text !== undefined) return text;
        break;
      }
      default: {
        const number = fractionOf(value);
        if (number === undefined) break;
        const isOver = type === ScalarType.FLOAT && Number.isFinite(number) && !Number.isFinite(Math.fround(number));
        if (!isOver) return type === ScalarType.FLOAT ? Math.fround(number) : number;
      }
    }
    throw this.#unfit(value, ScalarType[type].toLowerCase());
  }

  #integer(type: ScalarType, value: Value, signed: boolean, bits: number): number | bigint {
    const whole = integerOf(value);
    const fits = whole !== undefined && whole === (signed ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole));
    if (!fits) throw this.#unfit(value, ScalarType[type].toLowerCase());
    return bits === 32 ? Number(whole) : whole;
  }

  /** Messages of protobuf's own that are one thing in Java; undefined for the others. */
  #wellKnown(type: DescMessage, value: Value): Message | undefined {
    const { typeName } = type;
    if (!typeName.startsWith("google.protobuf.")) return undefined;
    if (WRAPPER.test(typeName)) return this.fields(type, [[type.fields[0]!, value]]);
    switch (typeName) {
      case "google.protobuf.Timestamp": {
        const point = pointOf(value);
        if (point === undefined || !isTimestamp(point)) throw this.#unfit(value, "a Timestamp");
        return Object.assign(create(type), point);
      }
      case "google.protobuf.Duration": {
        const span = spanOf(value);
        if (span === undefined || !isDuration(span)) throw this.#unfit(value, "a Duration");
        return Object.assign(create(type), span);
      }
      case "google.protobuf.Struct":
      case "google.protobuf.Value":
      case "google.protobuf.ListValue":
        return this.#json(type, value);
      case "google.protobuf.Any":
        return this.#any(type, value);
      default:
        return undefined;
    }
  }

  #any(type: DescMessage, value: Value): Message {
    const packed = packedIn(type, value);
    if (packed === undefined) {
      throw this.#unfit(value, "a google.protobuf.Any: no message of the schema is of its class or @type");
    }
    if (++this.#anys > MAX_ANYS) throw this.#unfit(value, `an Any inside ${MAX_ANYS} others`);
    const message = this.#message(packed.type, packed.content);
    let bytes: Uint8Array;
    try {
      bytes = toBinary(packed.type, message);
    } catch {
      throw this.#unfit(value, `a ${packed.type.typeName}`);
    }
    this.#anys--;
    this.#spend(0, bytes.length);
    return Object.assign(create(type), { typeUrl: urlOf(packed.type), value: bytes });
  }

  #json(type: DescMessage, value: Value): Message {
    let json: JsonNode;
    try {
      json = valueToJson(value);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      throw new ProtocolError("protobuf", `${this.#place()}: ${error.message}`);
    }
    const text = printJson(json);
    // About as many values as commas and brackets.
    this.#spend(text.length >> 2, text.length);
    try {
      return fromJson(type, jsonToPlain(json) as JsonValue);
    } catch {
      throw this.#unfit(value, `a ${type.typeName}`);
    }
  }

  #unfit(value: Value, what: string): ProtocolError {
    return new ProtocolError("protobuf", `${this.#place()}: ${shown(value)} does not fit ${what}`);
  }

  #place(): string {
    const at = this.#path.map((part) => (typeof part === "number" ? `[${part}]` : part)).join(".");
    return at === "" ? "the value" : `field ${at.replace(/\.\[/g, "[")}`;
  }
}

/** A message's fields, by number, one for each of `values`. Throws ProtocolError("protobuf", ...) where there are not as many. */
export function fieldsInOrder(type: DescMessage, values: readonly Value[]): (readonly [DescField, Value])[] {
  const fields = inOrder(type);
  if (fields.length !== values.length) {
    throw new ProtocolError(
      "protobuf",
      `${values.length} arguments do not fit message ${type.typeName} of ${fields.length} fields`,
    );
  }
  return fields.map((field, i) => [field, values[i]!] as const);
}
