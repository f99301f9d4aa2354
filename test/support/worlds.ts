import type { Endpoint, Entry, World } from "../../src/model/entry.ts";
import { serviceKey } from "../../src/model/service.ts";
import { compareEndpoints } from "../../src/registry-sync/dubbo/endpoint.ts";
import { hostOf } from "../../src/registry-sync/naming/naming.ts";

/** A plain Dubbo endpoint at `address` (port 20880 unless it says another), with whatever else is given. */
export function endpoint(address: string, more: Partial<Endpoint> = {}): Endpoint {
  const [host = "", port] = address.split(":");
  return {
    address: host,
    port: Number(port ?? 20880),
    protocol: "dubbo",
    weight: 100,
    startedAtMs: 0,
    warmupMs: 600_000,
    tag: "",
    disabled: false,
    token: "",
    payloadBytes: 0,
    params: {},
    origin: "legacy",
    ...more,
  };
}

/** An entry of `interface`, `group/interface` or with `:version`, with endpoints at these addresses or as given. */
export function entry(service: string, endpoints: readonly (string | Endpoint)[]): Entry {
  const [, group = "", name = "", version = ""] = /^(?:([^/]*)\/)?([^:]*)(?::(.*))?$/.exec(service) ?? [];
  const key = serviceKey(name, group, version);
  const all = endpoints.map((one) => (typeof one === "string" ? endpoint(one) : one));
  return { host: hostOf(key), service: key, endpoints: all.sort(compareEndpoints) };
}

/** A world of these entries. */
export function world(name: string, ...entries: readonly Entry[]): World {
  return { name, entries, consumers: [], findings: [] };
}

/** `count` addresses 10.0.0.1, 10.0.0.2, ... */
export function addresses(count: number, first = 1): string[] {
  return Array.from({ length: count }, (_, index) => `10.0.0.${first + index}`);
}
