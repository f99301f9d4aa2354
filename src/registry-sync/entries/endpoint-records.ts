import type { Endpoint } from "../../model/entry.ts";
import { compareText, DEFAULT_WARMUP_MS, DEFAULT_WEIGHT } from "../dubbo/endpoint.ts";

/** Longest annotation text that is written or read; Kubernetes takes 262,144 bytes of all annotations together. */
export const MAX_RECORDS_LENGTH = 250_000;
const MAX_RECORDS = 100_000;

/** What an endpoint has where its record says nothing. */
const DEFAULTS = {
  protocol: "dubbo",
  weight: DEFAULT_WEIGHT,
  startedAtMs: 0,
  warmupMs: DEFAULT_WARMUP_MS,
  tag: "",
  disabled: false,
  payloadBytes: 0,
  origin: "",
} as const;
const FIELDS = Object.keys(DEFAULTS) as readonly (keyof typeof DEFAULTS)[];

/**
 * Prints endpoints as JSON text, one endpoint a line: `{"shared": {...}, "endpoints": [{address, port, params, ...}]}`.
 * Parameters on which all agree stand once, under `shared`; fields that have their default are left out; tokens and
 * passwords are never written. Where that would pass {@link MAX_RECORDS_LENGTH}, each endpoint's own parameters are left
 * out; where it still would, there is no text (the spec alone is kept).
 */
export function printRecords(endpoints: readonly Endpoint[]): string {
  if (endpoints.length === 0) return '{"endpoints":[]}';
  const shared = sharedParams(endpoints);
  for (const withParams of [true, false]) {
    const lines = endpoints.map((endpoint) => JSON.stringify(recordOf(endpoint, withParams ? shared : undefined)));
    const text = `{"shared":${JSON.stringify(shared)},"endpoints":[\n${lines.join(",\n")}\n]}`;
    if (text.length <= MAX_RECORDS_LENGTH) return text;
  }
  return "";
}

/** Reads {@link printRecords}'s text; undefined where it is none. Never throws; what is no endpoint is left out. */
export function readRecords(text: string): readonly Endpoint[] | undefined {
  if (text === "" || text.length > MAX_RECORDS_LENGTH) return undefined;
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(root) || !Array.isArray(root["endpoints"]) || root["endpoints"].length > MAX_RECORDS) return undefined;
  const shared = texts(root["shared"]);
  return root["endpoints"].flatMap((one: unknown) => {
    if (!isRecord(one) || typeof one["address"] !== "string" || typeof one["port"] !== "number") return [];
    const fields: Record<string, unknown> = { ...DEFAULTS };
    for (const field of FIELDS) if (typeof one[field] === typeof DEFAULTS[field]) fields[field] = one[field];
    const own = texts(one["params"]);
    const params: Record<string, string> = Object.create(null);
    for (const [key, value] of [...shared, ...own].sort(([a], [b]) => compareText(a, b))) params[key] = value;
    const labels = texts(one["labels"]);
    const named = labels.length === 0 ? {} : { labels: Object.freeze(Object.fromEntries(labels)) };
    const endpoint = { ...fields, address: one["address"], port: one["port"], token: "", params, ...named } as Endpoint;
    return [Object.freeze(endpoint)];
  });
}

/** Whether a parameter's value must not be written anywhere. */
export function isSecretParam(key: string): boolean {
  return /token|password|passwd|secret/i.test(key);
}

function recordOf(endpoint: Endpoint, shared: Readonly<Record<string, string>> | undefined): unknown {
  const record: Record<string, unknown> = { address: endpoint.address, port: endpoint.port };
  for (const field of FIELDS) if (endpoint[field] !== DEFAULTS[field]) record[field] = endpoint[field];
  const own = Object.entries(endpoint.params)
    .filter(([key]) => shared !== undefined && !isSecretParam(key) && shared[key] === undefined)
    .sort(([a], [b]) => compareText(a, b));
  if (own.length > 0) record["params"] = Object.fromEntries(own);
  const labels = Object.entries(endpoint.labels ?? {})
    .filter(([key]) => !isSecretParam(key))
    .sort(([a], [b]) => compareText(a, b));
  if (labels.length > 0) record["labels"] = Object.fromEntries(labels);
  return record;
}

function sharedParams(endpoints: readonly Endpoint[]): Readonly<Record<string, string>> {
  const first = endpoints[0]!.params;
  const shared: Record<string, string> = Object.create(null);
  for (const key of Object.keys(first).sort(compareText)) {
    const value = first[key]!;
    if (!isSecretParam(key) && endpoints.every((endpoint) => endpoint.params[key] === value)) shared[key] = value;
  }
  return shared;
}

function texts(value: unknown): readonly [string, string][] {
  if (!isRecord(value)) return [];
  return Object.entries(value).filter((pair): pair is [string, string] => typeof pair[1] === "string");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
