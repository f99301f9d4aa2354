import { RE2JS } from "re2js";
import type { HttpMatch, TextMatch } from "../../../model/rules/http-route.ts";
import type { Located } from "../../../model/rules/located.ts";
import type { Report } from "../findings.ts";

/** A text that is compared: `Exact` unless told. */
export interface TypedText extends Located {
  readonly type?: "Exact" | "RegularExpression" | "PathPrefix";
  readonly name?: string;
  readonly value?: string;
}

/** A GRPCRoute's match. */
export interface GrpcRouteMatch extends Located {
  readonly method?: Located & { readonly type?: string; readonly service?: string; readonly method?: string };
  readonly headers?: readonly TypedText[];
}

/** An HTTPRoute's match. */
export interface HttpRouteMatch extends Located {
  readonly path?: TypedText;
  readonly headers?: readonly TypedText[];
  readonly queryParams?: readonly TypedText[];
  readonly method?: string;
}

/** One match as alternatives of Istio's kind, and how it stands among others: the larger number, from the left, comes first. */
export interface RankedMatch {
  readonly matches: readonly HttpMatch[];
  readonly rank: readonly number[];
}

/** Service first, then method, then the count of headers (gateway-api's GRPCRouteRule). A method alone is that of any service. */
export function readGrpcMatch({ at, method, headers = [] }: GrpcRouteMatch, report: Report): RankedMatch {
  const { service = "", method: name = "" } = method ?? {};
  const isRegex = method?.type === "RegularExpression";
  const rank = [service.length, name.length, headers.length];
  return {
    rank,
    matches: [{ at, ...pathOf(service, name, isRegex, at, report), ...headersOf(headers, "headers", report) }],
  };
}

function pathOf(
  service: string,
  name: string,
  isRegex: boolean,
  at: Located["at"],
  report: Report,
): Partial<HttpMatch> {
  if (service === "" && name === "") return {};
  if (isRegex) {
    const uri = regexOf(`/(?:${service || "[^/]+"})/(?:${name || "[^/]+"})`, at, report);
    return uri === undefined ? {} : { uri };
  }
  if (service === "") return { method: { type: "exact", value: name } };
  return {
    uri: name === "" ? { type: "prefix", value: `/${service}/` } : { type: "exact", value: `/${service}/${name}` },
  };
}

/** An exact path first, then the longer prefix, then a method, then the count of headers and of parameters (gateway-api's HTTPRouteRule). */
export function readHttpMatch(match: HttpRouteMatch, report: Report): RankedMatch {
  const { at, path, method, headers = [], queryParams = [] } = match;
  const { type = "PathPrefix", value = "/" } = path ?? {};
  const rank = [
    type === "Exact" ? 1 : 0,
    value.length,
    method === undefined ? 0 : 1,
    headers.length,
    queryParams.length,
  ];
  const rest = {
    ...(method !== undefined && { method: { type: "exact", value: method } as const }),
    ...headersOf(headers, "headers", report),
    ...headersOf(queryParams, "queryParams", report),
  };
  return { rank, matches: urisOf(type, value, at, report).map((uri) => ({ at, ...(uri && { uri }), ...rest })) };
}

/** A prefix is one of whole parts: `/a` takes `/a` and `/a/b`, not `/ab`. */
function urisOf(type: TypedText["type"], value: string, at: Located["at"], report: Report): (TextMatch | undefined)[] {
  if (type === "Exact") return [{ type: "exact", value }];
  if (type === "RegularExpression") return [regexOf(value, at, report)];
  const prefix = value.replace(/\/+$/, "");
  if (prefix === "") return [undefined];
  return [
    { type: "exact", value: prefix },
    { type: "prefix", value: `${prefix}/` },
  ];
}

function headersOf(list: readonly TypedText[], field: "headers" | "queryParams", report: Report): Partial<HttpMatch> {
  if (list.length === 0) return {};
  const found: Record<string, TextMatch> = {};
  for (const { at, type, name = "", value = "" } of list) {
    // Of two for one name the first counts, as Gateway API says.
    if (Object.hasOwn(found, name)) continue;
    const match = type === "RegularExpression" ? regexOf(value, at, report) : ({ type: "exact", value } as const);
    if (match !== undefined) found[name] = match;
  }
  return { [field]: found };
}

function regexOf(value: string, at: Located["at"], report: Report): TextMatch | undefined {
  try {
    RE2JS.compile(value);
    return { type: "regex", value };
  } catch (error) {
    report("TR0211", at.position, `${JSON.stringify(value)} is no RE2 regular expression: ${(error as Error).message}`);
    return undefined;
  }
}
