import type { NacosCounters } from "./counters.ts";
import type { NamingParts } from "./naming.ts";
import type { TokenLogins } from "./token-logins.ts";

/** What all sessions of a facade share. */
export interface SessionShared extends Omit<NamingParts, "push" | "answer" | "clientAddress"> {
  readonly counters: NacosCounters;
  readonly now: () => number;
  /** Hears of instances (`address:port`) that a client took out on purpose. */
  readonly onRemoval?: (instances: readonly string[]) => void;
  /** Hears of tokens with which the registry did what a client asked. */
  readonly onAccepted?: (token: string) => void;
  readonly logins?: TokenLogins;
}
