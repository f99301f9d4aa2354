import { durationMs } from "../../codecs/xds/duration.ts";
import { PREVIOUS_HOSTS, PREVIOUS_PRIORITIES, type RetryPolicy } from "../../codecs/xds/route.ts";
import type { Outcome } from "./outcome.ts";

/** A retry policy, compiled. */
export interface RetryPlan {
  readonly attempts: number;
  /** 0 for none of its own. */
  readonly perTryTimeoutMs: number;
  /** Whether a call that ended so may be sent again. */
  readonly retriable: (outcome: Outcome) => boolean;
  /** The wait before try `n` (from 1), ms; `random` in [0, 1). */
  readonly backOffMs: (attempt: number, random: number) => number;
  /** Providers that had a try get no other one while there are others. */
  readonly avoidsTried: boolean;
  /** Nor do others of their priority, while there are other priorities. */
  readonly avoidsPriorities: boolean;
}

/** Flags of tries that nobody answered: connection not made, lost, no answer in its time (Envoy's read time-out). */
const RESETS: ReadonlySet<string> = new Set(["UF", "UC", "UT"]);

const GRPC_WORDS: Readonly<Record<string, number>> = {
  cancelled: 1,
  "deadline-exceeded": 4,
  internal: 13,
  "resource-exhausted": 8,
  unavailable: 14,
};

/** Envoy's default base interval, ms; the wait grows as it does there: random in [0, base * 2^n), at most ten times the base. */
const DEFAULT_BASE_MS = 25;

/** Answers that Envoy sends again for `retriable-4xx`. */
const CONFLICT = 409;

/**
 * Compiles a policy with `numRetries` above 0. Words mean the same whatever a call's protocol is; those that name nothing a call can meet here never match:
 * `retriable-headers`, `envoy-ratelimited`, `http3-post-connect-failure`, and `refused-stream`, since a stream that its provider did not begin goes elsewhere anyway.
 */
export function compileRetry(policy: RetryPolicy): RetryPlan {
  const words = new Set(policy.retryOn.split(",").map((word) => word.trim()));
  const codes = new Set(policy.retriableStatusCodes ?? []);
  const grpc = new Set([...words].flatMap((word) => (word in GRPC_WORDS ? [GRPC_WORDS[word]!] : [])));
  const baseMs = durationMs(policy.retryBackOff?.baseInterval) ?? DEFAULT_BASE_MS;
  const maxMs = durationMs(policy.retryBackOff?.maxInterval) ?? baseMs * 10;
  return {
    attempts: policy.numRetries,
    perTryTimeoutMs: durationMs(policy.perTryTimeout) ?? 0,
    retriable: (outcome) => {
      const { grpcStatus, responseCode, flags } = outcome;
      // A call that was one too many would be once more.
      if (grpcStatus === 0 || flags === "UO") return false;
      if (codes.has(responseCode) || grpc.has(grpcStatus)) return true;
      if (words.has("reset") && RESETS.has(flags)) return true;
      if (words.has("reset-before-request") && flags === "UF") return true;
      if (words.has("connect-failure") && (flags === "UF" || flags === "UH")) return true;
      if (words.has("retriable-4xx") && responseCode === CONFLICT) return true;
      if (words.has("5xx") && responseCode >= 500) return true;
      return words.has("gateway-error") && (RESETS.has(flags) || (responseCode >= 502 && responseCode <= 504));
    },
    backOffMs: (attempt, random) => Math.min(maxMs, baseMs * 2 ** attempt * random),
    avoidsTried: policy.retryHostPredicate?.some(({ name }) => name === PREVIOUS_HOSTS) === true,
    avoidsPriorities: policy.retryPriority?.name === PREVIOUS_PRIORITIES,
  };
}
