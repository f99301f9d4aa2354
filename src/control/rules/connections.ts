import type { Rule, ServiceEntry, ServiceEntryEndpoint, TcpPort } from "../../model/rule.ts";
import type { ConnectionDestination } from "../../model/rules/connection-route.ts";
import type { DestinationRule } from "../../model/rules/destination-rule.ts";
import { selectsLabels } from "./client.ts";
import { selectedBy } from "./service-entries.ts";

/** One port of a service whose bytes are carried as they are. */
export interface TcpService {
  readonly host: string;
  readonly rule: ServiceEntry;
  readonly port: TcpPort;
}

/** Every TCP port of every host, the older rule's first; of two with one host and port the first counts. */
export function tcpPortsOf(rules: readonly Rule[]): readonly TcpService[] {
  const services = new Map<string, TcpService>();
  for (const rule of rules) {
    if (rule.kind !== "ServiceEntry") continue;
    for (const port of rule.tcp ?? []) {
      for (const text of rule.hosts) {
        const host = text.toLowerCase();
        const key = `${host}:${port.number}`;
        if (!services.has(key)) services.set(key, { host, rule, port });
      }
    }
  }
  return [...services.values()];
}

/** The TCP port that a destination means: the one it names, else that of the same number, else the only one; undefined for none. */
export function connectionTarget(
  { host, port }: ConnectionDestination,
  from: number | undefined,
  services: readonly TcpService[],
): TcpService | undefined {
  const own = services.filter((one) => one.host === host.toLowerCase());
  if (port?.number !== undefined) return own.find((one) => one.port.number === port.number);
  return own.find((one) => one.port.number === from) ?? (own.length === 1 ? own[0] : undefined);
}

/** Where a service's connections go. */
export interface TcpEndpoint {
  /** IP address or DNS name. */
  readonly address: string;
  readonly port: number;
  readonly weight: number;
}

/** The endpoints of a TCP port, of a subset's labels where one is named; none for a subset that no DestinationRule has. */
export function tcpEndpoints(
  { host, rule, port }: TcpService,
  rules: readonly Rule[],
  subset = "",
): readonly TcpEndpoint[] {
  const selected = selectedBy(
    rule,
    rules.filter((one) => one.kind === "WorkloadEntry"),
  ).map(({ endpoint }) => endpoint);
  const listed: readonly ServiceEntryEndpoint[] = rule.byName
    ? [{ address: host }]
    : selected.length > 0
      ? selected
      : rule.endpoints;
  const labels = subset === "" ? {} : subsetLabels(host, subset, rules);
  const where = labels === undefined ? [] : listed.filter((one) => selectsLabels(labels, one.labels ?? {}));
  return where.map(({ address, ports, weight }) => ({
    address,
    port: ports?.[port.name] ?? port.targetPort ?? port.number,
    weight: Math.max(weight ?? 1, 1),
  }));
}

/** The labels of a subset; undefined for one that no DestinationRule has. */
function subsetLabels(
  host: string,
  subset: string,
  rules: readonly Rule[],
): Readonly<Record<string, string>> | undefined {
  const rule = rules.find(
    (one): one is DestinationRule => one.kind === "DestinationRule" && one.host.toLowerCase() === host,
  );
  return rule?.subsets.find(({ name }) => name === subset)?.labels;
}
