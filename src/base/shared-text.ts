/** Texts that are kept beside those of the last half. */
const MAX_KEPT = 20_000;
/** Longer ones are rare, and given as they are. */
const MAX_LENGTH = 4_096;
/** From this length on the engine makes a piece of a text by pointing into the whole, which then stays in memory with it. */
const POINTS_FROM = 13;

let young = new Map<string, string>();
let old: ReadonlyMap<string, string> = new Map();

/**
 * The same text, as one object in memory for all that say it, and apart from the longer text that it may be a piece of. For what is
 * kept by the hundred thousand, such as the parameters of providers. What was not asked for lately is forgotten.
 */
export function sharedText(text: string): string {
  if (text.length > MAX_LENGTH) return text;
  const known = young.get(text);
  if (known !== undefined) return known;
  const kept = old.get(text) ?? apart(text);
  if (young.size >= MAX_KEPT) {
    old = young;
    young = new Map();
  }
  young.set(kept, kept);
  return kept;
}

function apart(text: string): string {
  return text.length < POINTS_FROM || /[^\u0000-\u007f]/.test(text)
    ? text
    : Buffer.from(text, "latin1").toString("latin1");
}
