import type { Passage } from "../../../codecs/xds/listener.ts";
import type { Rule, VirtualService } from "../../../model/rule.ts";
import type { ConnectionMatch, ConnectionRoute } from "../../../model/rules/connection-route.ts";
import { connectionTarget, type TcpService, tcpEndpoints, tcpPortsOf } from "../connections.ts";
import { commonDomain, isBoundTo, namesGateway, takesNamespace } from "../gateway-binding.ts";
import type { GatewayChain, ServedServer } from "../gateway-ports.ts";

/**
 * Where connections of a PASSTHROUGH chain go by the name that they ask for: the `tls` routes of VirtualServices that name the Gateway, the
 * older first; of two that have one name the first counts.
 */
export function lowerPassages(
  { served, port }: GatewayChain,
  virtualServices: readonly VirtualService[],
  rules: readonly Rule[],
): readonly Passage[] {
  const services = tcpPortsOf(rules);
  const claimed = new Set<string>();
  const found: Passage[] = [];
  for (const rule of virtualServices)
    for (const route of rule.tls ?? [])
      for (const match of route.match ?? []) {
        const own = served.filter(({ gateway }) => isBoundTo(rule, gateway) && isMeant(match, rule, gateway, port));
        const serverNames = namesOf(match, rule, own).filter((name) => !claimed.has(name));
        for (const name of serverNames) claimed.add(name);
        const { file, line } = match.at.position;
        const origin = { rule: rule.name, file, line };
        if (serverNames.length > 0) found.push({ serverNames, to: endpointsOf(route, port, services, rules), origin });
      }
  return found;
}

/** Whether a match is one of connections at this port; what nobody knows of a caller outside is met by none. */
function isMeant(match: ConnectionMatch, rule: VirtualService, gateway: ServedServer["gateway"], own: number): boolean {
  const { port = 0, gateways = [], sourceLabels = {}, sourceNamespace = "", destinationSubnets = [] } = match;
  if (port !== 0 && port !== own) return false;
  if (sourceNamespace !== "" || Object.keys(sourceLabels).length > 0 || destinationSubnets.length > 0) return false;
  return gateways.length === 0 || gateways.some((text) => namesGateway(text, rule, gateway));
}

function namesOf({ sniHosts = [] }: ConnectionMatch, rule: VirtualService, served: readonly ServedServer[]): string[] {
  const names = served.flatMap(({ gateway, server }) =>
    server.hosts
      .filter((taken) => takesNamespace(taken, rule, gateway))
      .flatMap((taken) => sniHosts.flatMap((sni) => commonDomain(sni, taken) ?? [])),
  );
  return [...new Set(names)].sort();
}

/** The endpoints of all destinations, each destination with its share of connections. */
function endpointsOf(
  { route }: ConnectionRoute,
  port: number,
  services: readonly TcpService[],
  rules: readonly Rule[],
): Passage["to"] {
  return route.flatMap(({ destination, weight }) => {
    const share = route.length === 1 ? 100 : (weight ?? 0);
    const service = connectionTarget(destination, port, services);
    if (service === undefined || share === 0) return [];
    const endpoints = tcpEndpoints(service, rules, destination.subset);
    const sum = endpoints.reduce((all, one) => all + one.weight, 0);
    return endpoints.map((one) => ({ ...one, weight: Math.max(1, Math.round((share * 1_000 * one.weight) / sum)) }));
  });
}
