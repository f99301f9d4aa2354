import type { Mutations } from "./mutations.ts";

const QUESTION_MARK = 63;

/** How a request's headers are looked up for its query, with the question mark; undefined for none. */
export const QUERY = "?";

/** A request's target without the parameters that a change takes out: it names them as rules do, `?NAME`. */
export function cutParameters(target: string, changes: Mutations | undefined): string {
  let cut = target;
  if (changes !== undefined)
    for (const name of changes.remove)
      if (name.charCodeAt(0) === QUESTION_MARK) cut = withoutParameter(cut, name.slice(1));
  return cut;
}

/** A target without all parameters of a name, however they are encoded; what is left stands as it was. */
export function withoutParameter(target: string, name: string): string {
  const mark = target.indexOf("?");
  if (mark < 0) return target;
  const pairs = target.slice(mark + 1).split("&");
  // Read as where it is looked for: with the question mark, since the parser takes one away.
  const left = pairs.filter((pair) => !new URLSearchParams(`?${pair}`).has(name));
  if (left.length === pairs.length) return target;
  return left.length === 0 ? target.slice(0, mark) : `${target.slice(0, mark + 1)}${left.join("&")}`;
}

/** All values of a parameter of a target. */
export function parametersOf(target: string, name: string): readonly string[] {
  const mark = target.indexOf("?");
  return mark < 0 ? [] : new URLSearchParams(target.slice(mark)).getAll(name);
}
