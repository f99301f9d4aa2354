import type { PolicyRule, Rule, VirtualService } from "../../../model/rule.ts";
import type { DestinationRule, Subset } from "../../../model/rules/destination-rule.ts";
import type { GatewayRoute } from "../../../model/rules/gateway-route.ts";
import type { ExportTo, Located } from "../../../model/rules/located.ts";
import type { Report } from "../findings.ts";
import { quote } from "../schema.ts";
import { type ObjectMetadata, readGateway } from "./gateway-object.ts";
import { readServiceEntry, readWorkloadEntry } from "./service-entry-object.ts";
import { readSidecar } from "./sidecar-schema.ts";

/** Istio's kinds of the group `networking.istio.io`. */
export type NetworkingKind = Exclude<
  Rule["kind"],
  PolicyRule["kind"] | GatewayRoute["kind"] | "MetaRouter" | "RestMapping"
>;

/** The annotation by which a DestinationRule asks for Trestle's own balancer. */
export const BALANCER = "trestle.io/load-balancer";

type Read = (spec: Located & Record<string, unknown>, metadata: ObjectMetadata, report: Report) => object;

const READERS: Readonly<Record<NetworkingKind, Read>> = {
  VirtualService: readVirtualService,
  DestinationRule: readDestinationRule,
  Gateway: (spec, metadata, report) => readGateway(metadata, spec, report),
  ServiceEntry: (spec, _, report) => readServiceEntry(spec, report),
  WorkloadEntry: readWorkloadEntry,
  Sidecar: readSidecar,
};

/** Whether objects of a kind are of this group, and are taken. */
export function isNetworkingKind(kind: string): kind is NetworkingKind {
  return Object.hasOwn(READERS, kind);
}

/** What an object's spec says, as the model has it, beside what all rules have. */
export function readNetworking(
  kind: NetworkingKind,
  spec: Located & Record<string, unknown>,
  metadata: ObjectMetadata,
  report: Report,
): object {
  return READERS[kind](spec, metadata, report);
}

function readVirtualService(spec: Located & Record<string, unknown>): object {
  const {
    hosts = [],
    gateways = [],
    http = [],
    tls = [],
    tcp = [],
    exportTo = [],
  } = spec as unknown as Partial<VirtualService>;
  return {
    hosts,
    inMesh: gateways.length === 0 || gateways.includes("mesh"),
    gateways: gateways.filter((gateway) => gateway !== "mesh"),
    http,
    ...(tls.length > 0 && { tls }),
    ...(tcp.length > 0 && { tcp }),
    ...(exportTo.length > 0 && { exportTo }),
  };
}

interface DestinationSpec extends Pick<DestinationRule, "host" | "trafficPolicy"> {
  readonly subsets?: readonly Subset[];
  readonly exportTo?: ExportTo;
  readonly workloadSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
}

function readDestinationRule(
  spec: Located & Record<string, unknown>,
  { annotations }: ObjectMetadata,
  report: Report,
): object {
  const { host, subsets = [], trafficPolicy, exportTo = [], workloadSelector } = spec as unknown as DestinationSpec;
  const balancer = annotations?.[BALANCER];
  if (balancer !== undefined && balancer !== "PEAK_EWMA")
    report("TR0209", spec.at.position, `annotation ${BALANCER} is ${quote(balancer)}; it must be PEAK_EWMA`);
  const labels = workloadSelector?.matchLabels ?? {};
  return {
    host,
    subsets,
    ...(trafficPolicy !== undefined && { trafficPolicy }),
    ...(exportTo.length > 0 && { exportTo }),
    ...(Object.keys(labels).length > 0 && { workloadSelector: labels }),
    ...(balancer === "PEAK_EWMA" && { balancer }),
  };
}
