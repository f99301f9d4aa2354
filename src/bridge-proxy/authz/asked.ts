import type { CallReason } from "../../base/errors.ts";
import type { CallFacts } from "./predicate.ts";
import type { SerializationCheck } from "./serialization.ts";

/**
 * Calls `done` once it is time to decide again, unless the function that is returned gives up before; the caller waits no longer than `timeLeftMs`.
 * `caller` is its address, where that is not known already.
 */
export type Later = (timeLeftMs: number, done: () => void, caller?: string) => () => void;

/** Why a call may not go on. */
export interface Denial {
  readonly reason: Extract<CallReason, "denied" | "unauthenticated" | "undecodable" | "rate_limited">;
  /** It may be decided otherwise in a moment; it is not counted then. */
  readonly later?: Later;
  /** For the caller. */
  readonly message: string;
  /** The policy's rule; `""` where no ALLOW rule matched. */
  readonly policy: string;
  /** What a caller that speaks HTTP is answered, where an external server says it. */
  readonly reply?: {
    readonly http: number;
    readonly body: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
  };
}

/** A call as far as policies may ask for it. */
export type AskedCall = Pick<CallFacts, "header"> & {
  /** Lets a guard look at what the call holds and says what is wrong with it; absent where nothing can be looked at. */
  readonly inspect?: (check: SerializationCheck) => string | undefined;
  /** It has waited, and is decided for good. */
  readonly hasWaited?: true;
};
