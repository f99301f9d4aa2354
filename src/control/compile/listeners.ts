import { type CarriedProtocol, TRESTLE_METADATA } from "../../codecs/xds/core.ts";
import type { CallerTags, CallerValues, Listener, ListenerFacts, Passage } from "../../codecs/xds/listener.ts";
import type { Locality } from "../../model/mesh.ts";
import type { GatewayTls } from "../../model/rule.ts";
import { gatewaySocket } from "./gateway-tls.ts";
import { DUBBO_ROUTES } from "./routes.ts";

/** An address that a proxy listens on. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** An address for the requests of one service, by its printed key, or of all, where each request names its own by Host. */
export interface HttpAddress extends ListenAddress {
  readonly service?: string;
}

/** One provider that a proxy stands in front of. */
export interface InboundProvider {
  readonly listen: ListenAddress;
  readonly to: ListenAddress;
  readonly protocol: CarriedProtocol;
  /** Rules that select workloads select it by these. */
  readonly labels: Readonly<Record<string, string>>;
}

/** One proxy process and where it listens. */
export interface ProxyNode {
  readonly id: string;
  /** Addresses that carry Dubbo2 calls. */
  readonly dubbo: readonly ListenAddress[];
  /** Addresses that carry Triple calls. */
  readonly tri?: readonly ListenAddress[];
  /** Addresses that carry HTTP/1.1 requests. */
  readonly http?: readonly HttpAddress[];
  /** Providers that it stands in front of; see compile/inbound.ts. */
  readonly inbound?: readonly InboundProvider[];
  /** Where gateways listen that name no address of their own; undefined for a proxy that serves none. */
  readonly gatewayAddress?: string;
  /** Processes of one proxy that share its calls; one unless told. */
  readonly workers?: number;
  /** Which application registered as a consumer from an address; only where a rule asks for it. */
  readonly applications?: Readonly<Record<string, string>>;
  /** SPIFFE ids of callers without a certificate, by their address or range. */
  readonly identities?: Readonly<Record<string, string>>;
  /** Tags that consumers registered with. */
  readonly tags?: CallerTags;
  /** What consumers registered with, as far as routers of the registry ask for it. */
  readonly callers?: CallerValues;
  /** The mesh's own unless told. */
  readonly namespace?: string;
  /** Of the proxy, or of the one workload that it stands beside. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly locality?: Locality;
  /** Many callers share it: what rules ask of a caller is asked of each call. */
  readonly isShared?: boolean;
  /** It stands beside the facades, and serves whoever they lead to it: no Sidecar narrows it. */
  readonly isEmbedded?: boolean;
}

/** A port of gateways, or what of it has certificates of its own, and the name of its routes; an address that is not said is the proxy's own. */
export interface GatewayPort {
  readonly bind: string | undefined;
  readonly port: number;
  readonly routeConfigName: string;
  /** How TLS is ended there; absent for plain text. */
  readonly tls?: GatewayTls;
  /** The names by which callers ask TLS for it; absent where it has all that no other one of the port has. */
  readonly serverNames?: readonly string[];
  /** Where TLS goes that is not ended there. */
  readonly passages?: readonly Passage[];
}

/**
 * Compiles a node's listeners, named `dubbo_ADDRESS_PORT`, `tri_ADDRESS_PORT` and `http_ADDRESS_PORT`, which all lead to the same routes, and
 * `gateway_ADDRESS_PORT`, each with routes of its own.
 */
export function compileListeners(node: ProxyNode, gateways: readonly GatewayPort[] = []): Listener[] {
  const { gatewayAddress, workers = 1 } = node;
  const listener = (
    protocol: ListenerFacts["protocol"],
    { address, port }: ListenAddress,
    routeConfigName = DUBBO_ROUTES,
    facts: Pick<ListenerFacts, "service" | "passages"> = {},
  ): Listener => ({
    name: `${protocol}_${address}_${port}`,
    address: { socketAddress: { address, portValue: port } },
    metadata: {
      filterMetadata: {
        [TRESTLE_METADATA]: {
          protocol,
          routeConfigName,
          ...facts,
          ...(workers > 1 && { workers }),
          ...(node.applications && { applications: node.applications }),
          ...(node.identities && { identities: node.identities }),
          ...(node.tags && { tags: node.tags }),
          ...(node.callers && { callers: node.callers }),
        },
      },
    },
  });
  return [
    ...node.dubbo.map((at) => listener("dubbo", at)),
    ...(node.tri ?? []).map((at) => listener("tri", at)),
    ...(node.http ?? []).map(({ service, ...at }) =>
      listener("http", at, DUBBO_ROUTES, service === undefined ? {} : { service }),
    ),
    ...(gatewayAddress === undefined ? [] : portsOf(gateways)).map((chains) => {
      const [{ bind = gatewayAddress!, port, routeConfigName }] = chains as [GatewayPort];
      const filterChains = chains.flatMap(({ tls, serverNames, routeConfigName: name }) => {
        const match = serverNames && { filterChainMatch: { serverNames } };
        return tls === undefined || tls.mode === "PASSTHROUGH"
          ? []
          : [{ name, ...match, transportSocket: gatewaySocket(tls) }];
      });
      const passages = chains.flatMap((one) => one.passages ?? []);
      const isPassing = chains.some((one) => one.passages !== undefined);
      return {
        ...listener("gateway", { address: bind, port }, routeConfigName, isPassing ? { passages } : {}),
        ...(filterChains.length > 0 && { filterChains }),
      };
    }),
  ];
}

/** What belongs to one port together. */
function portsOf(gateways: readonly GatewayPort[]): readonly (readonly GatewayPort[])[] {
  const ports = new Map<string, GatewayPort[]>();
  for (const one of gateways) {
    const key = `${one.bind ?? ""} ${one.port}`;
    ports.set(key, [...(ports.get(key) ?? []), one]);
  }
  return [...ports.values()];
}
