import type { Gateway, GatewayServer, GatewayTls } from "../../model/rule.ts";

/** A server, with those of its hosts that it has at its port, and the Gateway that it is of. */
export interface ServedServer {
  readonly gateway: Gateway;
  readonly server: GatewayServer;
}

/** What of a port has one set of certificates: all of it, or what callers ask for by some names. */
export interface GatewayChain {
  readonly bind: string | undefined;
  readonly port: number;
  /** Absent for plain text. */
  readonly tls?: GatewayTls;
  /** Names by which callers ask TLS for it, sorted; undefined for all that no other chain of the port has. */
  readonly serverNames?: readonly string[];
  /** Names of other chains of the port: calls for them do not belong here, whatever they say inside of TLS. */
  readonly others: readonly string[];
  readonly served: readonly ServedServer[];
}

/** Why a server, or a host of it, is not served. */
export interface PortFault {
  readonly server: GatewayServer;
  /** Of the server's hosts; undefined for all of them. */
  readonly host?: number;
  /** Who has it. */
  readonly by: GatewayServer;
}

interface Group {
  readonly first: GatewayServer;
  readonly names: Set<string>;
  readonly served: ServedServer[];
}

/**
 * The chains of all ports, in the order in which Gateways name them. A port is plain or has TLS, as its first server says; a host has the
 * certificates of the server that names it first. What is left out for that goes to `onFault`.
 */
export function gatewayChains(gateways: readonly Gateway[], onFault: (fault: PortFault) => void = () => {}) {
  const ports = new Map<string, Map<string, Group>>();
  const owners = new Map<string, Group>();
  for (const gateway of gateways) {
    for (const server of gateway.servers) {
      const key = `${server.bind ?? ""} ${server.port.number}`;
      const groups = ports.get(key) ?? new Map<string, Group>();
      ports.set(key, groups);
      const [first] = groups.values();
      if (first !== undefined && (first.first.tls === undefined) !== (server.tls === undefined)) {
        onFault({ server, by: first.first });
        continue;
      }
      const of = JSON.stringify(server.tls);
      const group = groups.get(of) ?? { first: server, names: new Set<string>(), served: [] };
      groups.set(of, group);
      const hosts = server.hosts.filter((host, i) => {
        const name = serverDomain(host);
        const owner = owners.get(`${key} ${name}`) ?? group;
        owners.set(`${key} ${name}`, owner);
        if (owner !== group) onFault({ server, host: i, by: owner.first });
        else group.names.add(name);
        return owner === group;
      });
      if (hosts.length > 0)
        group.served.push({ gateway, server: hosts.length === server.hosts.length ? server : { ...server, hosts } });
    }
  }
  return [...ports.values()].flatMap(chainsOf);
}

function chainsOf(groups: ReadonlyMap<string, Group>): GatewayChain[] {
  const all = [...groups.values()].filter(({ served }) => served.length > 0);
  return all.map(({ first, names, served }) => {
    const { bind, port, tls } = first;
    const others = all.flatMap((one) => (one.names === names ? [] : [...one.names]));
    const isDefault = all.length === 1 || names.has("*");
    return {
      ...{ bind, port: port.number, served, others: others.filter((name) => name !== "*").sort() },
      ...(tls && { tls }),
      ...(!isDefault && { serverNames: [...names].sort() }),
    };
  });
}

/** The name that a server's host `NAMESPACE/NAME` is asked for by, in lower case. */
export function serverDomain(host: string): string {
  return host.slice(host.indexOf("/") + 1).toLowerCase();
}

/** Whether all that the domain `narrow` stands for is covered by `wide`. */
export function domainCovers(wide: string, narrow: string): boolean {
  return wide === "*" || wide === narrow || (wide.startsWith("*.") && narrow.endsWith(wide.slice(1)));
}

/** Whether a domain belongs to another chain of the port: one of its names covers it more narrowly than any of this chain's. */
export function isOfOther(
  domain: string,
  { serverNames = ["*"], others }: Pick<GatewayChain, "serverNames" | "others">,
) {
  // A whole name is narrower than any that begins with a star, also than one as long.
  const weight = (name: string) => (name === domain ? Number.POSITIVE_INFINITY : name === "*" ? 0 : name.length);
  const best = (names: readonly string[]) =>
    Math.max(-1, ...names.filter((name) => domainCovers(name, domain)).map(weight));
  return best(others) > best(serverNames);
}
