import type { NacosCounters } from "./counters.ts";
import type { NamingParts } from "./naming.ts";
import type { ClientLogin, TokenLogins } from "./token-logins.ts";

/** What all sessions of a facade share. */
export interface SessionShared extends Omit<NamingParts, "push" | "answer" | "clientAddress"> {
  readonly counters: NacosCounters;
  readonly now: () => number;
  /** Hears of instances (`address:port`) that a client took out on purpose. */
  readonly onRemoval?: (instances: readonly string[]) => void;
  /** Of the one client whose session has it. */
  readonly login?: Pick<ClientLogin, "accepted" | "follow">;
  readonly logins?: TokenLogins;
}
