/** Of a port that takes TLS, what those callers get who ask for one of some names. */
export interface NamedChain {
  /** `*` for every name; undefined for all that no other chain of the port has. */
  readonly serverNames?: readonly string[] | undefined;
}

/** The chain for the name that a caller asks for: the one that names it, else the longest `*.` that covers it, else the one for all. */
export function chainFor<C extends NamedChain>(chains: readonly C[], serverName: string | undefined): C | undefined {
  const name = serverName?.toLowerCase() ?? "";
  let best: C | undefined;
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
