/**
 * Trees of JavaBeanDescriptors, the form `bean` of generic calls, and the values that they stand for. Reference: JavaBeanSerializeUtil of
 * Apache Dubbo 2.7 to 3.3, and of Alibaba's 2.6, whose class has another package.
 *
 * | type | className | properties |
 * |---|---|---|
 * | 1 class | java.lang.Class | `name`: the class |
 * | 2 enum | its class | `name`: the constant |
 * | 3 collection, 5 array | its class; of an array the items' | index: item, in order |
 * | 4 map | its class | key: value, descriptors both |
 * | 6 scalar, text, number, date | its class | `value`: itself |
 * | 7 any other | its class | name of the property: value |
 */
import { ProtocolError } from "../base/errors.ts";
import { arrayName } from "./hessian2/from-json.ts";
import { classValue, enumName, enumValue } from "./hessian2/java.ts";
import { parseJavaType } from "./java-types.ts";
import {
  type ClassShape,
  type ContainerValue,
  fieldOf,
  isContainer,
  isObject,
  type ListValue,
  listValue,
  type MapValue,
  mapGet,
  type ObjectValue,
  type Value,
} from "./value.ts";

/** The class of descriptors of Apache Dubbo. */
export const BEAN_DESCRIPTOR = "org.apache.dubbo.common.beanutil.JavaBeanDescriptor";
const DESCRIPTORS: ReadonlySet<string> = new Set([
  BEAN_DESCRIPTOR,
  "com.alibaba.dubbo.common.beanutil.JavaBeanDescriptor",
]);

const [CLASS, ENUM, COLLECTION, MAP, ARRAY, SCALAR, BEAN] = [1, 2, 3, 4, 5, 6, 7] as const;
/** Descriptors inside descriptors, the most, and values in all: each time that one stands somewhere, since many descriptors may share properties. */
const MAX_DEPTH = 256;
const MAX_VALUES = 1_000_000;

/** Whether a value is a JavaBeanDescriptor. */
export function isBeanDescriptor(value: Value): value is ObjectValue {
  return isObject(value) && DESCRIPTORS.has(value.shape.name);
}

/**
 * The value that a tree of descriptors stands for; one that is none is itself, as Java has it. What is shared or inside itself there is so here.
 * Throws ProtocolError("java", ...) for a descriptor of no known type, and for a tree over 256 deep or of over a million values.
 */
export function fromBeanForm(value: Value): Value {
  return new TreeReader().read(value);
}

/**
 * A value as a tree of descriptors of the class `descriptor`. `isEnum` tells an enum from a class with the one property `name`; a name in capitals
 * makes one without it. byte[], java.time and the like, which Java cannot make again from their parts, stand in a descriptor as they are.
 * Throws as {@link fromBeanForm}.
 */
export function toBeanForm(
  value: Value,
  descriptor: string = BEAN_DESCRIPTOR,
  isEnum: (object: ObjectValue) => boolean = (object) => enumName(object) !== undefined,
): Value {
  return new TreeWriter(descriptor, isEnum).write(value);
}

class Bounds {
  #depth = 0;
  #values = 0;

