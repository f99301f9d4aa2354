import {
  Composer,
  type CST,
  type Document,
  type DocumentOptions,
  Lexer,
  type LineCounter,
  type ParseOptions,
  Parser,
  type SchemaOptions,
} from "yaml";

/** Deepest nesting of a YAML text: its reader calls itself once for each level, and some texts that nest further end the process. */
export const MAX_YAML_DEPTH = 256;

/** Reads all documents of a YAML text, as `parseAllDocuments` does. Throws a `RangeError` where it is nested too deeply, before anything is made of it. */
export function readYamlDocuments(
  text: string,
  options: ParseOptions & DocumentOptions & SchemaOptions & { readonly lineCounter: LineCounter },
): readonly Document.Parsed[] {
  const composer = new Composer({ ...options, prettyErrors: false });
  return [...composer.compose(tokensOf(text, options.lineCounter))] as Document.Parsed[];
}

/** Throws a `RangeError` where a text is nested too deeply for readers of YAML; whether it is YAML otherwise is for them to say. */
export function checkYamlDepth(text: string): void {
  for (const _ of tokensOf(text));
}

function* tokensOf(text: string, lines?: LineCounter): Generator<CST.Token, void> {
  const parser = new Parser(lines?.addNewLine);
  lines?.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_YAML_DEPTH) throw new RangeError("it is nested too deeply");
  }
  yield* parser.end();
}
