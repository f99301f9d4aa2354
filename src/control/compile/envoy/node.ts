import type { ProtoJson } from "../targets.ts";

/** The key of an xDS node's metadata under which Trestle's own settings stand. */
export const NODE_SETTINGS = "TRESTLE";

/** What an Envoy says of itself, as far as its listeners depend on it. */
export interface EnvoyNode {
  readonly role: "sidecar" | "gateway";
  /** The address that a sidecar's listeners are bound to. */
  readonly bind: string;
  /** The port for calls of all Dubbo services; 0 for none. */
  readonly dubboPort: number;
  /** Ports of services that are listened on; undefined for all. */
  readonly ports: readonly number[] | undefined;
  /** Of its pod or process: Gateways choose by them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What an xDS node says, as far as it is read here. */
export interface NodeText {
  readonly id?: string;
  readonly metadata?: ProtoJson;
}

/**
 * Reads an Envoy's node. Its id is Istio's `ROLE~ADDRESS~NAME~DOMAIN`: `router` is a gateway, all else a sidecar. Metadata `TRESTLE` may
 * say `bind`, `dubboPort` and `ports`; what is no address or port is passed over.
 */
export function envoyNode({ id = "", metadata = {} }: NodeText): EnvoyNode {
  const role = id.startsWith("router~") ? "gateway" : "sidecar";
  const own = record(metadata[NODE_SETTINGS]);
  const { bind, dubboPort, ports } = own;
  return {
    role,
    bind:
      typeof bind === "string" && /^[0-9A-Fa-f.:]{2,45}$/.test(bind)
        ? bind
        : role === "gateway"
          ? "0.0.0.0"
          : "127.0.0.1",
    dubboPort: dubboPort === 0 || isPort(dubboPort) ? dubboPort : 20_880,
    ports: Array.isArray(ports) ? ports.filter(isPort) : undefined,
    labels: Object.fromEntries(
      Object.entries(record(metadata["LABELS"])).filter(
        (label): label is [string, string] => typeof label[1] === "string",
      ),
    ),
  };
}

function record(value: unknown): ProtoJson {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as ProtoJson) : {};
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65_536;
}
