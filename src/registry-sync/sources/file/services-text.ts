import { type Document, LineCounter } from "yaml";
import { readYamlDocuments } from "../../../base/yaml-documents.ts";
import { describeYamlFault } from "../../../base/yaml-fault.ts";
import { type Endpoint, type Entry, plainEndpoint } from "../../../model/entry.ts";
import { parseServiceKey, type ServiceKey, serviceKey } from "../../../model/service.ts";
import { compareEndpoints, DEFAULT_WEIGHT, endpointId } from "../../dubbo/endpoint.ts";
import { isIpv6 } from "../../dubbo/url.ts";
import { fromServiceEntry } from "../../entries/service-entry.ts";
import { hostOf } from "../../naming/naming.ts";

/** What a file of services says: its services, or what is wrong with it. */
export type ServicesText =
  | { readonly entries: readonly Entry[]; readonly fault?: undefined }
  | { readonly fault: string };

const MAX_SERVICES = 100_000;
const MAX_ENDPOINTS = 100_000;
const MAX_WEIGHT = 2_147_483_647;
const KEYS = ["service", "group", "version", "protocol", "params", "endpoints"];
const ENDPOINT_KEYS = ["address", "port", "protocol", "weight", "tag", "disabled", "token", "params"];

/**
 * Reads YAML or JSON: documents with `services`, and ServiceEntry objects. The first thing that is wrong makes the whole file wrong, told
 * with its line; entries keep the order of the file.
 */
export function readServicesText(text: string, registry: string): ServicesText {
  const lines = new LineCounter();
  let documents: readonly Document.Parsed[];
  try {
    documents = readYamlDocuments(text, { lineCounter: lines, uniqueKeys: true });
  } catch (error) {
    return { fault: (error as Error).message };
  }
  const entries: Entry[] = [];
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined)
      return { fault: `line ${lines.linePos(error.pos[0]).line}: ${describeYamlFault(error, text)}` };
    const at = `line ${lines.linePos(document.contents?.range?.[0] ?? 0).line}`;
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: 0 });
    } catch {
      return { fault: `${at}: it has YAML aliases; write the values themselves` };
    }
    if (value === null || value === undefined) continue;
    const read = readDocument(value, registry);
    if (typeof read === "string") return { fault: `${at}: ${read}` };
    for (const entry of read) entries.push(entry);
    if (entries.length > MAX_SERVICES) return { fault: `it has over ${MAX_SERVICES} services` };
  }
  return { entries };
}

function readDocument(value: unknown, registry: string): readonly Entry[] | string {
  if (!isRecord(value)) return "a document is a map with services, or a ServiceEntry";
  if (value["kind"] === "ServiceEntry") return readServiceEntry(value, registry);
  const { services, ...others } = value;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return `unknown key ${unknown}; known here: services`;
  if (!Array.isArray(services)) return "services is a list";
  const entries: Entry[] = [];
  for (const [i, one] of services.entries()) {
    const entry = readService(one, registry, `services[${i}]`);
    if (typeof entry === "string") return entry;
    entries.push(entry);
  }
  return entries;
}

/** An entry that Trestle wrote is as it was, but of this registry; of another one its labels are the parameters. */
function readServiceEntry(value: unknown, registry: string): readonly Entry[] | string {
  const read = fromServiceEntry(value);
  if (read === undefined) return "the ServiceEntry has no host";
  const { service, endpoints } = read.entry;
  const own = endpoints.map((one) => Object.freeze({ ...one, origin: registry }));
  return [Object.freeze({ host: hostOf(service), service, endpoints: Object.freeze(own) })];
}

