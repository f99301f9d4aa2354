/**
 * The value tree as JSON: what `trestle call` prints, what REST callers get, what rules compare.
 * The way back is from-json.ts. Enums, BigDecimal, UUID and java.time become text, dates ISO-8601 in UTC, byte[] base64, exceptions
 * {exceptionClass, message, cause, stackTrace}.
 */
import { ProtocolError } from "../../base/errors.ts";
import { type JsonNode, JsonNumber, type JsonObject, jsonNumber } from "../json-text.ts";
import {
  type ContainerValue,
  type DateValue,
  type MapValue,
  type ObjectValue,
  shortestFloat,
  type Value,
} from "../value.ts";
import { dateText, lostItsElements, plainOf } from "./java.ts";
import { isThrowable, throwableView } from "./throwable.ts";

/** How values become JSON. */
export interface ToJsonOptions {
  /** Adds the key `class` to objects, as generic calls want it; default false. */
  readonly classNames?: boolean;
  /** Longs beyond 2^53, which most JSON readers round: as strings (`safe`, default), as digits, or all longs as strings. */
  readonly longs?: "safe" | "digits" | "strings";
  /** Dates as ISO-8601 text (default) or as milliseconds since 1970. */
  readonly dates?: "iso" | "ms";
  /** A value inside itself: refused (default) or shown as null. */
  readonly cycles?: "refuse" | "null";
  /** About as many characters as the JSON may have; default 16 Mi. Shared objects are written out each time they are met. */
  readonly maxChars?: number;
  /** Values that the JSON may have; default 1,000,000. */
  readonly maxValues?: number;
  /** Containers inside containers; default 256, at most 1,024. */
  readonly maxDepth?: number;
  /** Whether a class is known to have properties: one with nothing but a name in capitals is taken for an enum else. */
  readonly isBean?: (className: string) => boolean;
}

/**
 * A value as a JSON tree. Throws ProtocolError("hessian2", ...) for a value that contains itself, one that grows over
 * maxChars, maxValues or maxDepth, and one that lost its elements on the wire (java.util.CollSer of hessian-lite 3.2).
 */
export function valueToJson(value: Value, options: ToJsonOptions = {}): JsonNode {
  return new JsonBuilder(options).build(value);
}

class JsonBuilder {
  readonly #options: ToJsonOptions;
  readonly #maxChars: number;
  readonly #maxValues: number;
  readonly #maxDepth: number;
  readonly #open = new Set<ContainerValue>();
  #chars = 0;
  #values = 0;

  constructor(options: ToJsonOptions) {
    this.#options = options;
    this.#maxChars = options.maxChars ?? 16 * 1024 * 1024;
    this.#maxValues = options.maxValues ?? 1_000_000;
    this.#maxDepth = Math.min(options.maxDepth ?? 256, 1024);
  }

  build(value: Value): JsonNode {
    if (++this.#values > this.#maxValues) throw refused(`json of more values than maxValues ${this.#maxValues}`);
    switch (typeof value) {
      case "string":
        this.#spend(value.length + 2);
        return value;
      case "number":
        this.#spend(4);
        return jsonNumber(value);
      case "bigint":
        this.#spend(8);
        return this.#long(value);
      case "boolean":
        this.#spend(5);
        return value;
      default:
        if (value === null) {
          this.#spend(4);
          return null;
        }
    }
    if (value instanceof Uint8Array) {
      this.#spend(Math.ceil(value.length / 3) * 4 + 2);
      return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
    }
    switch (value.type) {
      case "double":
        // Form 5f holds thousandths; dividing gives the number that a person would write, Java's product may miss it by one bit.
        return this.#fraction(value.milli === undefined ? value.value : value.milli / 1000);
      case "float":
        return this.#fraction(shortestFloat(value.value));
      case "char":
        this.#spend(3);
        return value.value;
      case "date":
        return this.#date(value);
      case "list":
      case "map":
      case "object":
        return this.#container(value);
      default:
        value satisfies never;
        throw new TypeError("not a value: " + String(value));
    }
  }

  #spend(chars: number): void {
    this.#chars += chars;
    if (this.#chars > this.#maxChars) throw refused(`json grows over maxChars ${this.#maxChars}`);
  }

  #long(value: bigint): JsonNode {
    const { longs = "safe" } = this.#options;
    const safe = value <= 9007199254740991n && value >= -9007199254740991n;
    return longs === "digits" || (longs === "safe" && safe) ? jsonNumber(value) : String(value);
  }

