/** The first parameter of a name in a query with its question mark. Neither name nor value is decoded, as Envoy has it. */
export function rawParameter(query: string | undefined, name: string): string | undefined {
  for (const pair of query?.slice(1).split("&") ?? []) {
    if (!pair.startsWith(name)) continue;
    if (pair.length === name.length) return "";
    if (pair[name.length] === "=") return pair.slice(name.length + 1);
  }
  return undefined;
}
