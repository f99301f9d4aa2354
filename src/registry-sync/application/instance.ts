import { decodeCuratorInstance, SPRING_INSTANCE } from "../../codecs/zookeeper/curator-instance.ts";
import type { ApplicationInstance, InstancePort, MetadataPlace } from "../../model/application.ts";
import { isIpv6 } from "../dubbo/url.ts";
import { jsonIn, objectIn, portOf, textOf } from "./json.ts";

/**
 * What a registry says of an application-level instance, read. Metadata keys (apache/dubbo 3.3 ServiceInstanceMetadataUtils):
 *
 * | key | value |
 * |---|---|
 * | `dubbo.metadata.revision` | 32 hex digits of Java, 128 of dubbo-go; `0`: nothing exported; missing in 2.7 and before anything is exported |
 * | `dubbo.metadata.storage-type` | `local` (ask the instance) or `remote` (ask the metadata centre) |
 * | `dubbo.metadata-service.url-params` | JSON text: flat (3.x), or one object for each protocol (2.7) |
 * | `dubbo.endpoints` | JSON text: `[{"port":20880,"protocol":"dubbo"}]` |
 * | `meta-v` | version of the MetadataService, 3.3 only |
 */

/** The metadata key of a revision. */
export const REVISION = "dubbo.metadata.revision";
/** The metadata key that says who knows the revision's services. */
export const STORAGE_TYPE = "dubbo.metadata.storage-type";
/** The metadata key of the place where the instance answers for its metadata. */
export const URL_PARAMS = "dubbo.metadata-service.url-params";
/** The metadata key of the ports by protocol. */
export const ENDPOINTS = "dubbo.endpoints";
/** The metadata key of the MetadataService's version. */
export const META_VERSION = "meta-v";

const LONE = "instance:";

/**
 * Whether a revision is one that Trestle gave to an instance of 2.7, which says none: it stands for what that instance exports since it
 * was registered, and nobody else knows it.
 */
export function isLoneRevision(revision: string): boolean {
  return revision.startsWith(LONE);
}

/** Most characters of one metadata value that is JSON itself; a real one has less than 1,000. */
const MAX_VALUE_CHARS = 64 * 1024;
const MAX_PORTS = 64;

/** What reading gave: an instance; `other` for what is no Dubbo instance (Spring Cloud's stand in the same place); or why there is none. */
export type InstanceReading =
  | { readonly type: "instance"; readonly instance: ApplicationInstance }
  | { readonly type: "other" }
  | { readonly type: "fault"; readonly message: string };

/** An instance as any registry has it, before its metadata is read. */
export interface ListedInstance extends Pick<ApplicationInstance, "id" | "address" | "port"> {
  readonly metadata: Readonly<Record<string, string>>;
  /** Of registries that have weights; 100 unless said. */
  readonly weight?: number;
  readonly disabled?: boolean;
  /** When it was registered, ms since 1970, where the registry says. */
  readonly registeredAtMs?: number;
}

/** Whether metadata is that of a Dubbo instance at application level. */
export function saysApplicationLevel(metadata: Readonly<Record<string, string>>): boolean {
  return [REVISION, URL_PARAMS, ENDPOINTS, STORAGE_TYPE].some((key) => metadata[key] !== undefined);
}

/**
 * Whether an instance that is called at this port is Dubbo's own, where Spring Cloud's say of themselves in the same place what they
 * like: one of Spring Cloud whose metadata names Dubbo's ports is called at another one.
 */
export function isRegisteredByDubbo(metadata: Readonly<Record<string, string>>, port: number): boolean {
  if (metadata[REVISION] === undefined) return false;
  const ports = portsIn(metadata[ENDPOINTS] ?? "");
  return ports.length === 0 || ports.some((one) => one.port === port);
}

/** Reads an instance that any registry lists. Never throws. */
export function readInstance(listed: ListedInstance): InstanceReading {
  const { id, address, port, metadata } = listed;
  if (!saysApplicationLevel(metadata)) return { type: "other" };
  if (!isHost(address)) return fault(`instance has no usable address: "${address.slice(0, 60)}"`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return fault(`instance has no usable port: "${port}"`);
  const said = metadata[REVISION] ?? "";
  if (said.length > 256 || /[^\w.:-]/.test(said) || isLoneRevision(said)) {
    return fault(`instance has no usable revision: "${said.slice(0, 60)}"`);
  }
  const place = placeIn(metadata[URL_PARAMS] ?? "", metadata[META_VERSION] ?? "");
  const lone = place === undefined ? "" : `${LONE}${address}:${port}:${listed.registeredAtMs ?? 0}`;
  return {
    type: "instance",
    instance: {
      id,
      address,
      port,
      revision: said === "" ? lone : said,
      storage: metadata[STORAGE_TYPE] === "remote" ? "remote" : "local",
      ports: portsIn(metadata[ENDPOINTS] ?? ""),
      metadata: place,
      disabled: listed.disabled ?? false,
      weight: listed.weight ?? 100,
      params: metadata,
    },
  };
}

/**
 * Reads the data of a node `/services/{application}/{id}` in ZooKeeper, as Curator's service discovery writes it; an instance of Spring
 * Cloud's is `other`, and so is a node without data. Never throws.
 */
export function readInstanceNode(id: string, bytes: Uint8Array): InstanceReading {
  if (bytes.length === 0) return { type: "other" };
  const reading = decodeCuratorInstance(bytes);
  if (reading.type === "fault") return reading;
  const { payloadClass, address, port, metadata, enabled, registeredAtMs } = reading.instance;
  if (payloadClass === SPRING_INSTANCE) return { type: "other" };
  return readInstance({ id, address, port, metadata, disabled: !enabled, registeredAtMs });
}

/** The port on which an instance is called in a protocol where the service does not say: its endpoint's, else its own. */
export function portFor({ ports, port }: ApplicationInstance, protocol: string): number {
  return ports.find((one) => one.protocol === protocol)?.port ?? port;
}

function portsIn(text: string): readonly InstancePort[] {
  const list = text === "" ? undefined : jsonIn(text, MAX_VALUE_CHARS);
  if (!Array.isArray(list)) return [];
  return list.slice(0, MAX_PORTS).flatMap((node) => {
    if (!(node instanceof Map)) return [];
    const protocol = textOf(node.get("protocol"));
    const port = portOf(node.get("port"));
    return protocol === "" || port === 0 ? [] : [{ protocol, port }];
  });
}

function placeIn(text: string, version: string): MetadataPlace | undefined {
  const node = text === "" ? undefined : objectIn(text, MAX_VALUE_CHARS);
  if (node === undefined) return undefined;
  const port = portOf(node.get("port"));
  if (port > 0) {
    const named = textOf(node.get("version")) || version;
    return { protocol: textOf(node.get("protocol")) || "dubbo", port, version: named || "1.0.0" };
  }
  for (const protocol of ["dubbo", "tri"]) {
    const nested = node.get(protocol);
    const nestedPort = nested instanceof Map ? portOf(nested.get("port")) : 0;
    if (nested instanceof Map && nestedPort > 0) {
      return { protocol, port: nestedPort, version: textOf(nested.get("version")) || "1.0.0" };
    }
  }
  return undefined;
}

function isHost(text: string): boolean {
  if (text === "" || text === "0.0.0.0" || text === "::" || text.length > 255) return false;
  return text.includes(":") ? isIpv6(text) : /^[\w.-]+$/.test(text);
}

function fault(message: string): InstanceReading {
  return { type: "fault", message };
}
