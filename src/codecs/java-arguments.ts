/**
 * Arguments of a Java method from JSON or a query, by the types that its interface declares: overloads are told by their count of
 * parameters, by what fits, and by the signature of Triple 3.3 (`find~l`). Reference: triple's basic mapping in Apache Dubbo 3.3.
 *
 * | content | is |
 * |---|---|
 * | an array as long as there are parameters | the arguments |
 * | anything, for one parameter | the argument |
 * | an object with the parameters' names | the arguments by name |
 * | nothing, and a query | the arguments by name, or in their order where names are not known |
 */
import { CallError, ProtocolError } from "../base/errors.ts";
import { type FromJsonOptions, jsonToValue } from "./hessian2/from-json.ts";
import { type JavaMethodForm, type JavaSchema, kindOfJava, printJavaMethod } from "./java-schema.ts";
import type { JavaType } from "./java-types.ts";
import { type JsonNode, JsonNumber, type JsonObject, parseJson } from "./json-text.ts";
import type { Value } from "./value.ts";

/** The most parameters of a query. */
const MAX_QUERY = 255;
/** The most of an error's text that tells of one overload. */
const MAX_REASON = 300;

/** What a call gives beside its method's name. */
export interface JsonContent {
  /** Behind `~` in the path; undefined for none. */
  readonly signature: string | undefined;
  /** Undefined where there is no content. */
  readonly body: JsonNode | undefined;
  readonly query: readonly (readonly [name: string, text: string])[];
}

/** A method that takes the content. */
export interface JsonArguments {
  readonly types: readonly string[];
  /** Objects of the user's classes are maps, as generic calls have them. */
  readonly args: Value[];
}

/** Names and texts of a query or a form. Throws ProtocolError("json", ...) for one that is too long or badly escaped. */
export function parseQuery(text: string): (readonly [name: string, text: string])[] {
  const parts = text.split("&").filter((part) => part !== "");
  if (parts.length > MAX_QUERY) throw new ProtocolError("json", `query of more than ${MAX_QUERY} parameters`);
  return parts.map((part) => {
    const at = part.indexOf("=");
    return [unescaped(at < 0 ? part : part.slice(0, at)), at < 0 ? "" : unescaped(part.slice(at + 1))] as const;
  });
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, "%20"));
  } catch {
    throw new ProtocolError("json", `query has the bad escape ${JSON.stringify(text.slice(0, 40))}`);
  }
}

/**
 * The arguments of the overload that fits best; undefined where the interface's metadata has no such method. Throws ProtocolError("json", ...)
 * where none fits, CallError `invalid_argument` where several do alike.
 */
export function jsonArguments(java: JavaSchema, method: string, content: JsonContent): JsonArguments | undefined {
  const overloads = java.methods(method);
  if (overloads.length === 0) return undefined;
  const { signature } = content;
  const meant = signature === undefined ? overloads : overloads.filter((form) => signatureOf(form) === signature);
  if (meant.length === 0) {
    throw new ProtocolError(
      "json",
      `no overload has the signature ~${signature}: ${overloads.map(printJavaMethod).join(", ")}`,
    );
  }
  const options: FromJsonOptions = { classKey: "entry", beans: "maps", fieldsOf: (name) => java.properties(name) };
  const reasons: string[] = [];
  const fitting: { readonly form: JavaMethodForm; readonly args: Value[]; readonly cost: number }[] = [];
  for (const form of meant) {
    const fault = { text: `${form.parameters.length} parameters` };
    const found = bestOf(form, content, options, java, fault);
    if (found === undefined) reasons.push(`${printJavaMethod(form)}: ${fault.text}`.slice(0, MAX_REASON));
    else fitting.push({ form, ...found });
  }
  fitting.sort((a, b) => a.cost - b.cost);
  const [best, next] = fitting;
  if (best === undefined) throw new ProtocolError("json", `the content does not fit ${reasons.slice(0, 5).join("; ")}`);
  if (next !== undefined && next.cost === best.cost) {
    const both = `${printJavaMethod(best.form)} and ${printJavaMethod(next.form)}`;
    const text = `the content fits ${both} alike: say ${method}~${signatureOf(best.form)} or ${method}~${signatureOf(next.form)}`;
    throw new CallError("invalid_argument", "undecodable", text);
  }
  return { types: best.form.erased, args: best.args };
}

/** First letters of the parameters' simple class names, as Triple 3.3 has them: an array's is that of its class's name. */
function signatureOf({ parameters }: Pick<JavaMethodForm, "parameters">): string {
  return parameters.map(letterOf).join("");
}

function letterOf(type: JavaType): string {
  if (type.name === "[]") {
    const element = type.args[0]!;
    return element.name.includes(".") ? letterOf(element) : "[";
  }
  return type.name.slice(Math.max(type.name.lastIndexOf("."), type.name.lastIndexOf("$")) + 1).slice(0, 1);
}

