/** The parameters of a nacos:// URL. */
export const NACOS_QUERY: readonly string[] = ["namespace", "group", "cluster", "api", "backup"];

const APIS = ["auto", "grpc", "http"];
/** What Nacos takes for the names of groups and clusters, and for the id of a namespace. */
const NAME = /^[\w.:-]{1,128}$/;

/** What is wrong with a parameter's value; undefined where nothing is. */
export function nacosQueryFault(name: string, value: string): string | undefined {
  if (name === "api" && !APIS.includes(value)) return `api "${value}" is none of ${APIS.join(", ")}`;
  if (name === "namespace" && value !== "" && !NAME.test(value))
    return `namespace "${value}" is no namespace's id: letters, digits and _.:-`;
  if (name !== "group" && name !== "cluster") return undefined;
  const bad = nacosList(value).find((one) => !NAME.test(one));
  if (bad !== undefined) return `${name} "${bad}" is no name of a ${name}: letters, digits and _.:-`;
  return nacosList(value).length === 0 ? `${name} is empty` : undefined;
}

/** The names of a comma list. */
export function nacosList(text: string): readonly string[] {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}
