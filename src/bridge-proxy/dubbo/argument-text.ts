import { fromBeanForm, isBeanDescriptor } from "../../codecs/bean-form.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import { scalarText } from "../../codecs/hessian2/text.ts";
import { isContainer, type ObjectValue, type Value } from "../../codecs/value.ts";

/** What trees of descriptors stand for: rules may ask for many parts of one. */
const trees = new WeakMap<ObjectValue, Value>();

/**
 * The text of an argument as rules see it; `path` is its number and, behind dots, fields or list indexes: `0.items.1.sku`.
 * Undefined for null, for what is not there, and for values that have no text (a list, an object with several fields).
 * Throws `ProtocolError` where the arguments cannot be read.
 */
export function argumentText(head: Pick<RequestView, "effectiveArgument">, path: string): string | undefined {
  const [number, ...fields] = path.split(".");
  let value = argumentAt(head, Number(number));
  for (const field of fields) {
    if (value === undefined) return undefined;
    value = memberOf(value, field);
  }
  return value === undefined ? undefined : scalarText(value);
}

/** Argument `n` as a tree: a generic call in the form bean has descriptors of its values. Throws as {@link argumentText}. */
export function argumentAt(head: Pick<RequestView, "effectiveArgument">, n: number): Value | undefined {
  const argument = head.effectiveArgument(n);
  return argument !== undefined && isBeanDescriptor(argument) ? treeOf(argument) : argument;
}

function treeOf(descriptor: ObjectValue): Value {
  let value = trees.get(descriptor);
  if (value === undefined) {
    value = fromBeanForm(descriptor);
    trees.set(descriptor, value);
  }
  return value;
}

/** A field, entry or element of a value; undefined where there is none of that name. */
export function memberOf(value: Value, name: string): Value | undefined {
  if (!isContainer(value)) return undefined;
  if (value.type === "list") return value.items[Number(name)];
  // Backwards, and without a list of them: the last of a name counts, and there may be a million.
  const { type } = value;
  const count = type === "map" ? value.entries.length : value.values.length;
  const folded = name.toLowerCase();
  let near: Value | undefined;
  for (let i = count - 1; i >= 0; i--) {
    const [key, item] = type === "map" ? value.entries[i]! : [value.shape.fields[i]!, value.values[i]!];
    if (key === name) return item;
    if (near === undefined && typeof key === "string" && key.toLowerCase() === folded) near = item;
  }
  return near;
}