/** The first reading of the content that fits a method; where none does the first one's fault is left in `fault`. */
function bestOf(
  form: JavaMethodForm,
  content: JsonContent,
  options: FromJsonOptions,
  java: JavaSchema,
  fault: { text: string },
): { readonly args: Value[]; readonly cost: number } | undefined {
  let isFirst = true;
  for (const nodes of readings(form, content, java)) {
    try {
      const args = form.parameters.map((type, i) => jsonToValue(nodes[i]!, type, options, nameAt(form, i)));
      const cost = form.parameters.reduce((sum, type, i) => sum + costOf(nodes[i]!, type, java), 0);
      if (Number.isFinite(cost)) return { args, cost };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (isFirst) fault.text = error.message;
    }
    isFirst = false;
  }
  return undefined;
}

function nameAt(form: JavaMethodForm, i: number): string {
  return form.names?.[i] ?? `argument ${i}`;
}

/** The ways to read the content as a method's arguments, the likeliest first. */
function* readings(
  form: JavaMethodForm,
  { body, query }: JsonContent,
  java: JavaSchema,
): Generator<readonly JsonNode[]> {
  const { parameters, names } = form;
  if (body === undefined) {
    const given = queryArguments(form, query);
    if (given !== undefined) yield given;
    return;
  }
  if (Array.isArray(body) && body.length === parameters.length) yield body;
  if (parameters.length === 1 && isNamed(form, body, java)) yield [body.get(names![0]!) ?? null];
  if (parameters.length === 1) yield [body];
  if (body instanceof Map && names !== undefined && names.length > 0) {
    const isWhole = [...body.keys()].every((name) => names.includes(name));
    if (isWhole) yield names.map((name) => body.get(name) ?? null);
  }
}

/** Whether an object is the only argument by its name: it has that key alone, and the argument's class no such property. */
function isNamed({ parameters, names }: JavaMethodForm, body: JsonNode, java: JavaSchema): body is JsonObject {
  const name = names?.[0];
  if (name === undefined || !(body instanceof Map) || body.size !== 1 || !body.has(name)) return false;
  const properties = java.properties(parameters[0]!.name);
  return properties !== undefined && !properties.has(name);
}

/** A query's parameters as arguments: by name where names are known, else in their order; undefined where they are not as many. */
function queryArguments(form: JavaMethodForm, query: JsonContent["query"]): readonly JsonNode[] | undefined {
  const { parameters, names } = form;
  if (names !== undefined) {
    if (!query.every(([name]) => names.includes(name))) return undefined;
    return parameters.map((type, i) =>
      queryNode(
        query.filter(([name]) => name === names[i]).map(([, text]) => text),
        type,
      ),
    );
  }
  const groups = new Map<string, string[]>();
  for (const [name, text] of query) groups.set(name, [...(groups.get(name) ?? []), text]);
  if (groups.size !== parameters.length) return undefined;
  return [...groups.values()].map((texts, i) => queryNode(texts, parameters[i]!));
}

/** What a parameter's texts are for a type: a list of them all, JSON for classes and maps, else the last as a number, a truth or a text. */
function queryNode(texts: readonly string[], type: JavaType): JsonNode {
  const last = texts.at(-1);
  if (last === undefined) return null;
  const kind = kindOfJava(type);
  const isJson = /^\s*[[{]/.test(last);
  if (kind === "list" && !(isJson && texts.length === 1)) {
    const element = type.args[0];
    return texts.map((text) => (element === undefined ? text : queryNode([text], element)));
  }
  switch (kind) {
    case "list":
    case "map":
    case "any":
    case "bean":
      return isJson ? jsonOrText(last) : last;
    case "boolean":
      return last === "true" ? true : last === "false" ? false : last;
    case "integer":
    case "float":
    case "decimal":
    case "date":
      return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(last) ? new JsonNumber(last) : last;
    default:
      return last;
  }
}

/** A text that only looks like JSON may be meant as it is. */
function jsonOrText(text: string): JsonNode {
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof ProtocolError) return text;
    throw error;
  }
}

/** How far a JSON value is from a type that it fits: 0 for its own. Infinity where an enum has no such constant. */
function costOf(node: JsonNode, type: JavaType, java: JavaSchema): number {
  const kind = kindOfJava(type);
  if (node === null) return 0;
  if (kind === "any") return 9;
  if (node instanceof JsonNumber) {
    if (kind === "integer") return node.isInteger ? (/(?:^int|\.Integer)$/.test(type.name) ? 0 : 1) : 6;
    if (kind === "float") return (node.isInteger ? 2 : 0) + (/double$/i.test(type.name) ? 0 : 1);
    return kind === "decimal" ? 4 : 6;
  }
  if (typeof node === "string") {
    if (kind === "text") return 0;
    if (kind !== "bean") return 4;
    const constants = java.constants(type.name);
    if (constants === undefined) return java.properties(type.name) === undefined ? 3 : Number.POSITIVE_INFINITY;
    return constants.includes(node) ? 2 : Number.POSITIVE_INFINITY;
  }
  if (kind === "bean" && java.constants(type.name) !== undefined) return Number.POSITIVE_INFINITY;
  return node instanceof Map && kind === "map" ? 1 : 0;
}
