import { ProtocolError } from "../../base/errors.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import { isContainer, type Value } from "../../codecs/value.ts";
import { argumentAt, memberOf } from "./argument-text.ts";

/**
 * Arguments whose text is not what the method gets, as callers by hand may write them. Reference: PojoUtils and CompatibleTypeUtils of Apache
 * Dubbo, BasicDeserializer of its Hessian:
 *
 * | said | the method gets |
 * |---|---|
 * | `"07"`, `"+7"`, 7.5 for a `long` | 7 |
 * | 263 for a `byte`, 4294967303 for an `int` | 7 |
 * | `"TRUE"` for a `boolean` | `true` |
 * | `{sku: "a", Sku: "b"}` for a class with a property `sku` | either |
 *
 * A text that is written as the value's own would be, `"7"`, is what gateways send that know numbers as texts: the method gets 7.
 */

type Kind = (value: Value) => boolean;

const WHOLE = /^(?:0|-?[1-9]\d{0,18})$/;
const DECIMAL = /^-?(?:0|[1-9]\d{0,99})(?:\.\d{1,100})?$/;

/** Whole numbers of so many bits: Java cuts off what is over. */
const isWhole = (bits: number): Kind => {
  const fits = (value: bigint) => BigInt.asIntN(bits, value) === value;
  return (value) => {
    if (typeof value === "string") return WHOLE.test(value) && fits(BigInt(value));
    return (typeof value === "number" || typeof value === "bigint") && fits(BigInt(value));
  };
};
const isNumber: Kind = (value) =>
  typeof value === "number" ||
  typeof value === "bigint" ||
  (isTyped(value) && (value.type === "double" || value.type === "float"));
const isTruth: Kind = (value) => typeof value === "boolean" || value === "true" || value === "false";
const isText: Kind = (value) => typeof value === "string" || (isTyped(value) && value.type === "char");
const isDecimal: Kind = (value) => typeof value !== "string" || DECIMAL.test(value);
const isWholeText: Kind = (value) => typeof value !== "string" || WHOLE.test(value);
const isNoText: Kind = (value) => typeof value !== "string";

/** What consumers send for a type; of others everything. */
const KINDS: ReadonlyMap<string, Kind> = new Map(
  (
    [
      [isWhole(8), "B byte java.lang.Byte"],
      [isWhole(16), "S short java.lang.Short"],
      [isWhole(32), "I int java.lang.Integer"],
      [isWhole(64), "J long java.lang.Long"],
      [isNumber, "F D float double java.lang.Float java.lang.Double"],
      [isTruth, "Z boolean java.lang.Boolean"],
      [isText, "C char java.lang.Character java.lang.String"],
      [isDecimal, "java.math.BigDecimal"],
      [isWholeText, "java.math.BigInteger"],
      [isNoText, "java.util.Date java.sql.Date java.sql.Time java.sql.Timestamp"],
    ] as const
  ).flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind] as const)),
);

/** Throws `ProtocolError` where a policy asks for an argument, `0` or `0.sku`, that providers may read otherwise than its text has it. */
export function requirePlainArgument(
  head: Pick<RequestView, "effectiveArgument" | "effectiveType">,
  path: string,
): void {
  const [number, ...fields] = path.split(".");
  let value = argumentAt(head, Number(number));
  if (value === undefined || value === null) return;
  const type = head.effectiveType(Number(number));
  const fault = (what: string): never => {
    throw new ProtocolError("dubbo2", `a policy asks for argument ${path.slice(0, 100)}, ${what}`);
  };
  if (type === undefined) fault("and the call does not say its type");
  if (KINDS.get(type!)?.(value) === false) fault(`which is written otherwise than a ${type!.slice(0, 100)} is`);
  for (const field of fields) {
    if (value === undefined) return;
    if (hasTwoCases(value, field)) fault("which stands there in several cases of letters");
    value = memberOf(value, field);
  }
}

/** Whether a map has several keys that are this name but for the case of their letters. */
function hasTwoCases(value: Value, name: string): boolean {
  if (!isContainer(value) || value.type !== "map") return false;
  const folded = name.toLowerCase();
  let found: string | undefined;
  for (const [key] of value.entries) {
    if (typeof key !== "string" || key.toLowerCase() !== folded) continue;
    if (found !== undefined && found !== key) return true;
    found = key;
  }
  return false;
}

function isTyped(value: Value): value is Extract<Value, { readonly type: string }> {
  return typeof value === "object" && value !== null && "type" in value;
}
