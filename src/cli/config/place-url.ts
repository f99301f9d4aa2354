import type { ServerUrl } from "./address.ts";

/** What a `kubernetes://` URL may say behind `?`. */
export const KUBERNETES_QUERY: readonly string[] = ["context", "namespace", "selector"];

/** What is wrong with the value of one of {@link KUBERNETES_QUERY}; undefined for nothing. */
export function kubernetesQueryFault(name: string, value: string): string | undefined {
  if (value === "") return `${name} is empty; leave it out`;
  if (name !== "namespace") return undefined;
  const wrong = value.split(",").find((one) => !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(one));
  return wrong === undefined ? undefined : `"${wrong}" is no name of a namespace`;
}

/**
 * Reads the URL of a registry that is no server but a place, `scheme://PATH?query`: `file:///etc/services`, `file://./services`,
 * `kubernetes:///home/me/.kube/config?namespace=shop`, `memory://NAME`. The path is as it stands, with %XX taken for what it means. A text that
 * says what is wrong where it is none.
 */
export function parsePlaceUrl(text: string): ServerUrl | string {
  const [, scheme = "", path = "", query = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^?]*)(?:\?(.*))?$/s.exec(text) ?? [];
  if (scheme === "") return `"${text}" is no URL of the form scheme://path`;
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return `the path of "${text}" has a % that is no %XX; write it as %25`;
  }
  if (decoded.includes("\0")) return "a path has no NUL character";
  if (decoded === "" && scheme !== "kubernetes") return `"${text}" names no place; write ${scheme}://PLACE`;
  return {
    scheme,
    username: "",
    password: "",
    hosts: [],
    path: decoded,
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}
