import type { Passage } from "../../codecs/xds/listener.ts";
import type { TlsContext } from "../tls/contexts.ts";

/** How a gateway's port ends TLS for callers that ask for some names, and the routes that these have. */
export interface EndedChain {
  readonly routeConfigName: string;
  /** Undefined for all that no other chain of the port has. */
  readonly serverNames: readonly string[] | undefined;
  readonly tls: TlsContext;
  /** A caller need not show a certificate; one that it shows is checked. */
  readonly isOptional: boolean;
}

/** What becomes of connections that ask for some names: TLS is ended, or carried as it is. */
export type GatewayChain = EndedChain | Passage;

/** One of a passage's places, by weight; `random` is in [0, 1). Undefined where it has none. */
export function placeOf({ to }: Passage, random: number): Passage["to"][number] | undefined {
  let left = random * to.reduce((sum, { weight }) => sum + weight, 0);
  return to.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
}
