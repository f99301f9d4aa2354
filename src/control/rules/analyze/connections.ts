import type { Rule, VirtualService } from "../../../model/rule.ts";
import type { DestinationRule } from "../../../model/rules/destination-rule.ts";
import { connectionTarget, type TcpService, tcpPortsOf } from "../connections.ts";
import type { Report } from "../findings.ts";
import { isBoundTo } from "../gateway-binding.ts";

/** Checks `tls` and `tcp` routes: whether they are for services that are connections alone, and whether their destinations are. */
export function analyzeConnections(rules: readonly Rule[], report: Report): void {
  const routing = rules.filter(
    (rule): rule is VirtualService => rule.kind === "VirtualService" && (rule.tls ?? rule.tcp) !== undefined,
  );
  const services = tcpPortsOf(rules);
  if (services.length > 0)
    for (const rule of rules) if (rule.kind === "DestinationRule") checkTls(rule, services, report);
  for (const rule of routing) {
    checkHosts(rule, services, rules, report);
    checkDestinations(rule, services, rules, report);
  }
}

/** What a connection says is its own affair: a client that wants TLS speaks it. */
function checkTls(
  { host, name, trafficPolicy }: DestinationRule,
  services: readonly TcpService[],
  report: Report,
): void {
  const tls = trafficPolicy?.tls;
  if (tls === undefined || (tls.mode ?? "DISABLE") === "DISABLE") return;
  if (!services.some((one) => one.host === host.toLowerCase())) return;
  report(
    "TR0236",
    tls.at.position,
    `tls of ${name} is not applied to the TCP ports of ${host}: their bytes are carried as they are`,
  );
}

const KINDS = ["tls", "tcp"] as const;

/** The ports of a rule's gateways that pass TLS through. */
function passingPorts(rule: VirtualService, rules: readonly Rule[]): readonly number[] {
  return rules
    .filter((one) => one.kind === "Gateway")
    .filter((one) => isBoundTo(rule, one))
    .flatMap(({ servers }) => servers.filter(({ tls }) => tls?.mode === "PASSTHROUGH").map(({ port }) => port.number));
}

function checkHosts(
  rule: VirtualService,
  services: readonly TcpService[],
  rules: readonly Rule[],
  report: Report,
): void {
  for (const kind of KINDS) {
    if (rule[kind] === undefined) continue;
    const at = rule.at.fields[kind] ?? rule.at.position;
    const others = rule.hosts.filter((host) => !services.some((one) => one.host === host.toLowerCase()));
    if (others.length > 0 && (rule.inMesh || kind === "tcp"))
      report(
        "TR0227",
        at,
        `${kind} routes of ${rule.name} have no meaning for ${others.join(", ")}: calls are routed one by one, connections only of a ServiceEntry's ports that no call has, by a stock Envoy`,
      );
    if (rule.gateways.length > 0 && (kind === "tcp" || passingPorts(rule, rules).length === 0))
      report(
        "TR0227",
        at,
        `${kind} routes of ${rule.name} have no meaning for its gateways: they take requests, and connections by tls routes where tls.mode is PASSTHROUGH`,
      );
  }
}

function checkDestinations(
  rule: VirtualService,
  services: readonly TcpService[],
  rules: readonly Rule[],
  report: Report,
): void {
  // A destination of the same number as the port that was connected to needs none: any of the rule's own may be meant.
  const own = services.filter(({ host }) => rule.hosts.some((one) => one.toLowerCase() === host));
  const ports = [...own.map(({ port }) => port.number), ...passingPorts(rule, rules)];
  if (ports.length === 0) return;
  for (const { route } of [...(rule.tls ?? []), ...(rule.tcp ?? [])]) {
    for (const { destination } of route) {
      const { at, host, subset, port } = destination;
      const known = ports.some((port) => connectionTarget(destination, port, services) !== undefined);
      const named = port?.number === undefined ? host : `${host}, port ${port.number},`;
      if (!known)
        report("TR0221", at.fields.host ?? at.position, `destination ${named} is no TCP port of a ServiceEntry`);
      if (!known || subset === undefined) continue;
      const subsets = rules.find(
        (one) => one.kind === "DestinationRule" && one.host.toLowerCase() === host.toLowerCase(),
      );
      if (subsets?.kind !== "DestinationRule" || !subsets.subsets.some(({ name }) => name === subset))
        report("TR0222", at.fields.subset ?? at.position, `subset ${subset} of ${host} is not defined`);
    }
  }
}
