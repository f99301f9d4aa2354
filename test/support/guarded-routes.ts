import { silentLogger } from "../../src/base/log.ts";
import { AuthzStats } from "../../src/bridge-proxy/authz/audit.ts";
import { HostAuthz } from "../../src/bridge-proxy/authz/gate.ts";
import { RouteTable } from "../../src/bridge-proxy/route.ts";
import type { RuntimeConfig } from "../../src/bridge-proxy/runtime-config.ts";
import { Cluster, type HostPools } from "../../src/bridge-proxy/upstream/cluster.ts";
import { compileJava } from "../../src/codecs/java-schema.ts";
import type { Route } from "../../src/codecs/xds/route.ts";
import { parseServiceKey } from "../../src/model/service.ts";
import { configsOf, ORDERS } from "./policies.ts";
import { clusterName, clusterOf, endpointsOf, hostOf } from "./xds-fixtures.ts";

const pool = { host: (address: string, port: number) => ({ address, port }), version: 0 };
const pools = { dubbo: pool, tri: pool, http: pool } as unknown as HostPools;

/** A service with the texts of the policies that hold for it, and its routes: all to itself unless given. */
export interface GuardedService {
  readonly policies?: readonly string[];
  readonly routes?: readonly Route[];
  /** Of its Dubbo2 provider; 1 unless given. */
  readonly port?: number;
}

/** Configuration of services by printed key, each with a Dubbo2 and a Triple provider that nobody is at. */
export function guardedConfig(
  services: Readonly<Record<string, GuardedService>>,
  stats = new AuthzStats(silentLogger, () => 0),
): RuntimeConfig {
  const clusters = new Map(
    Object.entries(services).map(([key, { port = 1 }]) => {
      const endpoints = [{ port }, { port: 2, protocol: "tri" as const }];
      return [clusterName(key), new Cluster(clusterOf(key), endpointsOf(key, "", endpoints), pools)];
    }),
  );
  const virtualHosts = Object.entries(services).map(([key, { policies, routes }]) => {
    const service = parseServiceKey(key);
    const configs = policies === undefined ? undefined : configsOf(policies, { ...ORDERS, host: hostOf(key), service });
    return {
      name: hostOf(key),
      domains: [hostOf(key), key],
      routes: routes ?? [{ name: "all", match: { prefix: "/" }, route: { cluster: clusterName(key) } }],
      ...(configs !== undefined && { typedPerFilterConfig: configs }),
    };
  });
  return {
    routes: new RouteTable(
      { name: "dubbo", virtualHosts },
      (name) => clusters.get(name)!,
      (configs) => new HostAuthz(configs, stats),
    ),
    applicationOf: () => undefined,
    tagOf: () => "",
    callerOf: () => undefined,
    schemaOf: () => undefined,
    classes: () => compileJava({ methods: [], types: {} }),
  };
}
