/** Reading a parsed JSON or YAML text whose author is not trusted: members by name, references inside the document, and a bound on the work. */
import { ProtocolError } from "../../base/errors.ts";

/** An object of the document. */
export type DocumentObject = Readonly<Record<string, unknown>>;

/** References that lead to one another; more is a circle, or no honest document. */
const MAX_REFERENCES = 16;
/** Nodes read of one document, those behind references once for each way to them. */
const MAX_STEPS = 400_000;

/** The node where it is an object. */
export function asObject(node: unknown): DocumentObject | undefined {
  return typeof node === "object" && node !== null && !Array.isArray(node) ? (node as DocumentObject) : undefined;
}

/** The node where it is a list, no more of it than `most`; else an empty one. A list is read once for each way to it. */
export function asList(node: unknown, most: number): readonly unknown[] {
  return Array.isArray(node) ? node.slice(0, most) : [];
}

/** The node where it is a text. */
export function asText(node: unknown): string | undefined {
  return typeof node === "string" ? node : undefined;
}

/** An object's own member; a name such as `constructor` finds nothing else. */
export function member(node: DocumentObject | undefined, name: string): unknown {
  return node !== undefined && Object.hasOwn(node, name) ? node[name] : undefined;
}

/** An object behind references. */
export interface Resolved {
  readonly node: DocumentObject;
  /** The last name of the last reference, `Order` of `#/components/schemas/Order`; undefined where there was none. */
  readonly name: string | undefined;
}

/** A document with its references. */
export class DocumentReader {
  readonly #root: DocumentObject;
  #steps = 0;

  constructor(root: DocumentObject) {
    this.#root = root;
  }

  /** Counts work. Throws `ProtocolError("openapi", ...)` where a document makes too much of it. */
  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > MAX_STEPS)
      throw new ProtocolError("openapi", `document takes more than ${MAX_STEPS} steps to read`);
  }

  /** The names of an object's members, each a step. Throws as {@link DocumentReader.step}. */
  keys(node: DocumentObject | undefined): readonly string[] {
    const keys = Object.keys(node ?? {});
    this.step(keys.length);
    return keys;
  }

  /** The object itself, or the one that its `$ref` leads to; undefined for a reference that leads out of the document, nowhere, or in a circle. */
  resolve(node: unknown): Resolved | undefined {
    let found = asObject(node);
    let name: string | undefined;
    for (let i = 0; i <= MAX_REFERENCES; i++) {
      this.step();
      const reference = asText(member(found, "$ref"));
      if (found === undefined || reference === undefined)
        return found === undefined ? undefined : { node: found, name };
      const path = /^#\/(.{1,1000})$/s.exec(reference)?.[1]?.split("/").map(unescaped);
      if (path === undefined || path.length > 8) return undefined;
      name = path.at(-1);
      let at: unknown = this.#root;
      for (const part of path) at = member(asObject(at), part);
      found = asObject(at);
    }
    return undefined;
  }
}

/** A name in a JSON pointer in a URL. */
function unescaped(part: string): string {
  let text = part;
  try {
    text = decodeURIComponent(part);
  } catch {
    // As it is then.
  }
  return text.replace(/~1/g, "/").replace(/~0/g, "~");
}
