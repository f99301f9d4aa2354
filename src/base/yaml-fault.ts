import { cleanText } from "./clean-text.ts";

/** A fault of a YAML text as its reader tells it; `pos` are offsets in the text. */
export interface YamlFault {
  readonly code: string;
  readonly message: string;
  readonly pos: readonly [number, number];
}

/** A key as it stands at the start of a text: in quotes, or plain up to its colon. */
const KEY = /^(?:"([^"\n]{1,100})"|'([^'\n]{1,100})'|([^\s"'{}[\],:&*!|>?][^\n:,{}[\]]{0,99}))/;

/** What is wrong in one line: a key that is given twice is named; other faults are in the reader's words. */
export function describeYamlFault({ code, message, pos }: YamlFault, text: string): string {
  // The reader recurses, and tells so in the words of the language.
  if (/call stack/i.test(message)) return "it is nested too deeply";
  if (code !== "DUPLICATE_KEY") return message;
  const [, double, single, plain] = KEY.exec(text.slice(pos[0], pos[0] + 120)) ?? [];
  const name = double ?? single ?? plain?.trimEnd();
  return name === undefined ? "a key is given twice in one map" : `key ${cleanText(name)} is given twice in one map`;
}
