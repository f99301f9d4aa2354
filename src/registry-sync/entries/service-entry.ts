import { type Endpoint, type Entry, plainEndpoint } from "../../model/entry.ts";
import { compareEndpoints, compareText } from "../dubbo/endpoint.ts";
import { isIpv4, isIpv6 } from "../dubbo/url.ts";
import { isLabelKey, isLabelValue } from "../naming/kubernetes-names.ts";
import { isSecretParam, printRecords, readRecords } from "./endpoint-records.ts";
import { formOf, objectNameOf, type ServiceEntryForm, type ServiceEntryStyle } from "./service-entry-forms.ts";

/** Prefix of Trestle's labels and annotations. */
export const PREFIX = "trestle.io/";
/** Who wrote an entry; Trestle touches only what carries its own. */
export const OWNER_LABEL = `${PREFIX}owner`;

/** One of a ServiceEntry's endpoints (Istio WorkloadEntry, inline). */
export interface WorkloadEndpoint {
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly weight?: number;
  readonly locality?: string;
  readonly serviceAccount?: string;
}

/** Istio's ServiceEntry, as far as it is written here. */
export interface ServiceEntry {
  readonly apiVersion: "networking.istio.io/v1";
  readonly kind: "ServiceEntry";
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly hosts: readonly string[];
    readonly location: "MESH_INTERNAL" | "MESH_EXTERNAL";
    readonly resolution: "STATIC" | "DNS";
    readonly ports: readonly { readonly number: number; readonly name: string; readonly protocol: string }[];
    readonly endpoints: readonly WorkloadEndpoint[];
  };
}

/** Parameters that are no use as labels: they change at each start or name nothing to select by. They stay in the annotation. */
const NO_LABELS = new Set([
  "pid",
  "timestamp",
  "methods",
  "revision",
  "anyhost",
  "bind.ip",
  "bind.port",
  "metadata-type",
]);
const OWN_STYLE: ServiceEntryStyle = { style: "trestle", schemeOf: () => "" };
const DEFAULT_PORT = 20_880;

/**
 * An entry as an Istio ServiceEntry. The endpoints of one protocol become its endpoints (`dubbo` where there is any);
 * those of other protocols, disabled ones, ones of weight 0 beside others (Istio would take 0 for 1), and addresses that
 * Istio refuses are kept in the annotation `trestle.io/endpoints` alone, which has every endpoint with its raw
 * parameters. A parameter becomes a label where Kubernetes would take it. Tokens and passwords are not written at all.
 * Labels, annotations and endpoints are in a fixed order: equal entries give equal text. Ports, location and names can be
 * in another tool's style.
 */
export function toServiceEntry(entry: Entry, owner: string, style: ServiceEntryStyle = OWN_STYLE): ServiceEntry {
  const protocol = mainProtocol(entry.endpoints);
  const portName = portNameOf(protocol);
  const weighted = entry.endpoints.some((one) => one.protocol === protocol && !one.disabled && one.weight > 0);
  const listed = entry.endpoints.filter(
    (one) => one.protocol === protocol && !one.disabled && (one.weight > 0 || !weighted) && isIstioAddress(one.address),
  );
  const named = listed.some((one) => !isIp(one.address));
  const form = formOf(entry, listed, protocol, style) ?? ownForm(entry, listed, protocol, portName);
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: {
      name: form.name,
      labels: { "app.kubernetes.io/managed-by": "trestle", ...form.labels, [OWNER_LABEL]: owner },
      annotations: {
        ...form.annotations,
        [`${PREFIX}endpoints`]: printRecords(entry.endpoints),
        [`${PREFIX}group`]: entry.service.group,
        [`${PREFIX}interface`]: entry.service.interface,
        [`${PREFIX}registries`]: [...new Set(entry.endpoints.map((one) => one.origin))].sort(compareText).join(","),
        [`${PREFIX}version`]: entry.service.version,
      },
    },
    spec: {
      hosts: [entry.writtenHost ?? entry.host],
      location: form.location,
      resolution: named ? "DNS" : "STATIC",
      ports: form.ports,
      endpoints: listed.map((one) => workloadOf(one, form)),
    },
  };
}

function ownForm(entry: Entry, listed: readonly Endpoint[], protocol: string, portName: string): ServiceEntryForm {
  const number = Math.min(...listed.map((one) => one.port));
  return {
    name: objectNameOf(entry.host),
    location: "MESH_INTERNAL",
    ports: [
      {
        number: Number.isFinite(number) ? number : DEFAULT_PORT,
        name: portName,
        protocol: CARRIERS.get(protocol)?.[1] ?? "TCP",
      },
    ],
    portsOf: ({ port }) => ({ [portName]: port }),
    labels: {},
    annotations: {},
    more: () => ({}),
  };
}

