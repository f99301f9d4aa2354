import { createHash } from "node:crypto";
import type { Endpoint, Entry } from "../../model/entry.ts";
import { isRouting } from "../../model/routing.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { printServiceKey, serviceKey } from "../../model/service.ts";
import { compareText } from "../dubbo/endpoint.ts";

/**
 * A registry's last good world as text, line by line, so that a change is written as what changed:
 *
 *     line   = 8 hex digits of the SHA-256 of what follows the space, space, JSON, line feed
 *     first  = {"trestle":"state","version":1,"registry":NAME}
 *     others = {"entry":ENTRY} | {"gone":ID} | {"schema":SCHEMA} | {"noSchema":NAME}
 *
 * Of lines for one thing the last counts. A last line without its line feed was cut off by a crash and is left out.
 */
const FORMAT = "state";
const VERSION = 1;
/** Most entries that are read. */
const MAX_ENTRIES = 400_000;
/** Most endpoints of one entry that are read. */
const MAX_ENDPOINTS = 100_000;

/** What a state file says. */
export interface StateText {
  /** Sorted by host. */
  readonly entries: readonly Entry[];
  /** Sorted by name. */
  readonly schemas: readonly ServiceSchema[];
  /** Lines that were read: over twice what is needed, the file should be written anew. */
  readonly lines: number;
}

/** The first line. */
export function printStateHead(registry: string): string {
  return printLine({ trestle: FORMAT, version: VERSION, registry });
}

/** The line of an entry as it is now: the same for an entry that was read back, so that a restart finds nothing to write. */
export function printStateEntry({ host, writtenHost, service, endpoints, routing }: Entry): string {
  return printLine({ entry: { host, writtenHost, service, endpoints, routing } });
}

/** The line of an entry that is gone. */
export function printStateGone(id: string): string {
  return printLine({ gone: id });
}

/** The line of what is known of an interface's types. */
export function printStateSchema(schema: ServiceSchema): string {
  return printLine({ schema });
}

/** The line of an interface of whose types nothing is known any more. */
export function printStateNoSchema(name: string): string {
  return printLine({ noSchema: name });
}

/** Names an entry within a registry. */
export function stateIdOf(entry: Entry): string {
  return `${entry.host} ${printServiceKey(entry.service)}`;
}

/** Reads a file's text; a sentence's end that says what is wrong where any of it is not as it was written. Never throws. */
export function readStateText(text: string, registry: string): StateText | string {
  const entries = new Map<string, Entry>();
  const schemas = new Map<string, ServiceSchema>();
  let count = 0;
  let at = 0;
  for (let end = text.indexOf("\n", at); end >= 0; end = text.indexOf("\n", at)) {
    const line = text.slice(at, end);
    at = end + 1;
    count++;
    const read = readLine(line);
    if (read === undefined) return `line ${count} is damaged`;
    if (count === 1) {
      if (read["trestle"] !== FORMAT) return "it is no state file";
      if (read["version"] !== VERSION) return `it has version ${String(read["version"])}, and ${VERSION} is read`;
      if (read["registry"] !== registry) return `it is of registry ${JSON.stringify(read["registry"])}`;
      continue;
    }
    if (!take(read, entries, schemas)) return `line ${count} says nothing that is known`;
    if (entries.size > MAX_ENTRIES) return `it holds over ${MAX_ENTRIES} entries`;
  }
  if (count === 0) return "it is empty";
  return {
    entries: [...entries.values()].sort((a, b) => compareText(a.host, b.host)),
    schemas: [...schemas.values()].sort((a, b) => compareText(a.name, b.name)),
    lines: count,
  };
}

function take(
  read: Readonly<Record<string, unknown>>,
  entries: Map<string, Entry>,
  schemas: Map<string, ServiceSchema>,
): boolean {
  const { entry: given, gone, schema, noSchema } = read;
  if (typeof gone === "string") entries.delete(gone);
  else if (typeof noSchema === "string") schemas.delete(noSchema);
  else if (given !== undefined) {
    const entry = readEntry(given);
    if (entry === undefined) return false;
    entries.set(stateIdOf(entry), entry);
  } else if (isRecord(schema) && typeof schema["name"] === "string") {
    schemas.set(schema["name"], Object.freeze(schema) as unknown as ServiceSchema);
  } else return false;
  return true;
}

function readEntry(value: unknown): Entry | undefined {
  if (!isRecord(value)) return undefined;
  const { host, writtenHost, service, endpoints, routing } = value;
  if (typeof host !== "string" || !isRecord(service) || !Array.isArray(endpoints)) return undefined;
  const { interface: name, group, version } = service;
  if (typeof name !== "string" || typeof group !== "string" || typeof version !== "string") return undefined;
  if (endpoints.length > MAX_ENDPOINTS || !endpoints.every(isEndpoint)) return undefined;
  if (routing !== undefined && !isRouting(routing)) return undefined;
  return Object.freeze({
    host,
    ...(typeof writtenHost === "string" && { writtenHost }),
    service: Object.freeze(serviceKey(name, group, version)),
    endpoints: Object.freeze(endpoints.map((one) => Object.freeze(one))),
    ...(routing !== undefined && { routing: Object.freeze(routing) }),
  });
}

const TEXTS = ["address", "protocol", "tag", "token", "origin"] as const;
const NUMBERS = ["port", "weight", "startedAtMs", "warmupMs", "payloadBytes"] as const;

function isEndpoint(value: unknown): value is Endpoint {
  return (
    isRecord(value) &&
    TEXTS.every((name) => typeof value[name] === "string") &&
    NUMBERS.every((name) => typeof value[name] === "number") &&
    typeof value["disabled"] === "boolean" &&
    isTexts(value["params"]) &&
    (value["labels"] === undefined || isTexts(value["labels"]))
  );
}

function isTexts(value: unknown): boolean {
  return isRecord(value) && Object.values(value).every((one) => typeof one === "string");
}

function printLine(value: unknown): string {
  const json = JSON.stringify(value);
  return `${checksum(json)} ${json}\n`;
}

function readLine(line: string): Readonly<Record<string, unknown>> | undefined {
  const json = line.slice(9);
  if (line.charAt(8) !== " " || checksum(json) !== line.slice(0, 8)) return undefined;
  try {
    const value: unknown = JSON.parse(json);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function checksum(json: string): string {
  return createHash("sha256").update(json).digest("hex").slice(0, 8);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
