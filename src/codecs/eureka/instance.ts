import type { RawInstance } from "./document.ts";
import { isObject } from "./json.ts";
import { type EurekaStatus, eurekaStatus } from "./status.ts";

/** What a delta says was done to an instance. */
export type EurekaAction = "ADDED" | "MODIFIED" | "DELETED";

/** An instance as its readers need it. */
export interface EurekaInstance {
  /** `instanceId`, else the host's name. Unique within its application. */
  readonly id: string;
  /** Upper case. */
  readonly app: string;
  readonly hostName: string;
  readonly ipAddr: string;
  /** As the server counts it: after its override. */
  readonly status: EurekaStatus;
  /** 0 where it is none that can be. */
  readonly port: number;
  readonly isPortEnabled: boolean;
  readonly securePort: number;
  readonly isSecurePortEnabled: boolean;
  /** The names under which it is looked up; spaces and empty parts left out. */
  readonly vips: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Its data centre's availability zone, else the metadata's `zone`; `""` where neither is said. */
  readonly zone: string;
  /** When the server took its newest change, ms since 1970. */
  readonly lastUpdatedMs: number;
  /** When the instance itself changed last, ms since 1970. */
  readonly lastDirtyMs: number;
  readonly action: EurekaAction;
}

/** The statuses that an operator's override takes the place of; one that says of itself that it is down is (Eureka's DownOrStartingRule). */
const OVERRIDDEN: ReadonlySet<EurekaStatus> = new Set(["UP", "OUT_OF_SERVICE"]);

/** Reads an instance of an application; undefined where it has neither an id nor a host. Numbers and booleans may be text. */
export function readEurekaInstance(raw: RawInstance, app: string): EurekaInstance | undefined {
  const hostName = textOf(raw["hostName"]);
  const ipAddr = textOf(raw["ipAddr"]);
  const id = textOf(raw["instanceId"]) || hostName;
  if (id === "" || (hostName === "" && ipAddr === "")) return undefined;
  const metadata = metadataOf(raw["metadata"]);
  const centre = isObject(raw["dataCenterInfo"]) ? raw["dataCenterInfo"] : {};
  const override = eurekaStatus(raw["overriddenStatus"] ?? raw["overriddenstatus"]);
  const given = eurekaStatus(raw["status"] ?? "UP");
  const action = textOf(raw["actionType"]).toUpperCase();
  return {
    id,
    app: (app || textOf(raw["app"])).toUpperCase(),
    hostName: hostName || ipAddr,
    ipAddr: ipAddr || hostName,
    status: override !== "UNKNOWN" && OVERRIDDEN.has(given) ? override : given,
    ...portsOf(raw),
    vips: vipsOf(raw),
    metadata,
    zone: metadataOf(centre["metadata"])["availability-zone"] ?? metadata["zone"] ?? "",
    lastUpdatedMs: millis(raw["lastUpdatedTimestamp"]),
    lastDirtyMs: millis(raw["lastDirtyTimestamp"]),
    action: action === "DELETED" || action === "MODIFIED" ? action : "ADDED",
  };
}

/** The names that an instance is looked up by: those of its plain and its secure address list, each once whatever its case. */
function vipsOf(raw: RawInstance): readonly string[] {
  const byCase = new Map<string, string>();
  for (const part of `${textOf(raw["vipAddress"])},${textOf(raw["secureVipAddress"])}`.split(",")) {
    const name = part.trim();
    if (name !== "" && !byCase.has(name.toLowerCase())) byCase.set(name.toLowerCase(), name);
  }
  return [...byCase.values()];
}

function portsOf(
  raw: RawInstance,
): Pick<EurekaInstance, "port" | "isPortEnabled" | "securePort" | "isSecurePortEnabled"> {
  const plain = portOf(raw["port"], true);
  const secure = portOf(raw["securePort"], false);
  return {
    port: plain.port,
    isPortEnabled: plain.isEnabled,
    securePort: secure.port,
    isSecurePortEnabled: secure.isEnabled,
  };
}

function portOf(value: unknown, enabledUnlessSaid: boolean): { readonly port: number; readonly isEnabled: boolean } {
  const given = isObject(value) ? value["$"] : value;
  const port = Number(typeof given === "string" && given.trim() !== "" ? given.trim() : (given ?? 0));
  const enabled = isObject(value) ? value["@enabled"] : undefined;
  const isEnabled = enabled === undefined ? enabledUnlessSaid : `${enabled}`.toLowerCase() === "true";
  return { port: Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : 0, isEnabled };
}

/** Metadata whose values are text; keys that begin with `@` say what class it is in Java. */
function metadataOf(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, one]) => !key.startsWith("@") && one !== null && typeof one !== "object")
      .map(([key, one]) => [key, `${one}`]),
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.trim() : typeof value === "number" ? `${value}` : "";
}

function millis(value: unknown): number {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number > 0 ? number : 0;
}
