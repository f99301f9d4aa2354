/** What is read of a Kubernetes Service; core/v1. */
export interface KubeService {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** In the order of the object. */
  readonly ports: readonly KubePort[];
  /** `ExternalName` has no endpoints. */
  readonly type: string;
  /** `IPv4`, `IPv6` or both, the one that is meant first; empty where nothing says. */
  readonly families: readonly string[];
}

/** A port of a Service or an EndpointSlice. */
export interface KubePort {
  readonly name: string;
  readonly port: number;
  readonly appProtocol: string;
}

/** What is read of an EndpointSlice; discovery.k8s.io/v1. */
export interface KubeSlice {
  readonly id: string;
  /** `namespace/name` of its Service; empty for none. */
  readonly service: string;
  /** `IPv4` or `IPv6`. */
  readonly family: string;
  readonly ports: readonly KubePort[];
  readonly endpoints: readonly KubeEndpoint[];
}

/** One endpoint of a slice. */
export interface KubeEndpoint {
  readonly address: string;
  readonly ready: boolean;
  /** It is being shut down; where it takes calls nevertheless, it is `serving`. */
  readonly terminating: boolean;
  readonly serving: boolean;
  readonly zone: string;
  readonly node: string;
  readonly pod: string;
}

/** Most endpoints of a slice that are read; the API server takes 1,000. */
const MAX_ENDPOINTS = 10_000;
const MAX_PORTS = 1_000;
const SERVICE_LABEL = "kubernetes.io/service-name";

/** Reads a Service; undefined where it is none. */
export function readService(object: unknown): KubeService | undefined {
  const metadata = asRecord(asRecord(object)["metadata"]);
  const spec = asRecord(asRecord(object)["spec"]);
  const name = asText(metadata["name"]);
  const namespace = asText(metadata["namespace"]);
  if (name === "" || namespace === "") return undefined;
  return {
    id: `${namespace}/${name}`,
    name,
    namespace,
    labels: texts(metadata["labels"]),
    annotations: texts(metadata["annotations"]),
    ports: readPorts(spec["ports"]),
    type: asText(spec["type"]) || "ClusterIP",
    families: asList(spec["ipFamilies"]).slice(0, 2).map(asText),
  };
}

/** Reads an EndpointSlice; undefined where it is none, or where its addresses are names. */
export function readSlice(object: unknown): KubeSlice | undefined {
  const slice = asRecord(object);
  const metadata = asRecord(slice["metadata"]);
  const name = asText(metadata["name"]);
  const namespace = asText(metadata["namespace"]);
  if (name === "" || namespace === "" || slice["addressType"] === "FQDN") return undefined;
  const service = texts(metadata["labels"])[SERVICE_LABEL] ?? "";
  return {
    id: `${namespace}/${name}`,
    service: service === "" ? "" : `${namespace}/${service}`,
    family: asText(slice["addressType"]),
    ports: readPorts(slice["ports"]),
    endpoints: asList(slice["endpoints"]).slice(0, MAX_ENDPOINTS).flatMap(readEndpoint),
  };
}

/** An endpoint's first address stands for it; nobody said that it is not ready, it is (EndpointConditions of discovery/v1). */
function readEndpoint(value: unknown): readonly KubeEndpoint[] {
  const endpoint = asRecord(value);
  const [address] = asList(endpoint["addresses"]);
  if (typeof address !== "string" || address === "") return [];
  const conditions = asRecord(endpoint["conditions"]);
  const ready = conditions["ready"] !== false;
  const target = asRecord(endpoint["targetRef"]);
  return [
    {
      address,
      ready,
      terminating: conditions["terminating"] === true,
      serving: typeof conditions["serving"] === "boolean" ? conditions["serving"] : ready,
      zone: asText(endpoint["zone"]),
      node: asText(endpoint["nodeName"]),
      pod: target["kind"] === "Pod" ? asText(target["name"]) : "",
    },
  ];
}

/** TCP ports; a port of UDP or SCTP carries nothing that is led. */
function readPorts(value: unknown): readonly KubePort[] {
  return asList(value)
    .slice(0, MAX_PORTS)
    .map(asRecord)
    .flatMap((one) => {
      const { port, protocol = "TCP" } = one;
      if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535 || protocol !== "TCP")
        return [];
      return [{ name: asText(one["name"]), port, appProtocol: asText(one["appProtocol"]) }];
    });
}

function texts(value: unknown): Readonly<Record<string, string>> {
  const found: Record<string, string> = Object.create(null);
  for (const [key, text] of Object.entries(asRecord(value))) if (typeof text === "string") found[key] = text;
  return found;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