  enter(): void {
    if (++this.#depth > MAX_DEPTH) throw bad(`a generic call's beans are nested deeper than ${MAX_DEPTH}`);
  }

  count(): void {
    if (++this.#values > MAX_VALUES) throw bad(`a generic call's beans are over the limit of ${MAX_VALUES} values`);
  }

  leave(): void {
    this.#depth--;
  }
}

class TreeReader {
  readonly #bounds = new Bounds();
  readonly #made = new Map<ObjectValue, Value>();

  read(value: Value): Value {
    this.#bounds.count();
    if (!isBeanDescriptor(value)) return value;
    const known = this.#made.get(value);
    if (known !== undefined) return known;
    this.#bounds.enter();
    const made = this.#make(value);
    this.#bounds.leave();
    return made;
  }

  #make(descriptor: ObjectValue): Value {
    const className = textOf(fieldOf(descriptor, "className"));
    const properties = propertiesOf(descriptor);
    switch (fieldOf(descriptor, "type")) {
      case SCALAR:
        return mapGet(properties, "value") ?? null;
      case CLASS:
        return classValue(textOf(mapGet(properties, "name")));
      case ENUM:
        return this.#keep(descriptor, enumValue(className, textOf(mapGet(properties, "name"))));
      case ARRAY:
        return this.#array(descriptor, className, properties);
      case COLLECTION: {
        const list = listValue([], className === "java.util.ArrayList" ? null : className);
        return this.#items(this.#keep(descriptor, list), properties);
      }
      case MAP: {
        const map: MapValue = {
          type: "map",
          className: className === "java.util.HashMap" ? null : className,
          entries: [],
        };
        this.#keep(descriptor, map);
        for (const [key, item] of properties.entries) map.entries.push([this.read(key), this.read(item)]);
        return map;
      }
      case BEAN: {
        const names = properties.entries.map(([name]) => textOf(name));
        const object: ObjectValue = { type: "object", shape: { name: className, fields: names }, values: [] };
        this.#keep(descriptor, object);
        for (const [, item] of properties.entries) object.values.push(this.read(item));
        return object;
      }
      default:
        throw bad(`JavaBeanDescriptor of ${className.slice(0, 200)} has a type that is none of 1 to 7`);
    }
  }

  #array(descriptor: ObjectValue, className: string, properties: MapValue): Value {
    if (className === "byte") {
      const bytes = new Uint8Array(properties.entries.length);
      for (const [i, [, item]] of properties.entries.entries()) bytes[i] = Number(this.read(item) as number);
      return this.#keep(descriptor, bytes);
    }
    if (className === "char") {
      return this.#keep(descriptor, properties.entries.map(([, item]) => charOf(this.read(item))).join(""));
    }
    const element = arrayName(parseJavaType(className));
    return this.#items(this.#keep(descriptor, listValue([], `[${element}`)), properties);
  }

  #items(list: ListValue, properties: MapValue): ListValue {
    for (const [, item] of properties.entries) list.items.push(this.read(item));
    return list;
  }

  #keep<T extends Value>(descriptor: ObjectValue, value: T): T {
    this.#made.set(descriptor, value);
    return value;
  }
}

function propertiesOf(descriptor: ObjectValue): MapValue {
  const properties = fieldOf(descriptor, "properties") ?? null;
  if (isContainer(properties) && properties.type === "map") return properties;
  if (properties === null) return { type: "map", className: null, entries: [] };
  throw bad("JavaBeanDescriptor has properties that are no map");
}

function textOf(value: Value | undefined): string {
  if (typeof value === "string") return value;
  throw bad("JavaBeanDescriptor has a class, constant or property that is no text");
}

function charOf(value: Value): string {
  if (typeof value === "string") return value;
  return value !== null && typeof value === "object" && "type" in value && value.type === "char" ? value.value : "";
}

class TreeWriter {
  readonly #bounds = new Bounds();
  readonly #made = new Map<ContainerValue, ObjectValue>();
  /** One for all: a million of them would be as large as the values. */
  readonly #shape: ClassShape;
  readonly #isEnum: (object: ObjectValue) => boolean;

  constructor(descriptor: string, isEnum: (object: ObjectValue) => boolean) {
    this.#shape = { name: descriptor, fields: ["className", "type", "properties"] };
    this.#isEnum = isEnum;
  }

  write(value: Value): ObjectValue | null {
    if (value === null) return null;
    const known = isContainer(value) ? this.#made.get(value) : undefined;
    if (known !== undefined) return known;
    this.#bounds.count();
    this.#bounds.enter();
    const written = this.#write(value);
    this.#bounds.leave();
    return written;
  }

