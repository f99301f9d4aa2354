/**
 * A header list: names and values in turn, latin1 text, names in lower case. Lists that come from a decoder may be shared: never
 * change one.
 */
export type Fields = readonly string[];

/** The value of the first field with this name, or undefined. */
export function fieldValue(fields: Fields, name: string): string | undefined {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

/** The values of all fields with this name, in order. */
export function fieldValues(fields: Fields, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) values.push(fields[i + 1]!);
  return values;
}

/** The cookies of a list, which may have several fields of them (RFC 9113 8.2.3), as one; undefined for none. */
export function cookiesOf(fields: Fields): string | undefined {
  let cookies: string | undefined;
  for (let i = 0; i + 1 < fields.length; i += 2)
    if (fields[i] === "cookie") cookies = cookies === undefined ? fields[i + 1] : `${cookies}; ${fields[i + 1]}`;
  return cookies;
}
