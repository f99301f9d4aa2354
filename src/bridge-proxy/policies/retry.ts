import { durationMs } from "../../codecs/xds/duration.ts";
import type { RetryPolicy } from "../../codecs/xds/resources.ts";
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
}

const GRPC_WORDS: Readonly<Record<string, number>> = {
  cancelled: 1,
  "deadline-exceeded": 4,
  internal: 13,
  "resource-exhausted": 8,
  unavailable: 14,
};

/** Envoy's default base interval, ms; the wait grows as it does there: random in [0, base * 2^n), at most ten times the base. */
const DEFAULT_BASE_MS = 25;

/** Compiles a policy with `numRetries` above 0. Words that name nothing a Dubbo call can meet never match. */
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
      if (outcome.grpcStatus === 0) return false;
      if (codes.has(outcome.responseCode)) return true;
      if (grpc.has(outcome.grpcStatus)) return true;
      if (outcome.flags === "UF" || outcome.flags === "UH")
        return words.has("connect-failure") || fiveHundreds(words, outcome);
      if (outcome.flags === "UC") return words.has("reset") || fiveHundreds(words, outcome);
      return fiveHundreds(words, outcome);
    },
    backOffMs: (attempt, random) => Math.min(maxMs, baseMs * 2 ** attempt * random),
  };
}

function fiveHundreds(words: ReadonlySet<string>, outcome: Outcome): boolean {
  if (words.has("5xx")) return outcome.responseCode >= 500;
  return words.has("gateway-error") && outcome.responseCode >= 502 && outcome.responseCode <= 504;
}