function readService(value: unknown, registry: string, path: string): Entry | string {
  if (!isRecord(value)) return `${path} is no map`;
  const unknown = Object.keys(value).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) return `unknown key ${path}.${unknown}; known here: ${KEYS.join(", ")}`;
  const { service, group, version, protocol = "dubbo", endpoints = [] } = value;
  if (typeof service !== "string" || service === "") return `${path}.service is the service's name or key`;
  for (const [name, one] of Object.entries({ group, version }))
    if (one !== undefined && typeof one !== "string") return `${path}.${name} is a text; put it in quotes`;
  if (typeof protocol !== "string" || protocol === "") return `${path}.protocol is a text`;
  const params = readParams(value["params"], `${path}.params`);
  if (typeof params === "string") return params;
  if (!Array.isArray(endpoints)) return `${path}.endpoints is a list`;
  if (endpoints.length > MAX_ENDPOINTS) return `${path} has over ${MAX_ENDPOINTS} endpoints`;
  const found = new Map<string, Endpoint>();
  for (const [i, one] of endpoints.entries()) {
    const read = readEndpoint(one, { protocol, params, registry }, `${path}.endpoints[${i}]`);
    if (typeof read === "string") return read;
    found.set(endpointId(read), read);
  }
  const key = keyOf(service, group as string | undefined, version as string | undefined);
  const sorted = Object.freeze([...found.values()].sort(compareEndpoints));
  return Object.freeze({ host: hostOf(key), service: key, endpoints: sorted });
}

function keyOf(service: string, group: string | undefined, version: string | undefined): ServiceKey {
  const named = parseServiceKey(service);
  return Object.freeze(serviceKey(named.interface, group ?? named.group, version ?? named.version));
}

interface Defaults {
  readonly protocol: string;
  readonly params: Readonly<Record<string, string>>;
  readonly registry: string;
}

function readEndpoint(value: unknown, { protocol, params, registry }: Defaults, path: string): Endpoint | string {
  if (typeof value === "string") {
    const [, scheme = protocol, v6, name, port = ""] =
      /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:\[([^\]]+)\]|([^:/[\]]+)):(\d{1,5})$/.exec(value) ?? [];
    const address = v6 ?? name;
    if (address === undefined || !isPort(Number(port)) || (v6 !== undefined && !isIpv6(v6)))
      return `${path} "${value}" is no [protocol://]host:port`;
    return Object.freeze(
      plainEndpoint({
        address,
        port: Number(port),
        protocol: scheme,
        weight: DEFAULT_WEIGHT,
        params,
        origin: registry,
      }),
    );
  }
  if (!isRecord(value)) return `${path} is no host:port and no map`;
  const unknown = Object.keys(value).find((key) => !ENDPOINT_KEYS.includes(key));
  if (unknown !== undefined) return `unknown key ${path}.${unknown}; known here: ${ENDPOINT_KEYS.join(", ")}`;
  const { address, port, weight = DEFAULT_WEIGHT, tag = "", disabled = false, token = "" } = value;
  const own = value["protocol"] ?? protocol;
  if (typeof address !== "string" || address === "") return `${path}.address is an address or a host's name`;
  if (!isPort(port)) return `${path}.port is a number from 1 to 65535`;
  if (typeof weight !== "number" || !Number.isInteger(weight) || weight < 0 || weight > MAX_WEIGHT)
    return `${path}.weight is a whole number from 0 to ${MAX_WEIGHT}`;
  if (typeof own !== "string" || typeof tag !== "string" || typeof token !== "string")
    return `${path}: protocol, tag and token are texts`;
  if (typeof disabled !== "boolean") return `${path}.disabled is true or false`;
  const more = readParams(value["params"], `${path}.params`);
  if (typeof more === "string") return more;
  const all = Object.freeze({ ...params, ...more });
  const known = plainEndpoint({ address, port, protocol: own, weight, params: all, origin: registry });
  return Object.freeze({ ...known, tag, token, disabled });
}

function readParams(value: unknown, path: string): Readonly<Record<string, string>> | string {
  const params: Record<string, string> = Object.create(null);
  if (value === undefined) return Object.freeze(params);
  if (!isRecord(value)) return `${path} is a map`;
  for (const [name, one] of Object.entries(value)) {
    if (typeof one !== "string" && typeof one !== "number" && typeof one !== "boolean")
      return `${path}.${name} is a text`;
    params[name] = String(one);
  }
  return Object.freeze(params);
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
