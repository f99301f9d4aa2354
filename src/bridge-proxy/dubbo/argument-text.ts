import type { RequestHead } from "../../codecs/dubbo2/head.ts";
import { isContainer, type ObjectValue, type Value } from "../../codecs/value.ts";

/**
 * The text of an argument as rules see it; `path` is its number and, behind dots, fields or list indexes: `0.items.1.sku`.
 * Undefined for null, for what is not there, and for values that have no text (a list, an object with several fields).
 * Throws `ProtocolError` where the arguments cannot be read.
 */
export function argumentText(head: RequestHead, path: string): string | undefined {
  const [number, ...fields] = path.split(".");
  let value: Value | undefined = head.effectiveArgument(Number(number));
  for (const field of fields) {
    if (value === undefined) return undefined;
    value = memberOf(value, field);
  }
  return value === undefined ? undefined : textOf(value);
}

function memberOf(value: Value, name: string): Value | undefined {
  if (!isContainer(value)) return undefined;
  if (value.type === "list") return value.items[Number(name)];
  const members: readonly (readonly [string, Value])[] =
    value.type === "map"
      ? value.entries.flatMap(([key, item]) => (typeof key === "string" ? [[key, item] as const] : []))
      : value.shape.fields.map((field, i) => [field, value.values[i]!] as const);
  const folded = name.toLowerCase();
  const found = members.findLast(([key]) => key === name) ?? members.findLast(([key]) => key.toLowerCase() === folded);
  return found?.[1];
}

function textOf(value: Value): string | undefined {
  if (value === null || value instanceof Uint8Array) return undefined;
  if (typeof value !== "object") return String(value);
  switch (value.type) {
    case "double":
    case "float":
    case "char":
      return String(value.value);
    case "date":
      return new Date(Number(value.ms)).toISOString();
    case "object":
      return objectText(value);
    default:
      return undefined;
  }
}

/** Enums are objects with a name alone, BigDecimal, UUID and the like objects with a text `value` alone. */
function objectText({ shape, values }: ObjectValue): string | undefined {
  const [only] = values;
  if (shape.fields.length !== 1 || typeof only !== "string") return undefined;
  return shape.fields[0] === "name" || shape.fields[0] === "value" ? only : undefined;
}
