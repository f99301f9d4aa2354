import { isDnsName, UNIX } from "../../../base/address.ts";
import type {
  ServiceEntry,
  ServiceEntryEndpoint,
  ServiceEntryPort,
  TcpPort,
  WorkloadEntry,
} from "../../../model/rule.ts";
import type { Located, RuleIdentity } from "../../../model/rules/located.ts";
import type { Report } from "../findings.ts";
import { type Field, quote, type ReadContext, type ReadObject } from "../schema.ts";
import type { ObjectMetadata } from "./gateway-object.ts";
import { anyText, hostOrBelow, listOf, text, textMap, whole } from "./istio-values.ts";
import { meaningless, object } from "./shapes.ts";
import { exportTo, workloadSelector } from "./traffic-policy-schema.ts";

const MAX_WEIGHT = 2_147_483_647;

const port = object({
  number: { shape: whole(1, 65_535), required: true },
  name: { shape: text, required: true },
  protocol: { shape: anyText },
  targetPort: { shape: whole(1, 65_535) },
});

const endpointFields: Readonly<Record<string, Field>> = {
  address: { shape: text, required: true },
  ports: { shape: { type: "map", of: whole(1, 65_535) } },
  labels: { shape: textMap },
  weight: { shape: whole(0, MAX_WEIGHT) },
  locality: { shape: anyText },
  network: meaningless(
    "there are no gateways of networks here, so endpoints are called at their own addresses",
    anyText,
  ),
  serviceAccount: { shape: anyText },
};

const endpoint = object(endpointFields, { into: checkAddress });

/** What the spec of a WorkloadEntry must be. */
export const workloadEntrySpec = object(endpointFields, { into: checkAddress });

/** A WorkloadEntry as the model has it: its labels are those of its spec and of its metadata, which come first (Istio: ConvertWorkloadEntry). */
export function readWorkloadEntry(
  spec: Located & Record<string, unknown>,
  { labels }: ObjectMetadata,
): Pick<WorkloadEntry, "endpoint"> {
  const { at: _, ...said } = spec;
  const endpoint = said as unknown as ServiceEntryEndpoint;
  if (labels === undefined || labels === null) return { endpoint };
  return { endpoint: { ...endpoint, labels: { ...endpoint.labels, ...labels } } };
}

/** What the spec of a ServiceEntry must be. */
export const serviceEntrySpec = object(
  {
    hosts: { shape: listOf(hostOrBelow, 1), required: true },
    ports: { shape: listOf(port, 1), required: true },
    resolution: { shape: { type: "choice", of: ["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"] } },
    location: { shape: { type: "choice", of: ["MESH_EXTERNAL", "MESH_INTERNAL"] } },
    endpoints: { shape: listOf(endpoint) },
    addresses: meaningless("callers know the proxy's address alone", listOf(text)),
    exportTo,
    workloadSelector: { shape: workloadSelector },
    subjectAltNames: { shape: listOf(text) },
  },
  { exclusive: [["endpoints", "workloadSelector"]], into: withoutUnknown },
);

/** An IP address or a DNS name, without a port, or a Unix socket as Istio has it. */
function checkAddress(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const address = value.address as string;
  const isInternet =
    address.length <= 253 && /^(?:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)$/.test(address);
  if (isInternet || /^unix:\/\/[/@][^\0]{0,106}$/.test(address)) return value;
  const why = address.startsWith("unix:")
    ? "a Unix socket is unix:// and an absolute path of at most 107 characters"
    : "it must be an IP address or a DNS name";
  context.report(
    "TR0209",
    value.at.fields.address ?? value.at.position,
    `${path}.address is ${quote(address)}; ${why}`,
  );
  return undefined;
}

/** Why a wildcard is no host of some objects. */
const WILDCARD = {
  nowhere:
    "no endpoints are listed for all names that it covers; list them with resolution STATIC or DNS, or give each name that is called as a host of its own",
  unnamed: "calls say by HTTP's Host alone, and TLS by its name, which of its names they ask for",
};

interface Spec extends Located {
  readonly hosts: readonly string[];
  readonly ports: readonly (Located & Omit<ServiceEntryPort, "carried">)[];
  readonly resolution?: string;
  readonly endpoints?: readonly (Located & ServiceEntryEndpoint)[];
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly exportTo?: readonly string[];
  readonly subjectAltNames?: readonly string[];
  readonly location?: string;
}

