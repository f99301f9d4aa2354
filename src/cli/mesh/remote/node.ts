import type { NodeText } from "../../../codecs/xds/discovery.ts";
import { CARRIED_PROTOCOLS } from "../../../control/compile/endpoints.ts";
import type { InboundProvider, ProxyNode } from "../../../control/compile/listeners.ts";
import type { TrestleConfig } from "../../config/config.ts";
import { VERSION } from "../../version.ts";

/** What a Trestle proxy calls itself towards control. */
export const TRESTLE_AGENT = "trestle";

/** Under which a Trestle proxy's metadata says where it listens: a {@link ListenText}. */
export const LISTEN_KEY = "TRESTLE_LISTEN";

/** Where a proxy listens, all its workers together. */
export type ListenText = Required<Pick<ProxyNode, "dubbo" | "tri" | "http" | "gatewayAddress" | "inbound">>;

/** What a proxy says of itself; Istio's form of an id, and Istio's names in the metadata. */
export function nodeOf({ proxy, mesh }: Pick<TrestleConfig, "proxy" | "mesh">, name: string): NodeText {
  const { namespace } = mesh;
  const at = (port: number) => ({ address: proxy.bind, port });
  return {
    id: `sidecar~${proxy.host}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    cluster: name,
    metadata: {
      NAMESPACE: namespace,
      LABELS: { ...proxy.labels },
      SERVICE_ACCOUNT: proxy.serviceAccount,
      [LISTEN_KEY]: {
        ...{ dubbo: proxy.dubbo.map(at), tri: proxy.tri.map(at), gatewayAddress: proxy.bind },
        http: proxy.httpPort === undefined ? [] : [at(proxy.httpPort)],
        inbound: proxy.inbound.map(({ listen, to, protocol, labels }) => ({
          ...{ listen: { ...listen }, to: { ...to }, protocol, labels: { ...labels } },
        })),
      },
    },
    ...(proxy.locality && { locality: proxy.locality }),
    userAgentName: TRESTLE_AGENT,
    userAgentVersion: VERSION,
  };
}

/** Where the node of an xDS stream listens, as {@link nodeOf} says it; undefined for what is no Trestle proxy. */
export function listenOf({ id, metadata, userAgentName }: NodeText): ProxyNode | undefined {
  const listen = metadata[LISTEN_KEY];
  if (userAgentName !== TRESTLE_AGENT || typeof listen !== "object" || listen === null || Array.isArray(listen))
    return undefined;
  const gatewayAddress = listen["gatewayAddress"];
  const inbound = inboundIn(listen["inbound"]);
  const [dubbo, tri] = [addressesIn(listen["dubbo"]), addressesIn(listen["tri"])];
  const http = addressesIn(listen["http"]);
  return {
    id,
    dubbo,
    tri,
    // Each worker has a port of each kind.
    workers: Math.max(dubbo.length, tri.length),
    ...(http.length > 0 && { http }),
    ...(typeof gatewayAddress === "string" && { gatewayAddress }),
    ...(inbound.length > 0 && { inbound }),
  };
}

/** Providers that a proxy says it stands in front of; what is of another form is passed over. */
function inboundIn(list: unknown): InboundProvider[] {
  if (!Array.isArray(list)) return [];
  return list.slice(0, MAX_INBOUND).flatMap((one: unknown) => {
    const { listen, to, protocol, labels } = (one ?? {}) as Record<string, unknown>;
    const [here] = addressesIn([listen]);
    const [there] = addressesIn([to]);
    const carried = CARRIED_PROTOCOLS.find((name) => name === protocol);
    const texts = Object.entries((labels ?? {}) as object).filter(
      (pair): pair is [string, string] => typeof pair[1] === "string",
    );
    if (here === undefined || there === undefined || carried === undefined) return [];
    return [{ listen: here, to: there, protocol: carried, labels: Object.fromEntries(texts) }];
  });
}

/** More ports than that no proxy has. */
const MAX_PORTS = 64;
/** Nor stands it before more providers. */
const MAX_INBOUND = 1_000;

function addressesIn(list: unknown): { address: string; port: number }[] {
  if (!Array.isArray(list)) return [];
  return list.slice(0, MAX_PORTS).flatMap((one: unknown) => {
    const { address, port } = (one ?? {}) as Record<string, unknown>;
    return typeof address === "string" &&
      typeof port === "number" &&
      Number.isInteger(port) &&
      port > 0 &&
      port < 65_536
      ? [{ address, port }]
      : [];
  });
}
