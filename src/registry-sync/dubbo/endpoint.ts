import type { Endpoint } from "../../model/entry.ts";
import { type ServiceKey, serviceKey } from "../../model/service.ts";
import { type DubboUrl, decodedParam, param } from "./url.ts";

/** Dubbo's own defaults (apache/dubbo 3.3 Constants: DEFAULT_WEIGHT, DEFAULT_WARMUP). */
export const DEFAULT_WEIGHT = 100;
/** How long a provider that says nothing of it takes to reach its full weight, from when it started. */
export const DEFAULT_WARMUP_MS = 600_000;

const MAX_JAVA_INT = 2_147_483_647;
/** Below this a timestamp can only be seconds (1973 in ms): dubbo-go writes `time.Now().Unix()`. */
const LEAST_TIMESTAMP_MS = 100_000_000_000;

/** The key of the service that a URL in an interface's directory offers or asks for; 2.6's `default.` forms count. */
export function serviceKeyOf(interfaceName: string, url: DubboUrl): ServiceKey {
  return serviceKey(interfaceName, param(url, "group"), param(url, "version"));
}

/**
 * The endpoint that a provider's URL stands for, after overrides were merged into its parameters.
 * A number that cannot be read gives its default and is told to `onUnreadable` by its key.
 */
export function endpointOf(url: DubboUrl, origin: string, onUnreadable: (key: string) => void): Endpoint {
  const whole = (key: string, fallback: number, most = Number.MAX_SAFE_INTEGER) =>
    readWhole(url, key, fallback, most, onUnreadable);
  const weight = whole("weight", DEFAULT_WEIGHT, MAX_JAVA_INT);
  const startedAt = whole("timestamp", 0);
  return {
    address: url.host,
    port: url.port,
    protocol: url.protocol,
    weight: weight === 0 && isDubboGo(url) ? DEFAULT_WEIGHT : Math.max(0, weight),
    startedAtMs: startedAt > 0 && startedAt < LEAST_TIMESTAMP_MS ? startedAt * 1_000 : Math.max(0, startedAt),
    warmupMs: Math.max(0, whole("warmup", DEFAULT_WARMUP_MS, MAX_JAVA_INT)),
    tag: decodedParam(url, "dubbo.tag"),
    disabled: isDisabled(url),
    token: decodedParam(url, "token"),
    payloadBytes: Math.max(0, whole("payload", 0, MAX_JAVA_INT)),
    params: url.params,
    origin,
  };
}

/** Orders endpoints by address, port and protocol, as entries keep them. */
export function compareEndpoints(a: Endpoint, b: Endpoint): number {
  return compareText(a.address, b.address) || a.port - b.port || compareText(a.protocol, b.protocol);
}

/** Names an endpoint within its service: `protocol://address:port`. */
export function endpointId(endpoint: Pick<Endpoint, "protocol" | "address" | "port">): string {
  return `${endpoint.protocol}://${endpoint.address}:${endpoint.port}`;
}

/** Orders texts by UTF-16 code units, the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `disabled` decides where it is said, else `enabled` (apache/dubbo 3.3 RegistryDirectory.toInvokers). */
function isDisabled(url: DubboUrl): boolean {
  const disabled = param(url, "disabled");
  return disabled === "" ? param(url, "enabled") === "false" : disabled === "true";
}

/** dubbo-go 3.3 registers `weight=0` where none was set and means its default. */
function isDubboGo(url: DubboUrl): boolean {
  return param(url, "release").startsWith("dubbo-golang");
}

function readWhole(
  url: DubboUrl,
  key: string,
  fallback: number,
  most: number,
  onUnreadable: (key: string) => void,
): number {
  const text = param(url, key);
  if (text === "") return fallback;
  const value = /^[+-]?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value <= most) return value;
  onUnreadable(key);
  return fallback;
}
