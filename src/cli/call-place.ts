import type { SchemaView } from "../control/admin/schema-views.ts";
import type { ServiceView } from "../control/admin/views.ts";
import { parseServiceKey, printServiceKey, type ServiceKey } from "../model/service.ts";
import type { CallOptions } from "./call-options.ts";
import type { CallAddress, CallScheme } from "./call-target.ts";
import { parseAddress } from "./config/address.ts";
import type { ProviderAddress, ProviderScheme } from "./dubbo/registry.ts";

/** Finds who provides a service by one of the protocols; a registry's URL and the service in, addresses out. */
export type FindProviders = (
  registry: string,
  service: ServiceKey,
  schemes: readonly ProviderScheme[],
  timeoutMs: number,
) => Promise<readonly ProviderAddress[]>;

/** Asks a running instance's admin API: its address, a path, and how long to wait; the answer's JSON out. */
export type AskAdmin = (admin: string, path: string, timeoutMs: number) => Promise<unknown>;

/** Where a service is called that was named without an address. */
export interface CallPlace {
  readonly address: CallAddress;
  readonly service: ServiceKey;
  /** A FileDescriptorSet, base64, of the service's messages, where the instance that was asked knows them; of gRPC calls alone. */
  readonly descriptors?: string;
}

type PlaceOptions = Pick<CallOptions, "registry" | "admin" | "protocol" | "oneWay" | "timeout">;

/**
 * Where a service that was named is called: at one of its providers in a registry, by chance, or through the proxy of a running instance. Throws an
 * `Error` with one line where neither has it.
 */
export function findPlace(
  service: ServiceKey,
  options: PlaceOptions,
  find: FindProviders,
  ask: AskAdmin,
): Promise<CallPlace> {
  return options.admin === undefined
    ? placeInRegistry(service, options, find)
    : placeAtProxy(service, options.admin, options, ask);
}

/** What a provider has to speak for a call in a protocol: gRPC and JSON are taken at Triple's port. */
const SCHEMES: Readonly<Record<CallScheme, readonly ProviderScheme[]>> = {
  dubbo: ["dubbo"],
  tri: ["tri"],
  grpc: ["tri"],
  http: ["tri"],
};

async function placeInRegistry(
  service: ServiceKey,
  { registry, protocol, oneWay, timeout }: PlaceOptions,
  find: FindProviders,
): Promise<CallPlace> {
  const wanted = protocol ?? (oneWay === true ? "dubbo" : undefined);
  const schemes = wanted === undefined ? (["dubbo", "tri"] as const) : SCHEMES[wanted];
  const providers = await find(registry!, service, schemes, timeout);
  const provider = providers[Math.floor(Math.random() * providers.length)];
  if (provider === undefined) {
    const hint = protocol === "grpc" || protocol === "http" ? `, which --protocol ${protocol} calls,` : "";
    const { interface: name } = service;
    throw new Error(
      `the registry lists no ${schemes.join(" or ")} provider of ${name}${hint} in that group and version`,
    );
  }
  return { address: { ...provider, scheme: protocol ?? provider.scheme }, service };
}

/** Of what an instance says of itself: as docs/admin-api.md has it. */
interface InstanceStatus {
  readonly workers: readonly { readonly state: string; readonly addresses: readonly string[] }[];
}

async function placeAtProxy(
  named: ServiceKey,
  admin: string,
  { protocol, oneWay, timeout }: PlaceOptions,
  ask: AskAdmin,
): Promise<CallPlace> {
  const { services } = (await ask(admin, "/api/v1/services", timeout)) as { services: readonly ServiceView[] };
  const service = knownService(named, services);
  const { workers } = (await ask(admin, "/api/v1/status", timeout)) as InstanceStatus;
  const listening = workers.filter(({ state }) => state === "serving").flatMap(({ addresses }) => addresses);
  const scheme = protocol ?? (oneWay === true || listening.some((text) => !text.includes("://")) ? "dubbo" : "tri");
  const place = { address: proxyAddress(listening, scheme), service };
  if (scheme !== "grpc") return place;
  const query = encodeURIComponent(service.interface);
  const { schemas } = (await ask(admin, `/api/v1/schemas?service=${query}`, timeout)) as {
    schemas: readonly SchemaView[];
  };
  const descriptors = schemas[0]?.protobuf;
  return descriptors === undefined ? place : { ...place, descriptors };
}

/** The service that is meant: with its group and version where they were not said, and one alone has that interface. */
function knownService(named: ServiceKey, services: readonly ServiceView[]): ServiceKey {
  const keys = services.map(({ service }) => parseServiceKey(service));
  const sameName = keys.filter(({ interface: name }) => name.toLowerCase() === named.interface.toLowerCase());
  if (sameName.length === 0) throw new Error(`that instance knows no service ${named.interface}; see trestle services`);
  const isBare = named.group === "" && named.version === "";
  const found = sameName.find(({ group, version }) => group === named.group && version === named.version);
  if (found !== undefined) return found;
  if (isBare && sameName.length === 1) return sameName[0]!;
  const all = sameName.map(printServiceKey).slice(0, 10).join(", ");
  throw new Error(
    `that instance knows no ${printServiceKey(named)}; say --group and --version of one of these: ${all}`,
  );
}

function proxyAddress(listening: readonly string[], scheme: CallScheme): CallAddress {
  const prefix = scheme === "dubbo" ? "" : "tri://";
  const texts = listening
    .filter((text) => (prefix === "" ? !text.includes("://") : text.startsWith(prefix)))
    .map((text) => text.slice(prefix.length));
  const text = texts[Math.floor(Math.random() * texts.length)];
  const address = text === undefined ? undefined : parseAddress(text);
  if (address === undefined) {
    const port = scheme === "dubbo" ? "proxy.dubbo" : "proxy.tri";
    throw new Error(
      `that instance has no port for ${scheme} calls that serves just now; it is ${port} in its configuration`,
    );
  }
  return { scheme, ...address };
}