/** What {@link fromServiceEntry} found. */
export interface ReadServiceEntry {
  readonly owner: string;
  readonly host: string;
  readonly entry: Entry;
}

/**
 * Reads a ServiceEntry of any origin back; undefined where it is none or has no host. One that Trestle wrote gives the
 * entry it was made from (without tokens); of another one the spec alone counts: its labels are the parameters.
 */
export function fromServiceEntry(document: unknown): ReadServiceEntry | undefined {
  const root = asRecord(document);
  const metadata = asRecord(root["metadata"]);
  const spec = asRecord(root["spec"]);
  const host = Array.isArray(spec["hosts"]) ? spec["hosts"][0] : undefined;
  if (root["kind"] !== "ServiceEntry" || typeof host !== "string") return undefined;
  const annotations = asRecord(metadata["annotations"]);
  const owner = asRecord(metadata["labels"])[OWNER_LABEL];
  const text = (key: string) => asText(annotations[`${PREFIX}${key}`]);
  const service = { interface: text("interface") || host, group: text("group"), version: text("version") };
  const records = readRecords(text("endpoints")) ?? endpointsOfSpec(spec);
  const endpoints = Object.freeze([...records].sort(compareEndpoints));
  const lower = host.toLowerCase();
  const written = lower === host ? {} : { writtenHost: host };
  const entry = Object.freeze({ host: lower, ...written, service: Object.freeze(service), endpoints });
  return { owner: asText(owner), host: lower, entry };
}

/** How Istio knows what a port carries: the word before the dash of its name, and its protocol. */
const CARRIERS: ReadonlyMap<string, readonly [prefix: string, protocol: string]> = new Map([
  ["tri", ["grpc", "GRPC"]],
  ["grpc", ["grpc", "GRPC"]],
  ["rest", ["http", "HTTP"]],
  ["http", ["http", "HTTP"]],
]);

/** The name of a protocol's port, such as `tcp-dubbo`: Aeraki and Istio tell what it carries by the part before the dash. */
export function portNameOf(protocol: string): string {
  const name = protocol
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  return `${CARRIERS.get(protocol)?.[0] ?? "tcp"}-${name || "other"}`;
}

function mainProtocol(endpoints: readonly Endpoint[]): string {
  const protocols = [...new Set(endpoints.map((one) => one.protocol))].sort(compareText);
  return protocols.includes("dubbo") || protocols.length === 0 ? "dubbo" : protocols[0]!;
}

function workloadOf(endpoint: Endpoint, form: ServiceEntryForm): WorkloadEndpoint {
  const labels: [string, string][] = Object.entries({ ...endpoint.params, ...endpoint.labels }).filter(
    ([key, value]) => !NO_LABELS.has(key) && !isSecretParam(key) && isLabelKey(key) && isLabelValue(value),
  );
  if (isLabelValue(endpoint.origin)) labels.push([`${PREFIX}registry`, endpoint.origin]);
  labels.sort(([a], [b]) => compareText(a, b));
  return {
    address: endpoint.address,
    ports: form.portsOf(endpoint),
    ...form.more(endpoint),
    ...(labels.length > 0 ? { labels: Object.fromEntries(labels) } : {}),
    ...(endpoint.weight > 0 ? { weight: endpoint.weight } : {}),
  };
}

function endpointsOfSpec(spec: Readonly<Record<string, unknown>>): readonly Endpoint[] {
  const port = asRecord(Array.isArray(spec["ports"]) ? spec["ports"][0] : undefined);
  const name = asText(port["name"]);
  const list: readonly unknown[] = Array.isArray(spec["endpoints"]) ? spec["endpoints"] : [];
  return list.map(asRecord).flatMap((one) => {
    const number = asRecord(one["ports"])[name] ?? port["number"];
    if (typeof one["address"] !== "string" || typeof number !== "number") return [];
    const params: Record<string, string> = Object.create(null);
    for (const [key, value] of Object.entries(asRecord(one["labels"])))
      if (typeof value === "string") params[key] = value;
    const weight = typeof one["weight"] === "number" ? one["weight"] : 1;
    return [
      plainEndpoint({
        address: one["address"],
        port: number,
        protocol: name.slice(name.indexOf("-") + 1) || "tcp",
        weight,
        params,
        origin: "",
      }),
    ];
  });
}

function isIp(address: string): boolean {
  return isIpv4(address) || (isIpv6(address) && !address.includes("%"));
}

function isIstioAddress(address: string): boolean {
  return (
    isIp(address) ||
    (address.length <= 253 &&
      address.split(".").every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)) &&
      !/^[\d.]+$/.test(address))
  );
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
