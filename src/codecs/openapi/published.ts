/**
 * An OpenAPI 3 document of a REST service as methods of a Java interface.
 *
 * | document | method |
 * |---|---|
 * | `operationId`, as `find`, `find_1` | the name; `_1` and so on are springdoc's overloads |
 * | the first server's path, the path, the verb | the request |
 * | `parameters` in path, query, header | arguments in the document's order |
 * | `requestBody` with JSON | the last argument |
 * | the first answer 2xx | what it returns |
 * | cookies, objects in a query, other styles, other bodies than JSON | not a method: the problem is told |
 *
 * Reference: OpenAPI 3.0.4 and 3.1.1.
 */
import { ProtocolError } from "../../base/errors.ts";
import type { OpenapiPairing, PublishedMethod, PublishedRest, RestMethod, RestParameter } from "../../model/schema.ts";
import { canBeHeader } from "../rest/request.ts";
import { parseTemplate } from "../rest/template.ts";
import { SchemaTypes } from "./java-types.ts";
import { asList, asObject, asText, type DocumentObject, DocumentReader, member } from "./node.ts";

/** What was made of a document. */
export interface ReadDocument extends PublishedRest {
  /** Operations that cannot be methods, each with the reason. */
  readonly problems: readonly string[];
  /** Operations that the pairing names and the document does not have, or has in several places. */
  readonly missing: readonly string[];
  /** Properties, as `Schema.property`, whose enums have no name of a class. */
  readonly unnamed: readonly string[];
}

const VERBS = ["get", "post", "put", "patch", "delete"] as const;
const MAX_OPERATIONS = 2_000;
const MAX_PARAMETERS = 32;
const MAX_PROBLEMS = 100;
/** Methods of one name; operations' tags; characters of a server's URL. */
const MAX_OVERLOADS = 64;
const MAX_TAGS = 64;
const MAX_URL_CHARS = 2_048;
const JAVA_NAME = /^[\p{L}_$][\p{L}\p{N}_$]{0,255}$/u;

interface Operation {
  readonly id: string;
  readonly verb: string;
  readonly path: string;
  readonly node: DocumentObject;
  readonly item: DocumentObject;
  readonly tags: readonly string[];
}

/** Reads a parsed document. Throws `ProtocolError("openapi", ...)` for one that is none, or that is over a limit. */
export function readPublished(document: unknown, pairing: OpenapiPairing): ReadDocument {
  const root = asObject(document);
  const version = asText(member(root, "openapi"));
  if (root === undefined || version === undefined || !/^3\.\d/.test(version))
    throw new ProtocolError(
      "openapi",
      `document is not OpenAPI 3: openapi is ${JSON.stringify(version)?.slice(0, 40) ?? "missing"}`,
    );
  const reader = new DocumentReader(root);
  const types = new SchemaTypes(reader, pairing);
  const operations = operationsOf(root, reader);
  const groups = groupsOf(operations, pairing.tag);
  const methods: RestMethod[] = [];
  const problems: string[] = [];
  const missing: string[] = [];
  const base = pairing.basePath ?? basePathOf(root);
  const add = (group: readonly Operation[], said: PublishedMethod): void => {
    const tags = new Set(group.map((one) => one.tags[0]));
    for (const [i, operation] of group.entries()) {
      let method: RestMethod | string;
      if (tags.size > 1) method = "others have its name and another tag";
      else if (i >= MAX_OVERLOADS) method = `more than ${MAX_OVERLOADS} have its name`;
      else method = toMethod(operation, said, { base, reader, types });
      if (typeof method !== "string") methods.push(method);
      else if (problems.length < MAX_PROBLEMS) problems.push(`${operation.id} (${method})`);
    }
  };
  for (const said of pairing.methods) {
    const group = groups.get(said.operation) ?? operations.filter(({ id }) => id === said.operation);
    if (group.length === 0) missing.push(said.operation);
    else add(group, said);
  }
  const said = new Set(pairing.methods.map(({ name }) => name));
  for (const [name, group] of groups) {
    if (!said.has(name) && JAVA_NAME.test(name))
      add(group, { name, operation: name, notFound: "exception", exceptions: {} });
  }
  return { methods, types: types.types(), problems, missing, unnamed: types.unnamed() };
}