  /** Doubles keep a sign of what they are: 2.0 and not 2, so that the way back makes a double again. */
  #fraction(value: number): JsonNode {
    this.#spend(8);
    if (!Number.isFinite(value)) return String(value);
    if (Object.is(value, -0)) return new JsonNumber("-0.0");
    return Number.isInteger(value) && Math.abs(value) < 1e21 ? new JsonNumber(`${value}.0`) : jsonNumber(value);
  }

  #date(value: DateValue): JsonNode {
    this.#spend(26);
    const text = this.#options.dates === "ms" ? undefined : dateText(value);
    return text ?? this.#long(value.ms);
  }

  #container(value: ContainerValue): JsonNode {
    if (this.#open.has(value)) {
      if (this.#options.cycles === "null") return null;
      throw refused(`${nameOf(value)} contains itself, which JSON cannot say`);
    }
    if (this.#open.size >= this.#maxDepth) throw refused(`values nested deeper than maxDepth ${this.#maxDepth}`);
    this.#open.add(value);
    this.#spend(2);
    const node = this.#opened(value);
    this.#open.delete(value);
    return node;
  }

  #opened(value: ContainerValue): JsonNode {
    if (value.type === "list") return this.#items(value.items);
    if (value.type === "map") return this.#map(value);
    if (lostItsElements(value)) {
      throw refused(
        "java.util.CollSer: the sender's hessian-lite 3.2 left out the elements of its List.of, Set.of or Map.of",
      );
    }
    const plain = this.#options.isBean?.(value.shape.name) === true ? undefined : plainOf(value);
    if (plain !== undefined) return this.build(plain);
    return isThrowable(value) ? this.#throwable(value) : this.#object(value);
  }

  #items(items: readonly Value[]): JsonNode[] {
    const nodes: JsonNode[] = [];
    for (const item of items) {
      this.#spend(1);
      nodes.push(this.build(item));
    }
    return nodes;
  }

  /** An object when every key is a string, else a list of [key, value]. */
  #map(map: MapValue): JsonNode {
    if (!map.entries.every(([key]) => typeof key === "string")) {
      return map.entries.map(([key, value]) => {
        this.#spend(4);
        return [this.build(key), this.build(value)];
      });
    }
    const members: JsonObject = new Map();
    for (const [key, value] of map.entries) this.#member(members, key as string, value);
    return members;
  }

  #object(object: ObjectValue): JsonObject {
    const members: JsonObject = new Map();
    if (this.#options.classNames) this.#member(members, "class", object.shape.name);
    for (const [i, name] of object.shape.fields.entries()) this.#member(members, name, object.values[i]!);
    return members;
  }

  #member(members: JsonObject, name: string, value: Value): void {
    this.#spend(name.length + 4);
    members.set(name, this.build(value));
  }

  #throwable(object: ObjectValue): JsonObject {
    const view = throwableView(object);
    const members: JsonObject = new Map();
    this.#member(members, "exceptionClass", view.exceptionClass);
    this.#member(members, "message", view.message);
    this.#member(members, "cause", view.cause);
    for (const line of view.stackTrace) this.#spend(line.length + 3);
    members.set("stackTrace", [...view.stackTrace]);
    if (view.fields.size > 0) {
      const own: JsonObject = new Map();
      for (const [name, value] of view.fields) this.#member(own, name, value);
      members.set("fields", own);
    }
    return members;
  }
}

function nameOf(value: ContainerValue): string {
  if (value.type === "object") return value.shape.name;
  return value.className ?? `a ${value.type}`;
}

function refused(message: string): ProtocolError {
  return new ProtocolError("hessian2", message);
}
