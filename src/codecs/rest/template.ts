/**
 * Path templates of REST methods.
 *
 * | part | as |
 * |---|---|
 * | text | letters, digits, `-._~!$&'()*+,;=:@%/`; the first character is `/` |
 * | `{name}`, `{name:pattern}` | one argument, percent-encoded as part of one segment; the pattern is the service's own business |
 * | `?text` | a query that each call has |
 *
 * Reference: RFC 3986 section 3.3; Spring's path patterns for `{name:pattern}`.
 */
import { CallError, ProtocolError } from "../../base/errors.ts";

/** A parsed template. */
export interface PathTemplate {
  /** Text and names in turn; text first and last, so there is one text more. */
  readonly texts: readonly string[];
  readonly names: readonly string[];
  /** The query behind `?`, `""` for none. */
  readonly query: string;
}

const MAX_TEMPLATE_CHARS = 2048;

/** Reads a template. Throws `ProtocolError("rest", ...)` that says what is wrong. */
export function parseTemplate(text: string): PathTemplate {
  if (text.length > MAX_TEMPLATE_CHARS) throw bad(`path is over ${MAX_TEMPLATE_CHARS} characters`);
  if (!text.startsWith("/")) throw bad("path does not start with /");
  const texts: string[] = [];
  const names: string[] = [];
  let at = 0;
  for (let open = text.indexOf("{"); open >= 0; open = text.indexOf("{", at)) {
    const close = endOfName(text, open);
    const name = /^([A-Za-z_$][\w$.-]*)(?::.*)?$/s.exec(text.slice(open + 1, close))?.[1];
    if (name === undefined) throw bad(`path has ${text.slice(open, close + 1)}, which is no {name}`);
    if (names.includes(name)) throw bad(`path has {${name}} twice`);
    texts.push(text.slice(at, open));
    names.push(name);
    at = close + 1;
  }
  const rest = text.slice(at);
  const question = rest.indexOf("?");
  texts.push(question < 0 ? rest : rest.slice(0, question));
  const query = question < 0 ? "" : rest.slice(question + 1);
  for (const part of texts) {
    if (!/^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/.test(part))
      throw bad("path has a character that none can have");
  }
  if (!/^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/.test(query))
    throw bad("query has a character that none can have");
  return { texts, names, query };
}

/** The pattern of a name may have braces of its own. */
function endOfName(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "{") depth++;
    if (text[at] === "}" && --depth === 0) return at;
  }
  throw bad("path has a { without its }");
}

/**
 * The path with its arguments, each percent-encoded: no argument makes a further segment. Throws CallError for an empty one and
 * for one that makes a segment `.` or `..`, which would name another resource.
 */
export function printPath(template: PathTemplate, textFor: (name: string) => string): string {
  let path = template.texts[0]!;
  for (const [i, name] of template.names.entries()) {
    const value = textFor(name);
    if (value === "") throw refused(`argument ${name} is empty, which a path cannot carry`);
    path += encodeText(name, value) + template.texts[i + 1]!;
  }
  if (/(?:^|\/)\.\.?(?:\/|$)/.test(path)) throw refused(`arguments make a path of dots: ${path.slice(0, 100)}`);
  return path;
}

/** Text percent-encoded, for a path segment or a query. Throws CallError for half a surrogate pair. */
export function encodeText(name: string, text: string): string {
  try {
    return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  } catch {
    throw refused(`argument ${name} has half a surrogate pair, which no request can carry`);
  }
}

function bad(message: string): ProtocolError {
  return new ProtocolError("rest", message);
}

function refused(message: string): CallError {
  return new CallError("invalid_argument", "undecodable", message);
}
