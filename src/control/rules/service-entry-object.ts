import type { Located, ServiceEntry, ServiceEntryPort } from "../../model/rule.ts";
import type { Report } from "./findings.ts";
import { anyText, anything, exactHost, listOf, text, textMap, whole } from "./istio-values.ts";
import { quote, type ReadContext, type ReadObject } from "./schema.ts";
import { meaningless, notYet, object } from "./shapes.ts";

const MAX_WEIGHT = 2_147_483_647;

const port = object({
  number: { shape: whole(1, 65_535), required: true },
  name: { shape: text, required: true },
  protocol: { shape: anyText },
  targetPort: { shape: whole(1, 65_535) },
});

const endpoint = object(
  {
    address: { shape: text, required: true },
    ports: { shape: { type: "map", of: whole(1, 65_535) } },
    labels: { shape: textMap },
    weight: { shape: whole(0, MAX_WEIGHT) },
    locality: notYet("endpoints are chosen whatever their locality"),
    network: notYet("endpoints are called at their own addresses"),
    serviceAccount: notYet("calls to endpoints are sent in plain text"),
  },
  { into: checkAddress },
);

/** What the spec of a ServiceEntry must be. */
export const serviceEntrySpec = object({
  hosts: { shape: listOf(exactHost, 1), required: true },
  ports: { shape: listOf(port, 1), required: true },
  resolution: { shape: { type: "choice", of: ["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"] } },
  location: { shape: { type: "choice", of: ["MESH_EXTERNAL", "MESH_INTERNAL"] } },
  endpoints: { shape: listOf(endpoint) },
  addresses: meaningless("callers know the proxy's address alone", listOf(text)),
  exportTo: meaningless("rules of one instance hold for all its callers", listOf(text)),
  workloadSelector: notYet("list the endpoints"),
  subjectAltNames: notYet("calls to endpoints are sent in plain text"),
  status: { shape: anything },
});

/** An IP address or a DNS name, without a port. */
function checkAddress(value: ReadObject, context: ReadContext, path: string): ReadObject | undefined {
  const address = value.address as string;
  if (
    address.length <= 253 &&
    /^(?:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)$/.test(address)
  )
    return value;
  const why = address.startsWith("unix:") ? "Unix sockets are not called" : "it must be an IP address or a DNS name";
  context.report(
    "TR0209",
    value.at.fields.address ?? value.at.position,
    `${path}.address is ${quote(address)}; ${why}`,
  );
  return undefined;
}

interface Spec extends Located {
  readonly hosts: readonly string[];
  readonly ports: readonly (Located & Omit<ServiceEntryPort, "carried">)[];
  readonly resolution?: string;
  readonly endpoints?: ServiceEntry["endpoints"];
}

/** A ServiceEntry's spec as the model has it; ports that are not carried, and an object whose endpoints nothing tells, are reported. */
export function readServiceEntry(
  spec: Located & Record<string, unknown>,
  report: Report,
): Pick<ServiceEntry, "hosts" | "ports" | "byName" | "endpoints"> {
  const { hosts, ports, resolution = "NONE", endpoints = [] } = spec as unknown as Spec;
  const byName = resolution.includes("DNS") && endpoints.length === 0;
  if (resolution === "NONE")
    report(
      "TR0228",
      spec.at.fields.resolution ?? spec.at.position,
      "resolution NONE is not applied: where a call goes is for STATIC endpoints or a DNS name to say",
    );
  const carried: ServiceEntryPort[] = [];
  for (const { at, ...one } of ports) {
    const protocol = carriedAs(one);
    const why =
      protocol === undefined
        ? `protocol ${one.protocol || "TCP"} is not carried; it must be HTTP, GRPC or DUBBO`
        : carried.some((other) => other.carried === protocol)
          ? "a service has one port for each protocol, the first"
          : undefined;
    if (why === undefined) carried.push({ ...one, carried: protocol! });
    else report("TR0228", at.fields.number ?? at.position, `port ${one.number} is left out: ${why}`);
  }
  return { hosts, ports: carried, byName, endpoints: resolution === "NONE" ? [] : endpoints };
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
