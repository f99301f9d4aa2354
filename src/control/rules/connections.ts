import type { Rule, ServiceEntry, TcpPort } from "../../model/rule.ts";
import type { ConnectionDestination } from "../../model/rules/connection-route.ts";

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
