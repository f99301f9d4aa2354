import { parse } from "yaml";

/** Longest text of a rule that is read, characters. */
export const MAX_RULE_TEXT = 262_144;
/** Deepest nesting of brackets, or of indented levels: parsers call themselves once for each. */
const MAX_DEPTH = 64;

/** Reads a rule of the config centre as YAML: its top fields, or what is wrong with it in a few words. Never throws; aliases are refused. */
export function readRuleText(text: string): Readonly<Record<string, unknown>> | string {
  if (text.length > MAX_RULE_TEXT) return `it is a text of more than ${MAX_RULE_TEXT} characters`;
  if (isDeep(text)) return `it is nested deeper than ${MAX_DEPTH} levels`;
  let rule: unknown;
  try {
    rule = parse(text, { maxAliasCount: 0, logLevel: "error", uniqueKeys: false });
  } catch {
    return "it is no YAML";
  }
  if (typeof rule !== "object" || rule === null || Array.isArray(rule)) return "it has no fields";
  return rule as Readonly<Record<string, unknown>>;
}

/** A field of a value that may be anything. */
export function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

/** Whether a switch is off, as Java's parseBoolean reads what was written: `false`, or a word that is not `true`. */
export function isFalse(value: unknown): boolean {
  return value !== undefined && value !== null && String(value).toLowerCase() !== "true";
}

function isDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x5b || char === 0x7b) depth++;
    else if ((char === 0x5d || char === 0x7d) && depth > 0) depth--;
    if (depth > MAX_DEPTH) return true;
  }
  // Block sequences nest on one line: `- - - -`.
  return /^[ ]*(?:[-?][ ]+){64}/m.test(text) || /^[ ]{256}[ ]*\S/m.test(text);
}
