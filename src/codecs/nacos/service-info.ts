/**
 * A Nacos service and its instances, as gRPC messages (`serviceInfo`), HTTP answers and UDP pushes of 1.x to 3.x have them:
 *
 *     ServiceInfo  name groupName clusters cacheMillis hosts[] lastRefTime checksum allIPs reachProtectionThreshold valid
 *     Instance     instanceId ip port weight healthy enabled ephemeral clusterName serviceName metadata{}
 *                  instanceHeartBeatInterval instanceHeartBeatTimeOut ipDeleteTimeout
 *
 * HTTP has the group in front of the name (`G@@name`), gRPC beside it. The instanceId's form differs by client: it is never read.
 * Reference: Nacos 2.3.2 with clients 1.4 to 3.0, seen; alibaba/nacos api naming/pojo.
 */
import { doubleOf, flagOf, isRecord, listOf, type NacosBody, recordOf, textOf, wholeOf } from "./body.ts";

/** The group of what names none. */
export const DEFAULT_GROUP = "DEFAULT_GROUP";
/** The cluster of what names none. */
export const DEFAULT_CLUSTER = "DEFAULT";
/** The namespace whose id is empty, or this. */
export const PUBLIC_NAMESPACE = "public";

const MAX_METADATA_KEYS = 1_024;
const MAX_METADATA_CHARS = 256 * 1_024;
/** Longest name of a service, a group or an address that is taken. */
const MAX_NAME_CHARS = 512;

