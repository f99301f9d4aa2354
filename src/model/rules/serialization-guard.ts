import type { PolicyScope } from "./authorization.ts";
import type { RuleIdentity } from "./located.ts";

/** Trestle's own SerializationGuard: what Dubbo2 calls may hold on their way to providers that read whatever comes. */
export interface SerializationGuard extends RuleIdentity, PolicyScope {
  readonly kind: "SerializationGuard";
  /** The classes that are denied by default are denied too. */
  readonly defaults: boolean;
  /** Class names, or beginnings of them with `*` behind. */
  readonly denyClasses: readonly string[];
  /** The same; empty for all that is not denied. */
  readonly allowClasses: readonly string[];
  readonly maxBodyBytes: number | undefined;
  readonly maxDepth: number | undefined;
  /** It only counts and logs what it would refuse. */
  readonly dryRun: boolean;
}