  #write(value: Exclude<Value, null>): ObjectValue {
    if (value instanceof Uint8Array) return this.#scalar("[B", value);
    if (!isContainer(value)) return this.#scalar(scalarClass(value), value);
    if (value.type === "list") {
      if (NARROW.has(value.className ?? "")) return this.#scalar(itemClass(`[${value.className}`), value);
      const isArray = value.className?.startsWith("[") === true;
      const className = isArray ? itemClass(value.className!) : (value.className ?? "java.util.ArrayList");
      const made = this.#begin(className, isArray ? ARRAY : COLLECTION, value);
      for (const [i, item] of value.items.entries()) made.properties.push([i, this.write(item)]);
      return made.object;
    }
    if (value.type === "map") {
      const made = this.#begin(value.className ?? "java.util.HashMap", MAP, value);
      for (const [key, item] of value.entries) made.properties.push([this.write(key), this.write(item)]);
      return made.object;
    }
    const { name, fields } = value.shape;
    if (name === "java.lang.Class") return this.#named(CLASS, value);
    if (this.#isEnum(value)) return this.#named(ENUM, value);
    if (/^(?:java|com\.alibaba\.com\.caucho)\./.test(name)) return this.#scalar(name, value);
    const made = this.#begin(name, BEAN, value);
    for (const [i, field] of fields.entries()) made.properties.push([field, this.write(value.values[i]!)]);
    return made.object;
  }

  #named(type: number, object: ObjectValue): ObjectValue {
    const made = this.#begin(object.shape.name, type, object);
    made.properties.push(["name", fieldOf(object, "name") ?? null]);
    return made.object;
  }

  #scalar(className: string, value: Value): ObjectValue {
    const made = this.#begin(className, SCALAR, isContainer(value) ? value : undefined);
    made.properties.push(["value", value]);
    return made.object;
  }

  #begin(className: string, type: number, value: ContainerValue | undefined) {
    const properties: [Value, Value][] = [];
    const map: MapValue = { type: "map", className: "java.util.LinkedHashMap", entries: properties };
    const object: ObjectValue = { type: "object", shape: this.#shape, values: [className, type, map] };
    if (value !== undefined) this.#made.set(value, object);
    return { object, properties };
  }
}

function scalarClass(value: Exclude<Value, null | Uint8Array | ContainerValue>): string {
  switch (typeof value) {
    case "boolean":
      return "java.lang.Boolean";
    case "number":
      return "java.lang.Integer";
    case "bigint":
      return "java.lang.Long";
    case "string":
      return "java.lang.String";
    default:
      return SCALAR_CLASSES[value.type];
  }
}

const SCALAR_CLASSES = {
  double: "java.lang.Double",
  float: "java.lang.Float",
  char: "java.lang.Character",
  date: "java.util.Date",
} as const;

/** Hessian reads their items as wider ones, out of which Java makes no such array: they stay whole, and so do bytes. */
const NARROW: ReadonlySet<string> = new Set(["[short", "[float"]);

const NAMES: Readonly<Record<string, string>> = {
  string: "java.lang.String",
  object: "java.lang.Object",
  date: "java.util.Date",
};
const LETTERS: Readonly<Record<string, string>> = {
  ...{ boolean: "Z", byte: "B", char: "C", short: "S", int: "I", long: "J", float: "F", double: "D" },
};

/** Java's name of an array's items, from Hessian's name of the array: `[string` has java.lang.String, `[[int` has `[I`. */
function itemClass(name: string): string {
  const item = name.slice(1);
  const dimensions = /^\[*/.exec(item)![0].length;
  const element = item.slice(dimensions);
  const className = NAMES[element] ?? element;
  if (dimensions === 0) return className;
  return "[".repeat(dimensions) + (LETTERS[element] ?? `L${className};`);
}

function bad(text: string): ProtocolError {
  return new ProtocolError("java", text);
}