/** Operations by the names of their methods: springdoc numbers those of one name, over all tags. */
function groupsOf(
  operations: readonly Operation[],
  tag: string | undefined,
): ReadonlyMap<string, readonly Operation[]> {
  const ids = new Set(operations.map(({ id }) => id));
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    if (tag !== undefined && !operation.tags.includes(tag)) continue;
    const plain = operation.id.replace(/(?:_\d{1,4}){1,8}$/, "");
    const name = ids.has(plain) ? plain : operation.id;
    groups.set(name, [...(groups.get(name) ?? []), operation]);
  }
  return groups;
}

function operationsOf(root: DocumentObject, reader: DocumentReader): Operation[] {
  const operations: Operation[] = [];
  for (const [path, node] of Object.entries(asObject(member(root, "paths")) ?? {})) {
    reader.step();
    const item = reader.resolve(node)?.node;
    for (const verb of item === undefined ? [] : VERBS) {
      const operation = asObject(member(item, verb));
      const id = asText(member(operation, "operationId"));
      if (operation === undefined || id === undefined || id.length > 256) continue;
      const tags = asList(member(operation, "tags"), MAX_TAGS).filter((tag) => typeof tag === "string");
      operations.push({ id, verb: verb.toUpperCase(), path, node: operation, item: item!, tags });
      if (operations.length > MAX_OPERATIONS)
        throw new ProtocolError("openapi", `document has more than ${MAX_OPERATIONS} operations`);
    }
  }
  return operations;
}

/** The path of the first server's URL: what stands before each of the document's paths. */
function basePathOf(root: DocumentObject): string {
  const url = asText(member(asObject(asList(member(root, "servers"), 1)[0]), "url")) ?? "";
  if (url.length > MAX_URL_CHARS) return "";
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "");
  return path.startsWith("/") && !path.includes("{") ? path.replace(/\/+$/, "") : "";
}

interface MethodContext {
  readonly base: string;
  readonly reader: DocumentReader;
  readonly types: SchemaTypes;
}

/** The method, or why the operation cannot be one. */
function toMethod(operation: Operation, said: PublishedMethod, context: MethodContext): RestMethod | string {
  const path = context.base + operation.path;
  let names: readonly string[];
  try {
    ({ names } = parseTemplate(path));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return error.message;
  }
  const parameters: RestParameter[] = [];
  const parameterTypes: string[] = [];
  let optional = 0;
  for (const node of parametersOf(operation, context.reader)) {
    const parameter = toParameter(node, names, context);
    if (typeof parameter === "string") return parameter;
    parameters.push(parameter.parameter);
    parameterTypes.push(parameter.type);
    optional = parameter.parameter.in === "path" || member(node, "required") === true ? 0 : optional + 1;
  }
  const bare = names.find((name) => !parameters.some((one) => one.in === "path" && one.name === name));
  if (bare !== undefined) return `path has {${bare}} and no parameter of that name`;
  const body = bodyOf(operation, context);
  if (typeof body === "string") return body;
  if (body !== undefined) {
    parameters.push({ name: "body", in: "body" });
    parameterTypes.push(body.type);
  }
  if (parameters.length > MAX_PARAMETERS) return `more than ${MAX_PARAMETERS} parameters`;
  if (said.parameterTypes !== undefined && said.parameterTypes.length !== parameters.length)
    return `has ${parameters.length} parameters, and the rule ${said.parameterTypes.length} parameterTypes`;
  const returnType = returnTypeOf(operation, context);
  if (returnType === undefined) return "answers a stream";
  return {
    ...{
      name: said.name,
      verb: operation.verb,
      path,
      parameters,
      notFound: said.notFound,
      exceptions: said.exceptions,
    },
    ...(said.parameterTypes !== undefined && { parameterTypes: said.parameterTypes }),
    ...(said.returnType !== undefined && { returnType: said.returnType }),
    likely: { parameterTypes, returnType, ...(optional > 0 && said.parameterTypes === undefined && { optional }) },
  };
}

