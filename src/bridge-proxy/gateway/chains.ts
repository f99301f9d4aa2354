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

/** The chain for the name that a caller asks for: the one that names it, else the longest `*.` that covers it, else the one for all. */
export function chainFor(chains: readonly GatewayChain[], serverName: string | undefined): GatewayChain | undefined {
  const name = serverName?.toLowerCase() ?? "";
  let best: GatewayChain | undefined;
  let length = -1;
  for (const chain of chains) {
    for (const said of chain.serverNames ?? ["*"]) {
      const one = said === "*" ? "" : said;
      const fits = one === "" || one === name || (one.startsWith("*.") && name.endsWith(one.slice(1)));
      // A whole name is narrower than any that begins with a star.
      const weight = one === name ? Number.MAX_SAFE_INTEGER : one.length;
      if (!fits || weight <= length) continue;
      best = chain;
      length = weight;
    }
  }
  return best;
}
