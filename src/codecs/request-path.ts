/** How servers read the path of an HTTP request: what one of them may take for another path than the next. */

/**
 * What servers read in different ways: encoded slashes, dots, semicolons, percent and number signs and control characters, backslashes,
 * fragments, empty segments, such that are empty without their parameters, and dots for segments.
 */
const AMBIGUOUS = /%(?:2[35ef]|3b|5c|[01][0-9a-f]|7f)|[\\#]|\/[/;]|\/\.{1,2}(?:[/;]|$)/i;

/** Letters, digits and `-`, `_` and `~` that nobody needed to encode. */
const NEEDLESS = /%(?:[46][1-9a-f]|[57][0-9a]|3[0-9]|2d|5f|7e)/gi;

/** The same path without what nobody needed to encode: to every server one and the same. */
export function plainPath(path: string): string {
  return path.replace(NEEDLESS, decoded);
}

function decoded(code: string): string {
  return String.fromCharCode(Number.parseInt(code.slice(1), 16));
}

/** Whether servers read a path in different ways. */
export function isAmbiguous(path: string): boolean {
  return AMBIGUOUS.test(path);
}

/** What may stand in a path as it is, though some encode it: to most servers one and the same. */
const ENCODED = /%(?:2[146-9a-c]|3[ad]|40)/gi;

/** A path as servers take it that decode it, and drop parameters of segments and blanks around these. */
export function loosePath(path: string): string {
  return plainPath(path)
    .replace(/;[^/]*/g, "")
    .replace(ENCODED, decoded)
    .replace(/(?<=\/)(?:%20)+|(?:%20)+(?=\/|$)/g, "");
}

/** The same as servers take it that drop slashes and dots at its end, too. */
export function barePath(path: string): string {
  const bare = loosePath(path).replace(/[./]+$/, "");
  return bare === "" ? "/" : bare;
}