/** One instance. */
export interface NacosInstance {
  readonly instanceId: string;
  /** IP address or host name. */
  readonly ip: string;
  /** 0 to 65535. */
  readonly port: number;
  /** As it came: may be NaN, negative or huge; 1 unless said. */
  readonly weight: number;
  readonly healthy: boolean;
  readonly enabled: boolean;
  readonly ephemeral: boolean;
  /** `DEFAULT` unless said. */
  readonly clusterName: string;
  /** Grouped, where it is there at all. */
  readonly serviceName: string;
  /** Without a prototype. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A service with its instances. */
export interface NacosServiceInfo {
  /** Without the group. */
  readonly name: string;
  readonly groupName: string;
  /** The clusters that were asked for, joined by commas; empty for all. */
  readonly clusters: string;
  readonly cacheMillis: number;
  readonly hosts: readonly NacosInstance[];
  /** When the list was made, ms since 1970; 0 where it did not say. */
  readonly lastRefTime: number;
  readonly checksum: string;
  readonly allIPs: boolean;
  /** So many are unhealthy that all are given as healthy. */
  readonly reachProtectionThreshold: boolean;
}

/** A service as read, with what of it was left out. */
export interface ServiceInfoReading {
  readonly info: NacosServiceInfo;
  /** Instances that are none: no object, no address, a port out of range. */
  readonly unreadable: number;
  /** Instances over the limit. */
  readonly over: number;
}

/** Splits `G@@name`; without a group it is `DEFAULT_GROUP`'s, or `group`'s. */
export function splitGroupedName(text: string, group: string = DEFAULT_GROUP): { group: string; name: string } {
  const at = text.indexOf("@@");
  if (at < 0) return { group: group === "" ? DEFAULT_GROUP : group, name: text };
  return { group: text.slice(0, at) || DEFAULT_GROUP, name: text.slice(at + 2) };
}

/** Joins what {@link splitGroupedName} splits. */
export function groupedName(group: string, name: string): string {
  return `${group === "" ? DEFAULT_GROUP : group}@@${name}`;
}

/** Reads a service, at most `maxHosts` of its instances; undefined for what is no object or has no usable name. */
export function readServiceInfo(value: unknown, maxHosts: number): ServiceInfoReading | undefined {
  if (!isRecord(value)) return undefined;
  // 1.x answers have `dom` beside or instead of it.
  const { group, name } = splitGroupedName(textOf(value, "name") || textOf(value, "dom"), textOf(value, "groupName"));
  if (name === "" || name.length > MAX_NAME_CHARS || group.length > MAX_NAME_CHARS) return undefined;
  const list = listOf(value, "hosts");
  const hosts: NacosInstance[] = [];
  let unreadable = 0;
  for (const one of list.slice(0, maxHosts)) {
    const instance = readInstance(one);
    if (instance === undefined) unreadable++;
    else hosts.push(instance);
  }
  const info = {
    name,
    groupName: group,
    clusters: textOf(value, "clusters"),
    cacheMillis: wholeOf(value, "cacheMillis", 10_000),
    hosts,
    lastRefTime: wholeOf(value, "lastRefTime", 0),
    checksum: textOf(value, "checksum"),
    allIPs: flagOf(value, "allIPs", false),
    reachProtectionThreshold: flagOf(value, "reachProtectionThreshold", false),
  };
  return { info, unreadable, over: Math.max(0, list.length - maxHosts) };
}

/** Reads an instance; undefined for what is no object, or has no usable address or port. */
export function readInstance(value: unknown): NacosInstance | undefined {
  if (!isRecord(value)) return undefined;
  const ip = textOf(value, "ip").trim();
  const port = wholeOf(value, "port", -1);
  if (ip === "" || ip.length > MAX_NAME_CHARS || /[\s/\u0000-\u001f\u007f]/.test(ip) || port < 0 || port > 65_535)
    return undefined;
  return {
    instanceId: textOf(value, "instanceId"),
    ip,
    port,
    weight: doubleOf(value, "weight", 1),
    // 1.0 wrote `valid` for healthy.
    healthy: flagOf(value, "healthy", flagOf(value, "valid", true)),
    enabled: flagOf(value, "enabled", true),
    ephemeral: flagOf(value, "ephemeral", true),
    clusterName: textOf(value, "clusterName") || DEFAULT_CLUSTER,
    serviceName: textOf(value, "serviceName"),
    metadata: readMetadata(recordOf(value, "metadata")),
  };
}

/** The JSON object of a service: with the group in front of its name for HTTP, beside it for gRPC. */
export function serviceInfoBody(info: NacosServiceInfo, form: "grpc" | "http" = "grpc"): NacosBody {
  const { name, groupName, clusters, cacheMillis, hosts, lastRefTime, checksum, allIPs, reachProtectionThreshold } =
    info;
  return {
    name: form === "http" ? groupedName(groupName, name) : name,
    ...{ groupName, clusters, cacheMillis },
    hosts: hosts.map(instanceBody),
    ...{ lastRefTime, checksum, allIPs, reachProtectionThreshold, valid: true },
  };
}

/** The JSON object of an instance, with the server's default times. */
export function instanceBody(instance: NacosInstance): NacosBody {
  const { weight } = instance;
  return {
    ...instance,
    // As Jackson prints what JSON has no number for.
    weight: Number.isFinite(weight) ? weight : String(weight),
    metadata: { ...instance.metadata },
    instanceHeartBeatInterval: millis(instance, "preserved.heart.beat.interval", 5_000),
    instanceHeartBeatTimeOut: millis(instance, "preserved.heart.beat.timeout", 15_000),
    ipDeleteTimeout: millis(instance, "preserved.ip.delete.timeout", 30_000),
  };
}

function millis({ metadata }: NacosInstance, key: string, fallback: number): number {
  const text = metadata[key];
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : fallback;
}

/** Texts as they are, numbers and booleans as they print, others left out; so is what is over the limits. */
function readMetadata(value: NacosBody | undefined): Readonly<Record<string, string>> {
  const metadata = Object.create(null) as Record<string, string>;
  if (value === undefined) return metadata;
  let chars = 0;
  for (const key of Object.keys(value).slice(0, MAX_METADATA_KEYS)) {
    const found = value[key];
    if (typeof found !== "string" && typeof found !== "number" && typeof found !== "boolean") continue;
    const text = String(found);
    chars += key.length + text.length;
    if (chars > MAX_METADATA_CHARS) break;
    metadata[key] = text;
  }
  return metadata;
}
