/** Which Java property a field of a message is, which constant a value of an enum, and which class a message. */
import type { DescEnum, DescField, DescMessage } from "@bufbuild/protobuf";
import type { JavaSchema } from "../java-schema.ts";
import { type JavaType, OBJECT_TYPE } from "../java-types.ts";
import { camelCase } from "./names.ts";

/** A field and the property that it is. */
export interface BeanField {
  readonly field: DescField;
  readonly property: string;
  /** Any where the class is not known. */
  readonly type: JavaType;
}

const NO_JAVA = {};
const beans = new WeakMap<object, WeakMap<DescMessage, Map<string, readonly BeanField[]>>>();

/**
 * The fields of a message as properties of `className`, in the order of their numbers. Of a class that is known: the property with the
 * field's name in JSON, its name, or either without regard to case and underscores; of any other the name in JSON.
 */
export function beanFields(
  java: JavaSchema | undefined,
  message: DescMessage,
  className: string,
): readonly BeanField[] {
  let ofMessage = beans.get(java ?? NO_JAVA);
  if (ofMessage === undefined) {
    ofMessage = new WeakMap();
    beans.set(java ?? NO_JAVA, ofMessage);
  }
  let ofClass = ofMessage.get(message);
  if (ofClass === undefined) {
    ofClass = new Map();
    ofMessage.set(message, ofClass);
  }
  const known = java?.properties(className);
  // Names of classes come from the schema alone: there are as many as that has.
  const key = known === undefined ? "" : className;
  let fields = ofClass.get(key);
  if (fields === undefined) {
    fields = inOrder(message).map((field) => beanField(field, known));
    ofClass.set(key, fields);
  }
  return fields;
}

function beanField(field: DescField, known: ReadonlyMap<string, JavaType> | undefined): BeanField {
  for (const name of known === undefined ? [] : [field.jsonName, camelCase(field.name), field.name]) {
    const type = known?.get(name);
    if (type !== undefined) return { field, property: name, type };
  }
  const near = [...(known ?? [])].filter(([name]) => squash(name) === squash(field.name));
  const [found] = near;
  if (found !== undefined && near.length === 1) return { field, property: found[0], type: found[1] };
  return { field, property: field.jsonName, type: OBJECT_TYPE };
}

/** Whether every field of the message is a property of a known class. */
export function isBeanOf(java: JavaSchema, message: DescMessage, className: string): boolean {
  const known = java.properties(className);
  return known !== undefined && beanFields(java, message, className).every(({ property }) => known.has(property));
}

const byName = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** The field that a Java property is; undefined where the message has none. */
export function fieldNamed(message: DescMessage, property: string): DescField | undefined {
  let names = byName.get(message);
  if (names === undefined) {
    names = fieldNames(message);
    byName.set(message, names);
  }
  return names.get(property) ?? names.get(`/${squash(property)}`);
}

/** Exact names, and behind a slash what is left of them without case and underscores where that is one field's alone. */
function fieldNames(message: DescMessage): ReadonlyMap<string, DescField> {
  const names = new Map<string, DescField>();
  const twice = new Set<string>();
  for (const field of message.fields) {
    const near = `/${squash(field.name)}`;
    if (names.has(near)) twice.add(near);
    names.set(near, field);
  }
  for (const near of twice) names.delete(near);
  for (const field of message.fields) names.set(camelCase(field.name), field);
  for (const field of message.fields) names.set(field.jsonName, field).set(field.name, field);
  return names;
}

function squash(name: string): string {
  return name.replace(/_/g, "").toLowerCase();
}

/** A message's fields in the order of their numbers. */
export function inOrder(message: DescMessage): readonly DescField[] {
  return [...message.fields].sort((a, b) => a.number - b.number);
}

/**
 * The Java constant of an enum's value: of those that are known the one with its name, or with its name behind the prefix that all values share;
 * where none are known its name without that prefix. Undefined where there is none.
 */
export function constantOf(type: DescEnum, number: number, known: readonly string[] | undefined): string | undefined {
  const name = type.value[number]?.name;
  if (name === undefined) return undefined;
  const bare = name.slice(type.sharedPrefix?.length ?? 0);
  if (known === undefined) return bare;
  return [name, bare].find((one) => known.includes(one));
}

/** The number of an enum's value by a Java constant: its name, with or without the prefix that all values share; undefined for none. */
export function numberOfConstant(type: DescEnum, constant: string): number | undefined {
  const prefixed = (type.sharedPrefix ?? "").toUpperCase() + constant;
  return (type.values.find(({ name }) => name === constant) ?? type.values.find(({ name }) => name === prefixed))
    ?.number;
}

/** The class that a message or an enum is where nobody says another: in `java_package`, else the file's package, named as it is there. */
export function classOfMessage(message: DescMessage | DescEnum): string {
  const { options, package: said } = message.file.proto;
  const inFile = message.typeName.slice(said === "" ? 0 : said.length + 1).replace(/\./g, "$");
  const folder = options?.javaPackage || said;
  return folder === "" ? inFile : `${folder}.${inFile}`;
}
