import { type CallerTags, type Listener, TRESTLE_METADATA, type WireProtocol } from "../../codecs/xds/resources.ts";
import { DUBBO_ROUTES } from "./routes.ts";

/** An address that a proxy listens on. */
export interface ListenAddress {
  readonly address: string;
  readonly port: number;
}

/** One proxy process and where it listens. */
export interface ProxyNode {
  readonly id: string;
  /** Addresses that carry Dubbo2 calls. */
  readonly dubbo: readonly ListenAddress[];
  /** Addresses that carry Triple calls. */
  readonly tri?: readonly ListenAddress[];
  /** Which application registered as a consumer from an address; only where a rule asks for it. */
  readonly applications?: Readonly<Record<string, string>>;
  /** Tags that consumers registered with. */
  readonly tags?: CallerTags;
}

/** Compiles a node's listeners, named `dubbo_ADDRESS_PORT` and `tri_ADDRESS_PORT`: all lead to the same routes. */
export function compileListeners(node: ProxyNode): Listener[] {
  const listener = (protocol: WireProtocol, { address, port }: ListenAddress): Listener => ({
    name: `${protocol}_${address}_${port}`,
    address: { socketAddress: { address, portValue: port } },
    metadata: {
      filterMetadata: {
        [TRESTLE_METADATA]: {
          protocol,
          routeConfigName: DUBBO_ROUTES,
          ...(node.applications && { applications: node.applications }),
          ...(node.tags && { tags: node.tags }),
        },
      },
    },
  });
  return [...node.dubbo.map((at) => listener("dubbo", at)), ...(node.tri ?? []).map((at) => listener("tri", at))];
}
