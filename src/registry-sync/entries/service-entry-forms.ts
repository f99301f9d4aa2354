import { createHash } from "node:crypto";
import type { Endpoint, Entry } from "../../model/entry.ts";
import { isDnsSubdomain } from "../naming/kubernetes-names.ts";
import type { NamingStyle } from "../naming/naming-styles.ts";

/** Whose form ServiceEntries have, and what it must know of the registries. */
export interface ServiceEntryStyle {
  readonly style: NamingStyle;
  /** The kind of a registry, as in its URL, by its name; `""` for one that is not known. */
  readonly schemeOf: (registry: string) => string;
}

/** One of a ServiceEntry's ports. */
export interface ServicePort {
  readonly number: number;
  readonly name: string;
  readonly protocol: string;
}

/** What differs from tool to tool in a ServiceEntry, for one entry. */
export interface ServiceEntryForm {
  /** The object's name. */
  readonly name: string;
  readonly location: "MESH_INTERNAL" | "MESH_EXTERNAL";
  readonly ports: readonly ServicePort[];
  /** The number that each port has at an endpoint. */
  portsOf(endpoint: Endpoint): Readonly<Record<string, number>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** What else an inline WorkloadEntry says. */
  more(endpoint: Endpoint): { readonly locality?: string; readonly serviceAccount?: string };
}

const DEFAULT_PORT = 20_880;
/** The port that Slime adds for services of Nacos and Eureka (SvcPort of pkg/bootstrap/args.go). */
const SLIME_HTTP_PORT = 80;
const NOTHING = Object.freeze({});

/**
 * The form of an entry's ServiceEntry in another tool's style; undefined where that tool never wrote such an entry, or the style is
 * our own. `listed` are the endpoints that go into it, all of one `protocol`.
 */
export function formOf(
  entry: Entry,
  listed: readonly Endpoint[],
  protocol: string,
  { style, schemeOf }: ServiceEntryStyle,
): ServiceEntryForm | undefined {
  const scheme = schemeOf(entry.endpoints[0]?.origin ?? "");
  const number = listed[0]?.port ?? DEFAULT_PORT;
  switch (style) {
    case "trestle":
      return undefined;
    case "dubbo2istio":
      return protocol === "dubbo" ? dubbo2istioForm(entry, number) : undefined;
    case "slime":
      return slimeForm(entry, listed, protocol, scheme);
    case "higress":
      return singlePort(
        entry,
        { number, name: higressProtocol(protocol), protocol: higressProtocol(protocol) },
        NOTHING,
      );
    case "nacos-istio": {
      if (scheme !== "nacos") return undefined;
      const name = protocol === "tri" ? "grpc" : protocol;
      return singlePort(entry, { number, name, protocol: name.toUpperCase() }, { registryType: "nacos" });
    }
    default:
      return style satisfies never;
  }
}

/** A host as an object's name: itself where Kubernetes takes it, else the nearest legal text with a hash of it. */
export function objectNameOf(host: string): string {
  if (isDnsSubdomain(host)) return host;
  const hash = createHash("sha256").update(host).digest("hex").slice(0, 8);
  const labels = host
    .toLowerCase()
    .slice(0, 200)
    .replace(/[^a-z0-9.-]/g, "-")
    .split(".")
    .map((label) => label.slice(0, 50).replace(/^-+|-+$/g, ""))
    .filter((label) => label !== "");
  return labels.length === 0
    ? `s-${hash}`
    : `${labels
        .join(".")
        .slice(0, 240)
        .replace(/[.-]+$/, "")}-${hash}`;
}

/** pkg/dubbo/common/conversion.go: one TCP port, workloads with service account and locality from the parameters of Aeraki. */
function dubbo2istioForm(entry: Entry, number: number): ServiceEntryForm {
  const name = "tcp-dubbo";
  const selector = entry.endpoints.find(({ params }) => params["aeraki_meta_workload_selector"])?.params;
  return {
    name: objectNameOf(`aeraki-${entry.host.replaceAll(".", "-")}`),
    location: "MESH_INTERNAL",
    ports: [{ number, name, protocol: "tcp" }],
    portsOf: ({ port }) => ({ [name]: port }),
    labels: { manager: "aeraki", registry: "dubbo2istio" },
    annotations: {
      interface: entry.service.interface,
      workloadSelector: selector?.["aeraki_meta_workload_selector"] ?? "",
    },
    more: ({ params }) => {
      const locality = (params["aeraki_meta_locality"] ?? "").replaceAll("%2F", "/");
      return {
        serviceAccount: params["aeraki_meta_app_service_account"] || "default",
        ...(locality !== "" && { locality }),
      };
    },
  };
}

/** modules/meshregistry: each instance's port is a port of the service, and leads to each endpoint's own. */
function slimeForm(
  entry: Entry,
  listed: readonly Endpoint[],
  protocol: string,
  scheme: string,
): ServiceEntryForm | undefined {
  const isHttp = scheme === "nacos" || scheme === "eureka";
  if (!isHttp && (protocol !== "dubbo" || (scheme !== "zookeeper" && scheme !== "embedded"))) return undefined;
  const word = isHttp ? "http" : "dubbo";
  const numbers = new Set(listed.map(({ port }) => port));
  if (isHttp) numbers.add(SLIME_HTTP_PORT);
  if (numbers.size === 0) numbers.add(DEFAULT_PORT);
  const ports = [...numbers]
    .sort((a, b) => a - b)
    .map((number) => ({ number, name: `${word}-${number}`, protocol: word.toUpperCase() }));
  return {
    name: objectNameOf(entry.host),
    // It leaves the field out, and that is its first value.
    location: "MESH_EXTERNAL",
    ports,
    portsOf: ({ port }) => Object.fromEntries(ports.map(({ name }) => [name, port])),
    labels: NOTHING,
    annotations: NOTHING,
    more: () => NOTHING,
  };
}

function singlePort(entry: Entry, port: ServicePort, labels: Readonly<Record<string, string>>): ServiceEntryForm {
  return {
    name: objectNameOf(entry.host),
    location: "MESH_INTERNAL",
    ports: [port],
    portsOf: (endpoint) => ({ [port.name]: endpoint.port }),
    labels,
    annotations: NOTHING,
    more: () => NOTHING,
  };
}

/** alibaba/higress pkg/common/protocol.go; it does not know Triple, which is gRPC to a gateway. */
function higressProtocol(protocol: string): string {
  switch (protocol) {
    case "dubbo":
      return "Dubbo";
    case "http":
    case "https":
    case "rest":
      return "HTTP";
    case "grpc":
    case "tri":
      return "GRPC";
    default:
      return "TCP";
  }
}
