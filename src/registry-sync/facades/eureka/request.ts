import type { IncomingHttpHeaders } from "node:http";
import type { EurekaFormat } from "../../../codecs/eureka/document.ts";

/** A client's request, whole. */
export interface FacadeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** IP address it came from. */
  readonly address: string;
  /** Aborted where what it waits for is to be given up. */
  readonly signal?: AbortSignal;
}

/** What a request of Eureka's REST interface is about; `other` is everything that is passed on as it came. */
export type EurekaQuestion =
  | { readonly kind: "apps" | "delta" }
  | { readonly kind: "app"; readonly app: string }
  | { readonly kind: "instance"; readonly app: string; readonly id: string }
  | { readonly kind: "instanceOf"; readonly id: string }
  | { readonly kind: "vip" | "svip"; readonly name: string }
  | { readonly kind: "other" };

/** A request's target, read. */
export interface EurekaTarget {
  /** Path and query behind the interface's base, from `/` on, as they came. */
  readonly rest: string;
  /** `/v2` where the client says so, else empty. */
  readonly version: "" | "/v2";
  /** What a GET of it asks for. */
  readonly question: EurekaQuestion;
  /** The names in the path behind `apps`: `APP` (upper case), id, `status` or `metadata`. */
  readonly names: readonly string[];
  readonly query: URLSearchParams;
  /** The `regions` of the query; empty for none. */
  readonly regions: string;
}

const OTHER: EurekaQuestion = { kind: "other" };

/** Reads a request target; undefined for one that is not under `/eureka`, or that a server may take for one that is not. */
export function readTarget(url: string): EurekaTarget | undefined {
  const [, base, version, rest] = /^(?:https?:\/\/[^/]*)?(\/eureka)(\/v2)?(?=[/?]|$)(.*)$/s.exec(url) ?? [];
  if (base === undefined) return undefined;
  const [path = "", queryText = ""] = splitOnce(rest ?? "", "?");
  if (leadsElsewhere(path)) return undefined;
  const parts = decodeParts(path);
  const question = parts === undefined ? OTHER : questionOf(parts);
  const query = new URLSearchParams(queryText);
  const regions = query.get("regions") ?? "";
  const isApps = parts?.[0] === "apps";
  const names = isApps ? [parts[1]?.toUpperCase() ?? "", ...parts.slice(2)].filter((_, i) => i + 1 < parts.length) : [];
  return { rest: rest ?? "", version: version === undefined ? "" : "/v2", question, names, query, regions };
}

function questionOf([first, ...names]: readonly string[]): EurekaQuestion {
  const [one, two] = names;
  if (first === "apps") {
    if (one === undefined) return { kind: "apps" };
    if (names.length === 1) return one === "delta" ? { kind: "delta" } : { kind: "app", app: one.toUpperCase() };
    return names.length === 2 ? { kind: "instance", app: one.toUpperCase(), id: two! } : OTHER;
  }
  if (names.length !== 1) return OTHER;
  if (first === "instances") return { kind: "instanceOf", id: one! };
  if (first === "vips") return { kind: "vip", name: one! };
  return first === "svips" ? { kind: "svip", name: one! } : OTHER;
}

/** Whether a path has steps such as `..`, plain, encoded or with parameters behind `;`, which servers go before they look what is asked for. */
function leadsElsewhere(path: string): boolean {
  const plain = path
    .replace(/%2e/gi, ".")
    .replace(/%(?:2f|5c)|\\/gi, "/")
    .replace(/%3b/gi, ";");
  return plain.split("/").some((part) => /^\.\.?(?:;|$)/.test(part));
}

/** The names between slashes, decoded, without parameters behind `;`, which servers pass by; empty ones are left out. */
function decodeParts(path: string): readonly string[] | undefined {
  try {
    return path
      .split("/")
      .map((part) => part.split(";", 1)[0]!)
      .filter((part) => part !== "")
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function splitOnce(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** How an answer is wanted. */
export interface Wanted {
  readonly format: EurekaFormat;
  readonly gzip: boolean;
  /** `X-Eureka-Accept: compact`: with the fields that balancers need. */
  readonly compact: boolean;
}

/**
 * Reads `Accept`, `Accept-Encoding` and `X-Eureka-Accept` as a server does: JSON where `Accept` names it, else XML where that will
 * do; undefined where neither will.
 */
export function readWanted(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Wanted | undefined {
  const accept = `${headers["accept"] ?? "*/*"}`.toLowerCase();
  const format = accept.includes("json") ? "json" : /xml|\*\/\*|application\/\*/.test(accept) ? "xml" : undefined;
  if (format === undefined) return undefined;
  const encodings = `${headers["accept-encoding"] ?? ""}`.toLowerCase().split(",");
  const gzip = encodings.some((one) => /^\s*(x-)?gzip\s*(;|$)/.test(one) && !/;\s*q=0(\.0*)?\s*$/.test(one));
  return { format, gzip, compact: `${headers["x-eureka-accept"] ?? ""}`.toLowerCase() === "compact" };
}
