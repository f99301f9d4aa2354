import { CallError } from "../../base/errors.ts";
import { type JsonNode, parseJson } from "../../codecs/json-text.ts";
import { isContainer, type Value } from "../../codecs/value.ts";

const NAME = "class";

/**
 * Refuses JSON of callers outside the mesh that names Java classes: generic calls make objects of the classes that a key `class` names, whichever
 * they are. `query` is the request's, with its question mark. Throws CallError `permission_denied`; what is no JSON is not judged here.
 */
export function refuseClasses(content: Buffer, query: string): void {
  const texts = [content.toString("utf8"), ...queryTexts(query)];
  // A key can be written with escapes, and not without a backslash then.
  for (const text of texts) if ((text.includes(NAME) || text.includes("\\u")) && namesClass(text)) throw denied();
}

/**
 * As {@link refuseClasses}, for arguments of another form than JSON: no map in them has a text under the key `class`, but for those whose class
 * was not the caller's to say, which are `named` by a schema.
 */
export function refuseClassValues(args: readonly Value[], named: ReadonlySet<Value>): void {
  const open: Value[] = [...args];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (!isContainer(value)) continue;
    if (value.type === "list") for (const item of value.items) open.push(item);
    if (value.type !== "map") continue;
    for (const [key, item] of value.entries) {
      if (key === NAME && typeof item === "string" && !named.has(value)) throw denied();
      open.push(item);
    }
  }
}

/** Refuses a call whose arguments are Java's own serialization. Throws CallError `permission_denied`. */
export function refuseWrapped(): never {
  const text = "arguments in Java's serialization are not taken from outside the mesh: use JSON or protobuf";
  throw new CallError("permission_denied", "denied", text);
}

function denied(): CallError {
  const text = `content has a key "${NAME}" that names a Java class, which is not taken from outside the mesh`;
  return new CallError("permission_denied", "denied", text);
}

function queryTexts(query: string): string[] {
  return query === "" ? [] : [...new URLSearchParams(query).values()];
}

function namesClass(text: string): boolean {
  let root: JsonNode;
  try {
    root = parseJson(text);
  } catch {
    return false;
  }
  const open: JsonNode[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node instanceof Map) {
      if (typeof node.get(NAME) === "string") return true;
      for (const value of node.values()) open.push(value);
    } else if (Array.isArray(node)) for (const value of node) open.push(value);
  }
  return false;
}
