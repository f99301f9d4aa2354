import type { ServedResource } from "../../../codecs/xds/served.ts";
import type { Rule, ServiceEntry } from "../../../model/rule.ts";
import { ADS, isIpAddress, type ProtoJson, versioned } from "../targets.ts";

/** One port of a service whose bytes are carried as they are. */
export interface TcpService {
  readonly port: number;
  readonly cluster: ServedResource;
  /** Undefined where the cluster has them, since one is given by its DNS name. */
  readonly endpoints: ServedResource | undefined;
}

const made = new WeakMap<readonly Rule[], readonly TcpService[]>();

/** The TCP services among rules, one for each port: of two the older rule's, and of its hosts the first, since nothing else in a connection tells them apart. */
export function tcpServices(rules: readonly Rule[]): readonly TcpService[] {
  const known = made.get(rules);
  if (known !== undefined) return known;
  const services = new Map<number, TcpService>();
  for (const rule of rules) {
    if (rule.kind !== "ServiceEntry") continue;
    for (const port of rule.tcp ?? []) {
      if (!services.has(port.number)) services.set(port.number, tcpService(rule, port));
    }
  }
  const list = [...services.values()];
  made.set(rules, list);
  return list;
}

function tcpService(rule: ServiceEntry, port: NonNullable<ServiceEntry["tcp"]>[number]): TcpService {
  const host = rule.hosts[0]!.toLowerCase();
  const name = `outbound|${port.number}||${host}`;
  const where: ServiceEntry["endpoints"] = rule.byName ? [{ address: host }] : rule.endpoints;
  const lbEndpoints = where.map(({ address, ports, weight }): ProtoJson => {
    const portValue = ports?.[port.name] ?? port.targetPort ?? port.number;
    return {
      endpoint: { address: { socketAddress: { address, portValue } } },
      loadBalancingWeight: Math.max(weight ?? 1, 1),
    };
  });
  const assignment = { clusterName: name, endpoints: [{ lbEndpoints }] };
  const isNamed = where.some(({ address }) => !isIpAddress(address));
  const cluster = {
    name,
    connectTimeout: "10s",
    ...(isNamed
      ? { type: "STRICT_DNS", loadAssignment: assignment }
      : { type: "EDS", edsClusterConfig: { edsConfig: ADS } }),
  };
  return {
    port: port.number,
    cluster: versioned(name, cluster),
    endpoints: isNamed ? undefined : versioned(name, assignment),
  };
}