/** Those of the path and the operation's own, which count where both have one. */
function parametersOf({ node, item }: Operation, reader: DocumentReader): readonly DocumentObject[] {
  const found = new Map<string, DocumentObject>();
  const nodes = [item, node].flatMap((one) => asList(member(one, "parameters"), 2 * MAX_PARAMETERS));
  for (const one of nodes) {
    const parameter = reader.resolve(one)?.node;
    if (parameter !== undefined)
      found.set(`${asText(member(parameter, "in"))} ${asText(member(parameter, "name"))}`, parameter);
  }
  return [...found.values()];
}

function toParameter(
  node: DocumentObject,
  names: readonly string[],
  { types }: MethodContext,
): { readonly parameter: RestParameter; readonly type: string } | string {
  const name = asText(member(node, "name")) ?? "";
  const place = asText(member(node, "in")) ?? "nothing";
  const shown = `parameter ${name.slice(0, 100)} in ${place.slice(0, 20)}`;
  if (name === "" || name.length > 256) return `${shown} has no name that a request can carry`;
  if (place !== "path" && place !== "query" && place !== "header") return shown;
  if (place === "path" && !names.includes(name)) return `${shown} is not in the path`;
  if (place === "header" && !canBeHeader(name)) return `${shown} is no header that an argument may set`;
  const style = asText(member(node, "style")) ?? (place === "query" ? "form" : "simple");
  if (style !== (place === "query" ? "form" : "simple")) return `${shown} has style ${style.slice(0, 20)}`;
  if (member(node, "schema") === undefined) return `${shown} has no schema`;
  const type = types.of(member(node, "schema"));
  const isArray = /^java\.util\.(?:List|Set)</.test(type) || (type.endsWith("[]") && type !== "byte[]");
  if (isArray && (place === "path" || (place === "query" && member(node, "explode") === false)))
    return `${shown} is a list in one text`;
  if (/^java\.util\.Map</.test(type) || types.hasProperties(type)) return `${shown} is an object`;
  return { parameter: { name, in: place }, type };
}

/** The type of the body; undefined where there is none, a text says why it cannot be sent. */
function bodyOf(
  { node, verb }: Operation,
  { reader, types }: MethodContext,
): { readonly type: string } | string | undefined {
  if (member(node, "requestBody") === undefined) return undefined;
  const content = asObject(member(reader.resolve(member(node, "requestBody"))?.node, "content"));
  const kinds = reader.keys(content);
  // Dubbo 3.3 writes one without content for methods that take nothing.
  if (kinds.length === 0) return undefined;
  if (verb === "GET") return "a GET with a body";
  const kind = kinds.find(isJson) ?? kinds.find((one) => one === "*/*");
  if (kind === undefined) return `body is ${kinds[0]!.slice(0, 100)}`;
  return { type: types.of(member(asObject(member(content, kind)), "schema")) };
}

/** Undefined for answers that come in parts. */
function returnTypeOf({ node }: Operation, { reader, types }: MethodContext): string | undefined {
  const responses = asObject(member(node, "responses")) ?? {};
  const status =
    reader
      .keys(responses)
      .filter((one) => /^2(?:\d\d|XX)$/i.test(one))
      .sort()[0] ?? "default";
  const content = asObject(member(reader.resolve(member(responses, status))?.node, "content"));
  const kinds = reader.keys(content);
  if (kinds.length === 0) return "void";
  const kind = kinds.find(isJson) ?? kinds[0]!;
  if (kinds.every((one) => /^(?:text\/event-stream|application\/(?:x-)?(?:nd-?json|stream\+json))\b/i.test(one)))
    return undefined;
  const schema = member(asObject(member(content, kind)), "schema");
  return schema === undefined ? "java.lang.Object" : types.of(schema);
}

function isJson(kind: string): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(kind);
}
