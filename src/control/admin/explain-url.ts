import type { MadeUpCaller, MadeUpRequest } from "../explain/explanation.ts";

const SCHEMES: Readonly<Record<string, MadeUpRequest["scheme"]>> = {
  http: "http",
  https: "https",
  grpc: "http",
  grpcs: "https",
  tls: "tls",
};

/**
 * A request by the URL that callers write and its method, which is GET unless told, and POST of gRPC: paths stay as they are written. A text says
 * what is wrong.
 */
export function readRequest(url: string, method: string, who: MadeUpCaller): MadeUpRequest | string {
  const parts = /^([a-z]+):\/\/([^/?#\s]+)([^?#\s]*)(\?[^#\s]*)?(?:#.*)?$/i.exec(url);
  const word = (parts?.[1] ?? "").toLowerCase();
  const scheme = SCHEMES[word];
  if (parts === null || scheme === undefined)
    return `url ${JSON.stringify(url)} is not as http://HOST/PATH; it begins with one of ${Object.keys(SCHEMES).join(", ")}`;
  const isGrpc = word.startsWith("grpc");
  const verb = (method === "" ? (isGrpc ? "POST" : "GET") : method).toUpperCase();
  if (!/^[A-Z]{1,20}$/.test(verb)) return `method ${JSON.stringify(method)} is none of HTTP`;
  const says = (name: string) => Object.keys(who.headers).some((one) => one.toLowerCase() === name);
  const headers =
    isGrpc && !says("content-type") ? { ...who.headers, "content-type": "application/grpc" } : who.headers;
  const [, , authority = "", path = "", query = ""] = parts;
  return {
    ...who,
    headers,
    scheme,
    authority,
    path: path === "" ? "/" : path,
    query: query === "?" ? "" : query,
    verb,
  };
}
