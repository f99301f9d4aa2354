import { type CallerTags, type Listener, TRESTLE_METADATA } from "../../codecs/xds/resources.ts";
import { DUBBO_ROUTES } from "./routes.ts";

/** One proxy process and where it listens. */
export interface ProxyNode {
  readonly id: string;
  /** Addresses that carry Dubbo2 calls. */
  readonly dubbo: readonly { readonly address: string; readonly port: number }[];
  /** Which application registered as a consumer from an address; only where a rule asks for it. */
  readonly applications?: Readonly<Record<string, string>>;
  /** Tags that consumers registered with. */
  readonly tags?: CallerTags;
}

/** Compiles a node's listeners, named `dubbo_ADDRESS_PORT`. */
export function compileListeners(node: ProxyNode): Listener[] {
  return node.dubbo.map(({ address, port }) => ({
    name: `dubbo_${address}_${port}`,
    address: { socketAddress: { address, portValue: port } },
    metadata: {
      filterMetadata: {
        [TRESTLE_METADATA]: {
          protocol: "dubbo",
          routeConfigName: DUBBO_ROUTES,
          ...(node.applications && { applications: node.applications }),
          ...(node.tags && { tags: node.tags }),
        },
      },
    },
  }));
}
