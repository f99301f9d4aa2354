import { isDnsName } from "../../../base/address.ts";
import { parseBlock } from "../../../base/ip-block.ts";
import type { Passage } from "../../../codecs/xds/listener.ts";
import type { ServedResource } from "../../../codecs/xds/served.ts";
import { DEFAULT_MESH } from "../../../model/mesh.ts";
import type { Rule, VirtualService } from "../../../model/rule.ts";
import type { ConnectionMatch, ConnectionRoute } from "../../../model/rules/connection-route.ts";
import { isSeen, selectsLabels } from "../../rules/client.ts";
import { connectionTarget, type TcpService, tcpEndpoints, tcpPortsOf } from "../../rules/connections.ts";
import { ADS, addressOf, alike, type ProtoJson, versioned } from "../targets.ts";

/** Connections that meet a condition, and where they go. */
export interface TcpChain {
  /** Envoy's FilterChainMatch; undefined for all that meet no other. */
  readonly match?: ProtoJson;
  /** Shares of the sum; one at least. */
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
}

/** A port whose bytes are carried as they are. */
export interface TcpPortChains {
  readonly port: number;
  readonly chains: readonly TcpChain[];
}

/** A cluster of a TCP port. */
export interface TcpCluster {
  readonly cluster: ServedResource;
  /** Undefined where the cluster has them, since one is given by its DNS name. */
  readonly endpoints: ServedResource | undefined;
}

/** All that rules say of connections. */
export interface TcpServices {
  readonly ports: readonly TcpPortChains[];
  readonly clusters: readonly TcpCluster[];
}

/** No connections at all. */
export const NO_TCP: TcpServices = { ports: [], clusters: [] };

