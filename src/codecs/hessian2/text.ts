/** Values as one text: what rules compare arguments with. */
import { type ObjectValue, shortestFloat, type Value } from "../value.ts";
import { dateText, plainOf } from "./java.ts";

/** An Optional of an Optional and so on: deeper than this nobody looks. */
const MAX_UNWRAPPED = 4;

/**
 * The text of a scalar: numbers in decimal, dates and java.time in ISO-8601, an enum's name, the digits of BigDecimal and
 * BigInteger, what an Optional or Atomic holds. Undefined for null, bytes, lists, maps and objects of several fields.
 * Never throws, whatever the value holds.
 */
export function scalarText(value: Value): string | undefined {
  let at = value;
  for (let unwrapped = 0; unwrapped <= MAX_UNWRAPPED; unwrapped++) {
    if (at === null || at instanceof Uint8Array) return undefined;
    if (typeof at !== "object") return String(at);
    switch (at.type) {
      case "double":
        return String(at.milli === undefined ? at.value : at.milli / 1000);
      case "float":
        return String(shortestFloat(at.value));
      case "char":
        return at.value;
      case "date":
        return dateText(at) ?? String(at.ms);
      case "object": {
        const plain = plainOf(at);
        if (plain === undefined) return onlyText(at);
        at = plain;
        break;
      }
      default:
        return undefined;
    }
  }
  return undefined;
}

/** Objects of one text field `name` or `value`: enums whose names are not in capitals, wrappers of a text. */
function onlyText({ shape, values }: ObjectValue): string | undefined {
  const [only] = values;
  if (shape.fields.length !== 1 || typeof only !== "string") return undefined;
  return shape.fields[0] === "name" || shape.fields[0] === "value" ? only : undefined;
}
