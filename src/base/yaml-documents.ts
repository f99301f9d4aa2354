import {
  Composer,
  type CST,
  type Document,
  type DocumentOptions,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type LineCounter,
  type ParseOptions,
  Parser,
  type SchemaOptions,
  YAMLParseError,
} from "yaml";

/** Deepest nesting of a YAML text: its reader calls itself once for each level, and some texts that nest further end the process. */
export const MAX_YAML_DEPTH = 256;

/** How much may stand in a text: its reader takes microseconds and a kilobyte for each, so that a text of a few megabytes can take half a minute. */
export interface YamlLimits {
  /** Values, keys, marks that stand for one, comments and lines. */
  readonly pieces: number;
  /** Places where what has a name is put in. */
  readonly aliases: number;
  /** Marks where documents begin and end. */
  readonly documents: number;
  /** What is wrong with it. */
  readonly faults: number;
}

/** A text holds more than its {@link YamlLimits}. */
export class YamlLimitError extends RangeError {}

const { POSITIVE_INFINITY } = Number;
const NO_LIMITS: YamlLimits = {
  ...{ pieces: POSITIVE_INFINITY, aliases: POSITIVE_INFINITY, documents: POSITIVE_INFINITY, faults: POSITIVE_INFINITY },
};

/**
 * Reads all documents of a YAML text, as `parseAllDocuments` does; with `uniqueKeys` in a time that grows with the text. Throws a `RangeError` where it is
 * nested too deeply, and {@link YamlLimitError} where it is over the limits, before anything is made of it.
 */
export function readYamlDocuments(
  text: string,
  options: ParseOptions & DocumentOptions & SchemaOptions & { readonly lineCounter: LineCounter },
  limits = NO_LIMITS,
): readonly Document.Parsed[] {
  const { uniqueKeys = true } = options;
  const composer = new Composer({ ...options, uniqueKeys: false, prettyErrors: false });
  const counter = new Counter(limits);
  // The package has no way to be told of each fault, or to stop at one.
  const tell: (...fault: YamlFaultParts) => void = composer["onError"];
  composer["onError"] = (...fault: YamlFaultParts) => {
    counter.one("faults", `faults; the last one counted is: ${fault[2]}`);
    tell(...fault);
  };
  const documents = [...composer.compose(tokensOf(text, counter, options.lineCounter))] as Document.Parsed[];
  if (uniqueKeys !== false)
    for (const document of documents) {
      if (!findTwice(document.contents, document.errors, counter)) continue;
      document.errors.sort((a, b) => a.pos[0] - b.pos[0]);
    }
  return documents;
}

/** Throws a `RangeError` where a text is nested too deeply for readers of YAML; whether it is YAML otherwise is for them to say. */
export function checkYamlDepth(text: string): void {
  for (const _ of tokensOf(text, new Counter(NO_LIMITS)));
}

/** What begins a value, a key, a comment or a line, or stands where a value may be left out: plain scalars have a mark of their own. */
const PIECE = /^[\u001f*"'[{|>\-?,:#%.\r\n]/;

type YamlFaultParts = [source: unknown, code: string, message: string, isWarning?: boolean];

class Counter {
  readonly #limits: YamlLimits;
  readonly #counted = { pieces: 0, aliases: 0, documents: 0, faults: 0 };
  #over: YamlLimitError | undefined;

  constructor(limits: YamlLimits) {
    this.#limits = limits;
  }

  /** Once it is over a limit each call throws the same: the package takes what is thrown to it for a fault of the text. */
  one(what: keyof YamlLimits, called: string): void {
    if (++this.#counted[what] > this.#limits[what])
      this.#over ??= new YamlLimitError(`it has over ${this.#limits[what]} ${called}`);
    if (this.#over !== undefined) throw this.#over;
  }
}

function* tokensOf(text: string, counter: Counter, lines?: LineCounter): Generator<CST.Token, void> {
  const parser = new Parser(lines?.addNewLine);
  lines?.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    if (PIECE.test(lexeme)) counter.one("pieces", "values, keys, comments and lines");
    if (lexeme[0] === "*") counter.one("aliases", "aliases (*name)");
    else if (lexeme === "---" || lexeme === "...") counter.one("documents", "marks of documents (---, ...)");
    for (const token of parser.next(lexeme)) {
      if (token.type === "error") counter.one("faults", `faults; the last one counted is: ${token.message}`);
      yield token;
    }
    if (parser.stack.length > MAX_YAML_DEPTH) throw new RangeError("it is nested too deeply");
  }
  yield* parser.end();
}

/** Keys that stand twice in one map become errors as the package words them, which compares each with all others. */
function findTwice(node: unknown, errors: YAMLParseError[], counter: Counter): boolean {
  let found = false;
  if (isSeq(node)) for (const item of node.items) found = findTwice(item, errors, counter) || found;
  if (!isMap(node)) return found;
  const known = new Set<unknown>();
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? key.value : key;
    if (known.has(name)) {
      const at = (isScalar(key) ? key.range?.[0] : undefined) ?? 0;
      const message = "Map keys must be unique";
      counter.one("faults", `faults; the last one counted is: ${message}`);
      errors.push(new YAMLParseError([at, at + 1], "DUPLICATE_KEY", message));
      found = true;
    }
    known.add(name);
    found = findTwice(key, errors, counter) || found;
    found = findTwice(value, errors, counter) || found;
  }
  return found;
}