/** The workload that an Envoy stands beside: rules are for some of them. */
export interface TcpClient {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Most kinds of clients that are remembered for one list of rules. */
const MAX_CLIENTS = 64;
const TLS_PROTOCOLS: readonly string[] = ["TLS", "HTTPS"];

const made = new WeakMap<readonly Rule[], Map<string, TcpServices>>();

/**
 * The TCP ports among rules. A VirtualService's `tls` and `tcp` routes say where connections go, and TLS ports of several services are told
 * apart by the name that is asked for. All other connections go to the oldest rule's service of the port, and of its hosts the first.
 */
export function tcpServices(rules: readonly Rule[], client?: TcpClient): TcpServices {
  const of = client ?? { namespace: DEFAULT_MESH.namespace, labels: {} };
  const key = asksWho(rules) ? JSON.stringify(of) : "";
  const known = made.get(rules) ?? new Map<string, TcpServices>();
  made.set(rules, known);
  let services = known.get(key);
  if (services === undefined) {
    if (known.size >= MAX_CLIENTS) known.clear();
    services = compile(rules, of);
    known.set(key, services);
  }
  return services;
}

/** Whether connections of one client go another way than those of others. */
function asksWho(rules: readonly Rule[]): boolean {
  return rules.some(
    (rule) =>
      rule.kind === "VirtualService" &&
      (rule.tcp !== undefined || rule.tls !== undefined) &&
      (rule.exportTo !== undefined ||
        [...(rule.tls ?? []), ...(rule.tcp ?? [])].some(({ match = [] }) =>
          match.some(
            ({ sourceLabels, sourceNamespace }) => sourceLabels !== undefined || sourceNamespace !== undefined,
          ),
        )),
  );
}

function compile(rules: readonly Rule[], client: TcpClient): TcpServices {
  const services = tcpPortsOf(rules);
  const byPort = new Map<number, TcpService[]>();
  for (const one of services) byPort.set(one.port.number, [...(byPort.get(one.port.number) ?? []), one]);
  const ruling = rules.filter(
    (rule): rule is VirtualService =>
      rule.kind === "VirtualService" && rule.inMesh && isSeen(rule.exportTo, rule.namespace, client.namespace),
  );
  const needed = new Map<string, TcpCluster>();
  const clusterOf = (service: TcpService, subset = ""): string => {
    const name = `outbound|${service.port.number}|${subset}|${service.host}`;
    if (!needed.has(name)) needed.set(name, tcpCluster(name, service, rules, subset));
    return name;
  };
  const ports = [...byPort].map(([port, list]) => {
    const chains = new Chains();
    for (const service of list) {
      const rule = ruling.find(({ hosts }) => hosts.some((host) => host.toLowerCase() === service.host));
      const to = (route: ConnectionRoute) => targetsOf(route, service, services, clusterOf);
      for (const route of rule?.tls ?? [])
        for (const match of route.match ?? []) if (isMeant(match, port, client)) chains.add(matchOf(match), to(route));
      for (const route of rule?.tcp ?? [])
        for (const match of route.match?.length ? route.match : [undefined])
          if (match === undefined || isMeant(match, port, client)) chains.add(matchOf(match), to(route));
      const isTls = TLS_PROTOCOLS.includes(service.port.protocol?.toUpperCase() ?? "");
      if (isTls && list.length > 1)
        chains.add({ serverNames: [service.host] }, [{ name: clusterOf(service), weight: 1 }]);
    }
    // Nothing tells other connections apart: they are the first service's.
    chains.add({}, [{ name: clusterOf(list[0]!), weight: 1 }]);
    return { port, chains: chains.list };
  });
  return { ports, clusters: [...needed.values()] };
}

/** Whether a match is one of this client's connections to the port, whatever else it asks for. */
function isMeant(
  { port = 0, sourceLabels = {}, sourceNamespace = "", gateways = [] }: ConnectionMatch,
  own: number,
  { namespace, labels }: TcpClient,
): boolean {
  if (port !== 0 && port !== own) return false;
  if (gateways.length > 0 && !gateways.includes("mesh")) return false;
  if (sourceNamespace !== "" && sourceNamespace !== namespace) return false;
  return selectsLabels(sourceLabels, labels);
}

interface AddressRange {
  readonly addressPrefix: string;
  readonly prefixLen: number;
}

interface ChainMatch {
  readonly serverNames?: readonly string[];
  readonly prefixRanges?: readonly AddressRange[];
  readonly sourcePrefixRanges?: readonly AddressRange[];
}

function matchOf(match: ConnectionMatch | undefined): ChainMatch {
  const { sniHosts, destinationSubnets = [], sourceSubnet } = match ?? {};
  const names = sniHosts?.map((name) => name.toLowerCase());
  return {
    // Every name is no condition.
    ...(names !== undefined && !names.includes("*") && { serverNames: names }),
    ...(destinationSubnets.length > 0 && { prefixRanges: destinationSubnets.map(rangeOf) }),
    ...(sourceSubnet !== undefined && { sourcePrefixRanges: [rangeOf(sourceSubnet)] }),
  };
}

function rangeOf(subnet: string): AddressRange {
  const [addressPrefix = "", bits] = subnet.split("/");
  return { addressPrefix, prefixLen: Number(bits ?? (addressPrefix.includes(":") ? 128 : 32)) };
}

/** The same for all ways to write a range: of its address the bits that count. */
function blockText({ addressPrefix, prefixLen }: AddressRange): string {
  const block = parseBlock(`${addressPrefix}/${prefixLen}`);
  if (block === undefined) return `${addressPrefix}/${prefixLen}`;
  const bits = [...block.bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.slice(0, block.bits);
}

/** Chains of one listener: Envoy refuses two that ask for the same, so the first to claim a name from and to addresses has it. */
class Chains {
  readonly list: TcpChain[] = [];
  readonly #claimed = new Set<string>();

  add({ serverNames, prefixRanges, sourcePrefixRanges }: ChainMatch, clusters: TcpChain["clusters"]): void {
    const from = sourcePrefixRanges?.map(blockText);
    // Ranges to which the same names are free stay together.
    const free = new Map<
      string,
      { readonly names: readonly (string | undefined)[]; readonly ranges: AddressRange[] }
    >();
    for (const range of prefixRanges ?? [undefined]) {
      const to = range && blockText(range);
      const names = (serverNames ?? [undefined]).filter((name) => this.#claim([name, to, from]));
      const key = JSON.stringify(names);
      const alike = free.get(key) ?? { names, ranges: [] };
      if (range !== undefined) alike.ranges.push(range);
      if (names.length > 0) free.set(key, alike);
    }
    if (clusters.length === 0) return;
    for (const { names, ranges } of free.values()) {
      const match = {
        ...(serverNames && { serverNames: names }),
        ...(prefixRanges && { prefixRanges: ranges }),
        ...(sourcePrefixRanges && { sourcePrefixRanges }),
      };
      this.list.push({ ...(Object.keys(match).length > 0 && { match }), clusters });
    }
  }

  #claim(what: readonly unknown[]): boolean {
    const key = JSON.stringify(what.map((one) => one ?? null));
    if (this.#claimed.has(key)) return false;
    this.#claimed.add(key);
    return true;
  }
}

function targetsOf(
  { route }: ConnectionRoute,
  from: TcpService,
  services: readonly TcpService[],
  clusterOf: (service: TcpService, subset?: string) => string,
): TcpChain["clusters"] {
  return route.flatMap(({ destination, weight }) => {
    const share = route.length === 1 ? 1 : (weight ?? 0);
    if (share === 0) return [];
    const service = connectionTarget(destination, from.port.number, services);
    const { host, subset = "", port } = destination;
    const unknown = `outbound|${port?.number ?? from.port.number}|${subset}|${host.toLowerCase()}`;
    return [{ name: service === undefined ? unknown : clusterOf(service, subset), weight: share }];
  });
}

function tcpCluster(
  name: string,
  { host, rule, port }: TcpService,
  rules: readonly Rule[],
  subset: string,
): TcpCluster {
  const where = alike(tcpEndpoints({ host, rule, port }, rules, subset));
  const lbEndpoints = where.map(
    ({ address, port: portValue, weight }): ProtoJson => ({
      endpoint: { address: addressOf(address, portValue) },
      loadBalancingWeight: weight,
    }),
  );
  const assignment = { clusterName: name, endpoints: [{ lbEndpoints }] };
  const isNamed = where.some(({ address }) => isDnsName(address));
  const cluster = {
    name,
    connectTimeout: "10s",
    ...(isNamed
      ? { type: "STRICT_DNS", loadAssignment: assignment }
      : { type: "EDS", edsClusterConfig: { edsConfig: ADS } }),
  };
  return { cluster: versioned(name, cluster), endpoints: isNamed ? undefined : versioned(name, assignment) };
}

/** The cluster of connections that a gateway carries to places as they are. */
export function passageCluster(name: string, to: Passage["to"]): ServedResource {
  const lbEndpoints = alike(to).map(
    ({ address, port, weight }): ProtoJson => ({
      endpoint: { address: addressOf(address, port) },
      loadBalancingWeight: weight,
    }),
  );
  const type = to.some(({ address }) => isDnsName(address)) ? "STRICT_DNS" : "STATIC";
  return versioned(name, {
    ...{ name, connectTimeout: "10s", type },
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints }] },
  });
}
