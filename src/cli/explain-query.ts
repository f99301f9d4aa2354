import { argumentHeaders } from "./argument-headers.ts";
import { readArguments, readTarget } from "./call-target.ts";
import type { OutputFormat } from "./output.ts";

/** The options of `trestle explain`. */
export interface ExplainOptions {
  readonly from?: string;
  readonly gateway?: string;
  readonly port?: string;
  readonly method?: string;
  readonly group?: string;
  readonly version?: string;
  readonly attachment: readonly (readonly [string, string])[];
  readonly application?: string;
  readonly caller?: string;
  readonly principal?: string;
  readonly claims?: string;
  readonly admin: string;
  readonly output: OutputFormat;
}

/** What the admin API is asked for a call (`Interface.method`), or for a request (a URL). Throws an `Error` of one line for what does not fit together. */
export function explainQuery(target: string, json: string | undefined, options: ExplainOptions): URLSearchParams {
  const isRequest = target.includes("://");
  const query = new URLSearchParams(isRequest ? requestQuery(target, json, options) : callQuery(target, options));
  for (const key of ["caller", "principal", "claims", "from"] as const)
    if (options[key] !== undefined) query.set(key, options[key]);
  const headers = json === undefined || isRequest ? {} : argumentHeaders(readArguments(json));
  if (options.application !== undefined) headers["dubbo-application"] = options.application;
  if (isRequest && json !== undefined && !options.attachment.some(([name]) => name.toLowerCase() === "content-type"))
    headers["content-type"] = "application/json";
  for (const [key, value] of [...Object.entries(headers), ...options.attachment])
    query.append("header", `${key}=${value}`);
  return query;
}

function callQuery(target: string, options: ExplainOptions): Record<string, string> {
  const alien = (["gateway", "port", "method"] as const).find((key) => options[key] !== undefined);
  if (alien !== undefined)
    throw new Error(`--${alien} is for requests: give a URL, such as http://api.example.com/orders/getOrder`);
  const { service, method } = readTarget(target, [], true);
  const { group, version } = options;
  return { service, method, ...(group !== undefined && { group }), ...(version !== undefined && { version }) };
}

function requestQuery(url: string, json: string | undefined, options: ExplainOptions): Record<string, string> {
  const alien = (["group", "version"] as const).find((key) => options[key] !== undefined);
  if (alien !== undefined) throw new Error(`--${alien} is for calls: give Interface.method in place of a URL`);
  const { gateway, port, method = json === undefined ? undefined : "POST" } = options;
  return {
    url,
    ...(gateway !== undefined && { gateway }),
    ...(port !== undefined && { port }),
    ...(method !== undefined && { method }),
  };
}
