import type { RouterStep, RouterTest } from "../../../model/routing.ts";

/**
 * Conditions of Dubbo's routers, as all lines write them:
 *
 *     WHEN => THEN        both are   key = value[,value] | key != value[,value]   joined by &
 *
 * `consumer.` and `provider.` are left out wherever they stand. Nothing, or `true`, before the arrow takes every call; nothing, or `false`, behind it
 * leaves no provider; without an arrow all of it is THEN. Reference: ConditionRouter.init of apache/dubbo 2.7, ConditionStateRouter of 3.3.
 */

/** Longest condition that is read, characters. */
export const MAX_CONDITION = 4_096;
/** Longest part of a condition that is kept for people. */
const MAX_SHOWN = 200;

/** What a condition says; the rest of the step is its rule's. */
export type Condition = Pick<RouterStep, "when" | "to" | "text">;

/** Reads a condition; a text says in a few words what is wrong with it. Never throws. */
export function readCondition(text: string): Condition | string {
  if (text.length > MAX_CONDITION) return `a condition of ${text.length} characters`;
  if (text.trim() === "") return "an empty condition";
  const bare = text.replaceAll("consumer.", "").replaceAll("provider.", "");
  const arrow = bare.indexOf("=>");
  const left = arrow < 0 ? "" : bare.slice(0, arrow).trim();
  const right = (arrow < 0 ? bare : bare.slice(arrow + 2)).trim();
  const when = left === "true" ? [] : readTests(left);
  if (typeof when === "string") return when;
  const shown = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
  if (right === "" || right === "false") return { text: shown, when, to: [] };
  const match = readTests(right);
  if (typeof match === "string") return match;
  // What is no test at all takes no provider.
  if (match.length === 0) return "no test behind the arrow";
  return { text: shown, when, to: [{ match, weight: 100 }] };
}

/** Reads tests joined by `&`; a text says in a few words what is wrong with them. */
export function readTests(text: string): readonly RouterTest[] | string {
  if (text.length > MAX_CONDITION) return `a condition of ${text.length} characters`;
  const tests = new Map<string, { readonly is: Set<string>; readonly not: Set<string> }>();
  let test: { readonly is: Set<string>; readonly not: Set<string> } | undefined;
  let values: Set<string> | undefined;
  for (const { separator, content } of tokensOf(text)) {
    if (separator === "" || separator === "&") {
      test = (separator === "&" ? tests.get(content) : undefined) ?? { is: new Set(), not: new Set() };
      tests.set(content, test);
      continue;
    }
    if (separator === "=") values = test?.is;
    else if (separator === "!=") values = test?.not;
    else if (separator !== "," || values?.size === 0) values = undefined;
    if (test === undefined || values === undefined)
      return `"${separator.slice(0, 20)}" before "${content.slice(0, 60)}"`;
    values.add(content);
  }
  return [...tests].map(([key, { is, not }]) => ({
    key,
    ...(is.size > 0 && { is: [...is] }),
    ...(not.size > 0 && { not: [...not] }),
  }));
}

/** Contents, each with the separators before it. As Java's own expression finds them, but in one pass: that one tries every place of a long run. */
function* tokensOf(text: string): Generator<{ readonly separator: string; readonly content: string }> {
  let end = 0;
  for (const { 0: content, index } of text.matchAll(/[^&!=,\s]+/g)) {
    const gap = text.slice(end, index).trimEnd();
    let start = gap.length;
    while (start > 0 && "&!=,".includes(gap[start - 1]!)) start--;
    yield { separator: gap.slice(start), content };
    end = index + content.length;
  }
}
