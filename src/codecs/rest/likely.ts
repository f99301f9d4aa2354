/**
 * Telling Java's methods by what a document in JSON's words lets one expect of their parameters.
 *
 * | expected | fits |
 * |---|---|
 * | the same class, boxed or not | best |
 * | a number | every class of numbers |
 * | a text | texts, dates, enums and such |
 * | an array, bytes aside | lists, sets, arrays |
 * | an object | maps, and classes that are none of the Java library |
 * | anything | everything |
 */
import type { RestMethod } from "../../model/schema.ts";

type JsonKind = "number" | "boolean" | "text" | "array" | "object" | "any";

const BOXED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    boolean: "java.lang.Boolean",
    byte: "java.lang.Byte",
    char: "java.lang.Character",
    short: "java.lang.Short",
    int: "java.lang.Integer",
    long: "java.lang.Long",
    float: "java.lang.Float",
    double: "java.lang.Double",
  }),
);
const NUMBERS =
  /^java\.(?:lang\.(?:Byte|Short|Integer|Long|Float|Double|Number)|math\.Big(?:Integer|Decimal)|util\.concurrent\.atomic\..*)$/;
const TEXTS =
  /^(?:java\.lang\.(?:String|CharSequence|Character|Enum|Class)|java\.util\.(?:Date|Calendar|UUID|Locale|Currency)|java\.(?:sql|time|net)\..*|byte\[\])$/;
const ARRAYS = /^(?:.*\[\]|java\.util\.(?:.*(?:List|Set|Queue|Deque|Vector|Stack)|Collection)|java\.lang\.Iterable)$/;
const MAPS = /^java\.util\.(?:.*Map|Hashtable|Properties)$/;

/** How well parameters of these types take arguments of those, type arguments aside: undefined where they do not, more is better. */
export function likeness(expected: readonly string[], types: readonly string[]): number | undefined {
  if (expected.length !== types.length) return undefined;
  let sum = 0;
  for (const [i, one] of expected.entries()) {
    const [wanted, found] = [boxed(erased(one)), boxed(erased(types[i]!))];
    if (wanted === found) sum += 2;
    else if (fits(kindsOf(wanted), kindsOf(found))) sum += 1;
    else return undefined;
  }
  return sum;
}

/**
 * The method with its parameters in each form that Java's may have, but no more than `most`: the body comes last in a document, and
 * anywhere in Java, and what a request may do without Java may not have at all. The document's own form is the first, and always there.
 */
export function arrangements(method: RestMethod, most: number): readonly RestMethod[] {
  const forms: RestMethod[] = [];
  for (let left = 0; left <= (method.likely?.optional ?? 0) && (left === 0 || forms.length < most); left++)
    forms.push(...ordersOf(without(left, method), Math.max(1, most - forms.length)));
  return forms;
}

/** Without the last of its parameters that are not in the body. */
function without(count: number, method: RestMethod): RestMethod {
  const { parameters, likely } = method;
  if (count === 0 || likely === undefined) return method;
  const end = parameters.length - (parameters.at(-1)?.in === "body" ? 1 : 0);
  const cut = <T>(list: readonly T[]): T[] => [...list.slice(0, end - count), ...list.slice(end)];
  return {
    ...method,
    parameters: cut(parameters),
    likely: { ...likely, parameterTypes: cut(likely.parameterTypes) },
  };
}

function ordersOf(method: RestMethod, most: number): readonly RestMethod[] {
  const { parameters, likely } = method;
  const last = parameters.length - 1;
  if (likely === undefined || last < 1 || parameters[last]!.in !== "body") return [method];
  return [method, ...parameters.slice(0, Math.min(last, most - 1)).map((_, i) => movedTo(i, method, likely))];
}

function movedTo(place: number, method: RestMethod, likely: NonNullable<RestMethod["likely"]>): RestMethod {
  const moved = <T>(list: readonly T[]): T[] => [...list.slice(0, place), list.at(-1)!, ...list.slice(place, -1)];
  return {
    ...method,
    parameters: moved(method.parameters),
    likely: { ...likely, parameterTypes: moved(likely.parameterTypes) },
  };
}

const MAX_TYPE_CHARS = 1_024;

function erased(type: string): string {
  // A caller's own text, as long as its author likes.
  return type.length > MAX_TYPE_CHARS ? type : withoutArguments(type).replace(/\s/g, "");
}

/** A type's text without its type arguments: from the first `<` to the last `>`. */
export function withoutArguments(type: string): string {
  const [from, to] = [type.indexOf("<"), type.lastIndexOf(">")];
  return from >= 0 && from < to ? type.slice(0, from) + type.slice(to + 1) : type;
}

function boxed(type: string): string {
  return BOXED.get(type) ?? type;
}

function kindsOf(type: string): readonly JsonKind[] {
  if (type.length > MAX_TYPE_CHARS || type === "java.lang.Object") return ["any"];
  if (type === "java.lang.Boolean") return ["boolean"];
  if (NUMBERS.test(type)) return ["number"];
  if (TEXTS.test(type)) return ["text"];
  if (ARRAYS.test(type)) return ["array"];
  if (MAPS.test(type)) return ["object"];
  // An enum is a text in JSON.
  return /^javax?\./.test(type) ? ["any"] : ["object", "text"];
}

function fits(expected: readonly JsonKind[], found: readonly JsonKind[]): boolean {
  return expected.includes("any") || found.includes("any") || expected.some((kind) => found.includes(kind));
}
