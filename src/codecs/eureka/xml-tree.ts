/*
 * A strict reader of the XML that registries send: elements, attributes, text, CDATA, comments and processing instructions.
 * The five named entities and numbered ones are read; a DOCTYPE, and with it entities of one's own, is refused.
 * W3C XML 1.0, fifth edition.
 */
import { ProtocolError } from "../../base/errors.ts";

/** One element. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** The text directly in it, in one piece. */
  readonly text: string;
}

/** Bounds of {@link parseXml}. */
export interface XmlLimits {
  /** Elements within each other. */
  readonly maxDepth: number;
  readonly maxElements: number;
  /** Attributes of one element. */
  readonly maxAttributes: number;
  /** Characters of a name. */
  readonly maxNameLength: number;
}

/** Room for 100,000 instances of Eureka. */
export const XML_LIMITS: XmlLimits = { maxDepth: 16, maxElements: 10_000_000, maxAttributes: 16, maxNameLength: 512 };

const NAME = /[\p{L}_:][\p{L}\p{N}_:.·-]*/uy;
const SPACE = /[ \t\r\n]*/y;
/** Characters that XML 1.0 has no place for. */
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ...([
    ["lt", "<"],
    ["gt", ">"],
    ["amp", "&"],
  ] as const),
  ...([
    ["quot", '"'],
    ["apos", "'"],
  ] as const),
]);

interface Open {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  readonly texts: string[];
}

/** Reads a whole document; gives its one root. Throws `ProtocolError` for anything that is not well formed or over a limit. */
export function parseXml(text: string, limits: XmlLimits = XML_LIMITS): XmlElement {
  const reader = new Reader(text, limits);
  return reader.document();
}

class Reader {
  readonly #text: string;
  readonly #limits: XmlLimits;
  #at = 0;
  #elements = 0;

