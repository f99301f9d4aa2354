/**
 * Instances of Curator's service discovery (curator-x-discovery), the data of `/services/{name}/{id}`, JSON in UTF-8:
 *
 *     {"name","id","address","port","sslPort","payload":{"@class","id","name","metadata":{}},
 *      "registrationTimeUTC","serviceType","uriSpec":{"parts":[{"value","variable"}]},"enabled"}
 *
 * `enabled` is written by some versions only. The payload's `@class` says whose instance it is: Spring Cloud and Dubbo 3
 * write different ones under the same root. Recorded: fixtures/registry/zk-spring-*.json, zk-3.3.6-instance.json.
 */

/** Longest node that is read, bytes; ZooKeeper itself holds no more than 1 MiB. */
export const MAX_INSTANCE_BYTES = 256 * 1024;
/** Most metadata of one instance that are read. */
export const MAX_INSTANCE_METADATA = 1_024;

/** The `@class` of an instance of Spring Cloud ZooKeeper (2021.0 to 2025.0 write the same). */
export const SPRING_INSTANCE = "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance";
/** The `@class` of an instance of Dubbo 2.7 and 3. */
export const DUBBO_INSTANCE = "org.apache.dubbo.registry.zookeeper.ZookeeperInstance";

/** What such a node says, as far as anybody here asks. */
export interface CuratorInstance {
  readonly name: string;
  readonly id: string;
  /** Host name or address. */
  readonly address: string;
  /** 0 where there is none. */
  readonly port: number;
  /** 0 where there is none; one that has it is called over TLS. */
  readonly sslPort: number;
  /** The payload's `@class`; `""` where there is none. */
  readonly payloadClass: string;
  /** The payload's metadata, texts. Has no prototype, so any key is safe to look up. */
  readonly metadata: Readonly<Record<string, string>>;
  /** When it was registered, ms since 1970; 0 where it does not say. */
  readonly registeredAtMs: number;
  /** False only where it says so. */
  readonly enabled: boolean;
}

/** What reading gave: the instance, or one lower-case sentence that says why there is none. */
export type InstanceReading =
  | { readonly type: "instance"; readonly instance: CuratorInstance }
  | { readonly type: "fault"; readonly message: string };

/** Reads a node's data. Never throws; `@class` chooses nothing here, it is only told. */
export function decodeCuratorInstance(bytes: Uint8Array): InstanceReading {
  if (bytes.length > MAX_INSTANCE_BYTES) {
    return fault(`instance of ${bytes.length} bytes is over the limit of ${MAX_INSTANCE_BYTES}`);
  }
  let read: unknown;
  try {
    read = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fault("instance is no JSON in UTF-8");
  }
  if (!isRecord(read)) return fault("instance is no JSON object");
  const address = textOf(read["address"]);
  if (address.length > 255 || !/^[A-Za-z0-9_.:%-]+$/.test(address)) return fault("instance has no usable address");
  const port = portOf(read["port"]);
  const sslPort = portOf(read["sslPort"]);
  if (port === undefined || sslPort === undefined || port + sslPort === 0) return fault("instance has no usable port");
  const payload = isRecord(read["payload"]) ? read["payload"] : {};
  const metadata = metadataOf(payload["metadata"]);
  if (metadata === undefined) return fault(`instance has over ${MAX_INSTANCE_METADATA} metadata`);
  const registeredAt = read["registrationTimeUTC"];
  return {
    type: "instance",
    instance: {
      name: textOf(read["name"]),
      id: textOf(read["id"]),
      address,
      port,
      sslPort,
      payloadClass: textOf(payload["@class"]),
      metadata,
      registeredAtMs:
        typeof registeredAt === "number" && Number.isSafeInteger(registeredAt) ? Math.max(0, registeredAt) : 0,
      enabled: read["enabled"] !== false,
    },
  };
}

/** What {@link encodeSpringInstance} and {@link encodeDubboInstance} write; everything else of such a node is always the same. */
export interface SpringInstance {
  readonly name: string;
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The node's data as Spring Cloud ZooKeeper writes it, field for field, registered at 0 (1970) and called over plain HTTP. */
export function encodeSpringInstance({ name, id, address, port, metadata }: SpringInstance): Uint8Array {
  const part = (value: string, variable: boolean) => ({ value, variable });
  return new TextEncoder().encode(
    JSON.stringify({
      name,
      id,
      address,
      port,
      sslPort: null,
      // The payload's id is the service's name, not the node's.
      payload: { "@class": SPRING_INSTANCE, id: name, name, metadata },
      registrationTimeUTC: 0,
      serviceType: "DYNAMIC",
      uriSpec: {
        parts: [part("scheme", true), part("://", false), part("address", true), part(":", false), part("port", true)],
      },
    }),
  );
}

/** The node's data as Dubbo 3 writes it (3.3.6 with Curator 5.1), registered at 0 (1970). */
export function encodeDubboInstance({ name, id, address, port, metadata }: SpringInstance): Uint8Array {
  const payload = { "@class": DUBBO_INSTANCE, id, name, metadata };
  const rest = { sslPort: null, payload, registrationTimeUTC: 0, serviceType: "DYNAMIC", uriSpec: null };
  return new TextEncoder().encode(JSON.stringify({ name, id, address, port, ...rest }));
}

function fault(message: string): InstanceReading {
  return { type: "fault", message };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** 0 where there is none, undefined where it is no port. */
function portOf(value: unknown): number | undefined {
  if (value === null || value === undefined) return 0;
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535 ? value : undefined;
}

/** Numbers and booleans as texts, for Spring writes what it was configured with; nothing else. Undefined where there are too many. */
function metadataOf(value: unknown): Record<string, string> | undefined {
  const metadata: Record<string, string> = Object.create(null);
  if (!isRecord(value)) return metadata;
  const entries = Object.entries(value);
  if (entries.length > MAX_INSTANCE_METADATA) return undefined;
  for (const [key, one] of entries) {
    if (typeof one === "string") metadata[key] = one;
    else if (typeof one === "number" || typeof one === "boolean") metadata[key] = String(one);
  }
  return metadata;
}