/** A ServiceEntry's spec as the model has it; ports that are not carried, and an object whose endpoints nothing tells, are reported. */
export function readServiceEntry(
  spec: Located & Record<string, unknown>,
  report: Report,
): Omit<ServiceEntry, keyof RuleIdentity | "kind"> {
  const {
    hosts,
    ports,
    resolution = "NONE",
    endpoints = [],
    exportTo = [],
    subjectAltNames = [],
    location,
  } = spec as unknown as Spec;
  const labels = (spec as unknown as Spec).workloadSelector?.labels ?? {};
  const selects = Object.keys(labels).length > 0;
  const byName = resolution !== "STATIC" && (resolution === "NONE" || endpoints.length === 0) && !selects;
  if (resolution === "NONE" && hosts.length > 0)
    report(
      "TR0227",
      spec.at.fields.resolution ?? spec.at.position,
      `ServiceEntry.spec.resolution NONE has no meaning here: connections come to the proxy's own address, so where they were going is not known; ${selects ? "the workloads that are selected are called" : "the hosts' names are looked up, as with DNS"}`,
    );
  const carried: ServiceEntryPort[] = [];
  const tcp: TcpPort[] = [];
  for (const { at, ...one } of ports) {
    const protocol = carriedAs(one);
    const why =
      protocol === undefined
        ? `protocol ${one.protocol || "TCP"} is not carried, but by a stock Envoy as TCP; it must be HTTP, GRPC or DUBBO`
        : carried.some((other) => other.number === one.number)
          ? "another one has its number"
          : undefined;
    if (why === undefined) carried.push({ ...one, carried: protocol! });
    else report("TR0228", at.fields.number ?? at.position, `port ${one.number} is left out: ${why}`);
    if (protocol === undefined && one.protocol?.toUpperCase() !== "UDP") tcp.push(one);
  }
  return {
    hosts,
    ports: carried,
    ...(tcp.length > 0 && { tcp }),
    byName,
    endpoints: resolution === "NONE" ? [] : withoutMixed(endpoints, resolution, report),
    ...(selects && { workloadSelector: labels }),
    ...(exportTo.length > 0 && { exportTo }),
    ...(subjectAltNames.length > 0 && { subjectAltNames }),
    ...(location === "MESH_EXTERNAL" && { isExternal: true }),
  };
}

/** Leaves out wildcards that nothing tells where to go for; the other hosts keep their places. */
function withoutUnknown(value: ReadObject, { report }: ReadContext): ReadObject {
  const { hosts, ports, resolution = "NONE", endpoints = [], workloadSelector } = value as unknown as Spec;
  const isListed = resolution !== "NONE" && (endpoints.length > 0 || workloadSelector !== undefined);
  const isNamed = ports.some(
    (port) => carriedAs(port) === "http" || NAMED.includes(port.protocol?.toUpperCase() ?? ""),
  );
  const left: string[] = [];
  const fields = { ...value.at.fields };
  hosts.forEach((host, i) => {
    const position = value.at.fields[`hosts[${i}]`] ?? value.at.position;
    const why = isListed && isNamed ? undefined : isListed ? WILDCARD.unnamed : WILDCARD.nowhere;
    if (host.startsWith("*.") && why !== undefined) report("TR0228", position, `host ${host} is left out: ${why}`);
    else fields[`hosts[${left.push(host) - 1}]`] = position;
  });
  return { ...value, at: { ...value.at, fields }, hosts: left };
}

/** Protocols of TCP ports whose connections say a name. */
const NAMED: readonly string[] = ["TLS", "HTTPS"];

/** Unix sockets are called beside IP addresses alone: clusters of Envoy's that look names up take no others. */
function withoutMixed(
  endpoints: Spec["endpoints"] = [],
  resolution: string,
  report: Report,
): readonly ServiceEntryEndpoint[] {
  const isNamed = resolution !== "STATIC" || endpoints.some(({ address }) => isDnsName(address));
  return endpoints.flatMap(({ at, ...one }) => {
    if (!one.address.startsWith(UNIX)) return [one];
    if (isNamed) {
      const message = `endpoint ${one.address} is left out: Unix sockets are for resolution STATIC, beside IP addresses alone`;
      report("TR0228", at.fields.address ?? at.position, message);
      return [];
    }
    if (one.ports !== undefined) report("TR0227", at.fields.ports ?? at.position, "a Unix socket has no ports");
    return [one];
  });
}

/** Istio's protocol, or the port's name where that says it (`dubbo`, `tri-x`). */
function carriedAs({
  protocol = "",
  name,
}: Pick<ServiceEntryPort, "protocol" | "name">): ServiceEntryPort["carried"] | undefined {
  switch (protocol.toUpperCase()) {
    case "HTTP":
    case "HTTP2":
      return "http";
    case "GRPC":
    case "GRPC-WEB":
      return "tri";
    case "DUBBO":
      return "dubbo";
    case "":
    case "TCP": {
      const word = name.toLowerCase().split("-", 1)[0]!;
      if (word === "tri" || word === "grpc") return "tri";
      return word === "dubbo" || word === "http" ? word : undefined;
    }
    default:
      return undefined;
  }
}
