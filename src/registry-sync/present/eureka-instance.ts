import type { RawInstance } from "../../codecs/eureka/document.ts";
import type { EurekaInstance } from "../../codecs/eureka/instance.ts";
import { isObject } from "../../codecs/eureka/json.ts";
import type { EurekaStatus } from "../../codecs/eureka/status.ts";
import { INBOUND_LABELS } from "../../model/inbound.ts";
import type { ShownPlace } from "./shown-place.ts";

/** A real instance, read and as it came. */
export interface RealInstance {
  readonly read: EurekaInstance;
  readonly raw: RawInstance;
}

/** The id of the one instance that stands for a service that is led; it depends on the name alone. */
export function ledInstanceId(service: string): string {
  return `trestle:${service}`;
}

const PAGES = ["homePageUrl", "statusPageUrl", "healthCheckUrl"] as const;
const DEFAULT_CENTRE = { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" };

/**
 * The one instance that stands for those of an application that serve a service: at the proxy, UP while one of them is, with the
 * metadata on which all agree, and pages on the application's port at the proxy. Its times move only when one of theirs does.
 */
export function ledInstance(service: string, members: readonly RealInstance[], place: ShownPlace): RawInstance {
  const up = members.filter(({ read }) => read.status === "UP");
  const counted = up.length > 0 ? up : members;
  const statuses = members.map(({ read }) => read.status).sort();
  const first = counted[0]!;
  const latest = (field: "lastUpdatedMs" | "lastDirtyMs") =>
    `${members.reduce((most, { read }) => Math.max(most, read[field]), 0)}`;
  const registered = counted.reduce((least, { read }) => Math.min(least, read.lastDirtyMs), first.read.lastDirtyMs);
  const centres = counted.map(({ raw }) => JSON.stringify(raw["dataCenterInfo"]));
  const isOneCentre = isObject(first.raw["dataCenterInfo"]) && centres.every((text) => text === centres[0]);
  return {
    instanceId: ledInstanceId(service),
    ...placeFields(place),
    app: first.read.app,
    status: up.length > 0 ? "UP" : statuses[0]!,
    countryId: 1,
    dataCenterInfo: isOneCentre && centres[0]!.includes('"MyOwn"') ? first.raw["dataCenterInfo"] : DEFAULT_CENTRE,
    leaseInfo: leaseSince(registered),
    metadata: agreedMetadata(counted, place),
    ...agreedPages(counted, place),
    ...vipFields(service),
    lastUpdatedTimestamp: latest("lastUpdatedMs"),
    lastDirtyTimestamp: latest("lastDirtyMs"),
    actionType: "ADDED",
  };
}

/** The one instance that stands for a service which the list has no instance of; ports of its instances' management lead past it. */
export function elsewhereInstance(
  service: string,
  metadata: Readonly<Record<string, string>>,
  status: EurekaStatus,
  place: ShownPlace,
): RawInstance {
  const { "management.port": _, ...others } = metadata;
  return {
    instanceId: ledInstanceId(service),
    ...placeFields(place),
    app: service.toUpperCase(),
    status,
    countryId: 1,
    dataCenterInfo: DEFAULT_CENTRE,
    leaseInfo: leaseSince(0),
    metadata: others,
    ...vipFields(service),
    lastUpdatedTimestamp: "0",
    lastDirtyTimestamp: "0",
    actionType: "ADDED",
  };
}

/** An instance as it registered itself, shown at the proxy: what an application is told of itself. */
export function ownInstance({ read, raw }: RealInstance, place: ShownPlace): RawInstance {
  const { "management.port": _, ...metadata } = agreedMetadata([{ read, raw }], place);
  const bare: Record<string, unknown> = { ...raw, ...placeFields(place) };
  for (const page of [...PAGES, "secureHealthCheckUrl"]) delete bare[page];
  return {
    ...bare,
    overriddenStatus: raw["overriddenStatus"] ?? "UNKNOWN",
    metadata: { ...metadata, "management.port": `${place.port}` },
    ...agreedPages([{ read, raw }], place),
  };
}

function placeFields({ hostName, address, port }: ShownPlace): RawInstance {
  return {
    hostName,
    ipAddr: address,
    overriddenStatus: "UNKNOWN",
    port: { $: port, "@enabled": "true" },
    securePort: { $: 443, "@enabled": "false" },
  };
}

function vipFields(service: string): RawInstance {
  return { vipAddress: service, secureVipAddress: service, isCoordinatingDiscoveryServer: "false" };
}

function leaseSince(ms: number): RawInstance {
  return {
    renewalIntervalInSecs: 30,
    durationInSecs: 90,
    registrationTimestamp: ms,
    lastRenewalTimestamp: ms,
    evictionTimestamp: 0,
    serviceUpTimestamp: ms,
  };
}

/** What says something of an instance's own port. */
const OF_ONE_PORT: readonly string[] = ["management.port", ...INBOUND_LABELS];

/** Ports of a management interface that is the application's own are the proxy's; others lead past it and are left out. */
function agreedMetadata(members: readonly RealInstance[], { port }: ShownPlace): Record<string, string> {
  const [first, ...others] = members.map(({ read }) => read.metadata);
  const agreed = Object.entries(first!).filter(
    ([key, value]) => !OF_ONE_PORT.includes(key) && others.every((metadata) => metadata[key] === value),
  );
  const isManaged = members.every(({ read }) => read.metadata["management.port"] === `${calledPort(read)}`);
  return Object.fromEntries(isManaged ? [...agreed, ["management.port", `${port}`]] : agreed);
}

function calledPort({ isSecurePortEnabled, securePort, port }: EurekaInstance): number {
  return isSecurePortEnabled ? securePort : port;
}

/** The pages that all have on their own port, under the same path, as they are at the proxy. */
export function agreedPages(
  members: readonly RealInstance[],
  { hostName, port }: Pick<ShownPlace, "hostName" | "port">,
): RawInstance {
  const pages: [string, string][] = [];
  for (const page of PAGES) {
    const paths = members.map(({ read, raw }) => pathOf(raw[page], calledPort(read)));
    if (paths[0] !== undefined && paths.every((path) => path === paths[0]))
      pages.push([page, `http://${hostName.includes(":") ? `[${hostName}]` : hostName}:${port}${paths[0]}`]);
  }
  return Object.fromEntries(pages);
}

/** Path and query of a URL on that port. */
function pathOf(url: unknown, port: number): string | undefined {
  const [, scheme, given, path] = /^(https?):\/\/[^/?#]*?(?::([0-9]+))?(\/[^#]*)?$/.exec(`${url ?? ""}`) ?? [];
  if (scheme === undefined || Number(given ?? (scheme === "https" ? 443 : 80)) !== port) return undefined;
  return path ?? "/";
}
