import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { Finding } from "../../../model/entry.ts";
import type { Facade } from "../../../registry-sync/contracts.ts";
import type { OnLogin } from "../../../registry-sync/facades/logins.ts";
import type { PresentContext } from "../../../registry-sync/present/context.ts";
import type { FacadeConfig, RegistryConfig } from "../../config/config.ts";

/** What a facade is made from. */
export interface FacadeParts {
  readonly config: FacadeConfig;
  /** The registry that it stands before. */
  readonly registry: RegistryConfig;
  /** That registry's servers; not empty. */
  readonly upstream: readonly { readonly host: string; readonly port: number }[];
  readonly context: PresentContext;
  /** Does not step when somebody sets the machine's time. */
  readonly clock: Clock;
  readonly log: Logger;
  /** Hears of each finding once, until the next context. */
  readonly onFinding: (finding: Finding) => void;
  /** Hears of provider instances (`address:port`) that a client took out on purpose. */
  readonly onRemoval: (instances: readonly string[]) => void;
  /** Hears of clients that log in; undefined where nobody counts as anybody by that. */
  readonly onLogin: OnLogin | undefined;
  /** Whether a user of this registry counts as somebody where the registry vouches for him. */
  readonly isVouched: (username: string) => boolean;
}

/** Opens the facade of one protocol. Rejects when the address cannot be listened on. */
export type OpenFacadeOf = (parts: FacadeParts) => Promise<Facade>;