  constructor(text: string, limits: XmlLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  document(): XmlElement {
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1;
    this.#declaration();
    const stack: Open[] = [];
    let root: XmlElement | undefined;
    while (this.#at < this.#text.length) {
      const open = stack.at(-1);
      const next = this.#text.indexOf("<", this.#at);
      const end = next < 0 ? this.#text.length : next;
      if (end > this.#at) this.#characters(this.#text.slice(this.#at, end), open);
      this.#at = end;
      if (next < 0) break;
      if (this.#takes("<!--")) this.#skipPast("-->", "comment");
      else if (this.#takes("<![CDATA[")) this.#cdata(open);
      else if (this.#takes("<!")) throw this.#fault("xml with a DOCTYPE is refused");
      else if (this.#takes("<?")) this.#skipPast("?>", "processing instruction");
      else if (this.#takes("</")) {
        const element = this.#close(stack);
        if (stack.length === 0) root = element;
      } else {
        if (root !== undefined) throw this.#fault("xml has a second root");
        const element = this.#open(stack);
        if (element !== undefined && stack.length === 0) root = element;
      }
    }
    if (stack.length > 0) throw this.#fault(`xml ends within <${stack.at(-1)!.name}>`);
    if (root === undefined) throw this.#fault("xml has no element");
    return root;
  }

  #declaration(): void {
    if (!/^<\?xml[ \t\r\n]/.test(this.#text.slice(this.#at, this.#at + 6))) return;
    const end = this.#text.indexOf("?>", this.#at);
    if (end < 0) throw this.#fault("xml declaration does not end");
    const encoding = /encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']{0,40})/.exec(this.#text.slice(this.#at, end))?.[1];
    if (encoding !== undefined && !/^(utf-?8|us-ascii)$/i.test(encoding))
      throw this.#fault(`xml says it is in ${encoding}; only UTF-8 is read`);
    this.#at = end + 2;
  }

  #characters(raw: string, open: Open | undefined): void {
    if (open === undefined) {
      if (/[^ \t\r\n]/.test(raw)) throw this.#fault("xml has text outside of its root");
      return;
    }
    open.texts.push(this.#unescape(raw));
  }

  #cdata(open: Open | undefined): void {
    if (open === undefined) throw this.#fault("xml has text outside of its root");
    const from = this.#at;
    this.#skipPast("]]>", "CDATA section");
    open.texts.push(this.#allowed(this.#text.slice(from, this.#at - 3)));
  }

  #open(stack: Open[]): XmlElement | undefined {
    this.#at++;
    const name = this.#name("element");
    const attributes = new Map<string, string>();
    for (;;) {
      const before = this.#at;
      this.#spaces();
      if (this.#takes("/>")) return this.#keep(stack, { name, attributes, children: [], texts: [] });
      if (this.#takes(">")) break;
      if (before === this.#at) throw this.#fault(`xml tag <${name}> does not end`);
      const key = this.#name("attribute");
      if (attributes.has(key)) throw this.#fault(`xml attribute ${key} of <${name}> is given twice`);
      if (attributes.size >= this.#limits.maxAttributes)
        throw this.#fault(`xml element <${name}> is over maxAttributes ${this.#limits.maxAttributes}`);
      attributes.set(key, this.#value());
    }
    if (stack.length >= this.#limits.maxDepth) throw this.#fault(`xml is over maxDepth ${this.#limits.maxDepth}`);
    stack.push({ name, attributes, children: [], texts: [] });
    return undefined;
  }

  #close(stack: Open[]): XmlElement {
    const name = this.#name("element");
    this.#spaces();
    const open = stack.pop();
    if (open?.name !== name) throw this.#fault(`xml has </${name}> where </${open?.name ?? ""}> belongs`);
    if (!this.#takes(">")) throw this.#fault(`xml tag </${name}> does not end`);
    return this.#keep(stack, open);
  }

  #keep(stack: Open[], { name, attributes, children, texts }: Open): XmlElement {
    if (++this.#elements > this.#limits.maxElements)
      throw this.#fault(`xml is over maxElements ${this.#limits.maxElements}`);
    const element = { name, attributes, children, text: texts.length === 1 ? texts[0]! : texts.join("") };
    stack.at(-1)?.children.push(element);
    return element;
  }

  #value(): string {
    this.#spaces();
    if (!this.#takes("=")) throw this.#fault("xml attribute has no value");
    this.#spaces();
    const quote = this.#text[this.#at];
    if (quote !== '"' && quote !== "'") throw this.#fault("xml attribute value is not quoted");
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw this.#fault("xml attribute value does not end");
    const raw = this.#text.slice(this.#at + 1, end);
    if (raw.includes("<")) throw this.#fault("xml attribute value holds a <");
    this.#at = end + 1;
    return this.#unescape(raw);
  }

  #unescape(raw: string): string {
    const text = this.#allowed(raw);
    if (!text.includes("&")) return text;
    return text.replace(/&([^;&]{0,12});|&/g, (whole, name: string | undefined) => {
      const known = name === undefined ? undefined : (ENTITIES.get(name) ?? numbered(name));
      if (known === undefined) throw this.#fault(`xml entity ${whole} is not known`);
      return known;
    });
  }

  #allowed(text: string): string {
    if (FORBIDDEN.test(text)) throw this.#fault("xml holds a character that it must not");
    return text;
  }

  #name(of: string): string {
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#text)?.[0];
    if (name === undefined) throw this.#fault(`xml ${of} has no name`);
    if (name.length > this.#limits.maxNameLength)
      throw this.#fault(`xml name of ${name.length} characters is over maxNameLength ${this.#limits.maxNameLength}`);
    this.#at += name.length;
    return name;
  }

  #spaces(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #takes(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  #skipPast(mark: string, what: string): void {
    const end = this.#text.indexOf(mark, this.#at);
    if (end < 0) throw this.#fault(`xml ${what} does not end`);
    this.#at = end + mark.length;
  }

  #fault(message: string): ProtocolError {
    return new ProtocolError("xml", message, this.#at);
  }
}

/**
 * The character of a reference; U+FFFD for one that XML does not have. A Eureka server writes such (`&#x0;` for a NUL in metadata, seen
 * with 4.3.0), and one instance's text must not hide all the others.
 */
function numbered(name: string): string | undefined {
  const digits = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(name);
  if (digits === null) return undefined;
  const code = digits[1] === undefined ? Number.parseInt(digits[2]!, 10) : Number.parseInt(digits[1], 16);
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return "\ufffd";
  return String.fromCodePoint(code).replace(FORBIDDEN, "\ufffd");
}

/** Whether a text can be an element's name. */
export function isXmlName(text: string): boolean {
  NAME.lastIndex = 0;
  return NAME.exec(text)?.[0] === text;
}

/** Writes text for between tags or quotes; characters that XML has no place for are left out. */
export function escapeXml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "")
    .replace(/[&<>"']/g, (mark) => ESCAPES[mark] ?? mark);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};
