import type { CallReason } from "../../base/errors.ts";
import { type OwnAnswer, ownAnswer, OK as STATUS_OK, statusMeaning } from "../../codecs/dubbo2/status.ts";

/** How a call ended, as metrics and `retryOn` see it: one row of the answer table of docs/rules.md, with an index of its own. */
export interface Outcome {
  readonly index: number;
  readonly responseCode: number;
  readonly grpcStatus: number;
  /** Envoy's response flags; `-` for none. */
  readonly flags: string;
  /** The callee answered with a business exception. */
  readonly exception: boolean;
}

const outcomes: Outcome[] = [];
const byKey = new Map<string, Outcome>();

/** The one outcome with these values; few exist, since rules and statuses are few. */
function outcome(responseCode: number, grpcStatus: number, flags: string, exception = false): Outcome {
  const key = `${responseCode} ${grpcStatus} ${flags} ${exception}`;
  let made = byKey.get(key);
  if (made === undefined) {
    made = { index: outcomes.length, responseCode, grpcStatus, flags, exception };
    outcomes.push(made);
    byKey.set(key, made);
  }
  return made;
}

/** The callee answered with a value or null. */
export const OK = outcome(200, 0, "-");
/** The callee answered with a business exception. */
export const OK_EXCEPTION = outcome(200, 0, "-", true);
/** The caller's own time-out passed without an answer: nobody waits any more. */
export const ABANDONED = outcome(504, 4, "DC");

const BY_STATUS: readonly Outcome[] = Array.from({ length: 256 }, (_, status) => {
  const { http, grpc } = statusMeaning(status);
  return status === STATUS_OK ? OK : outcome(http, grpc, "-");
});

/** The outcome of a callee's own answer by its status byte. */
export function outcomeOfStatus(status: number): Outcome {
  return BY_STATUS[status]!;
}

/** The outcome of a call that Trestle answered by itself. */
export function outcomeOfAnswer(answer: OwnAnswer): Outcome {
  return outcome(answer.http, answer.grpc, answer.flag);
}

/** The same by reason. */
export function outcomeOfReason(reason: CallReason): Outcome {
  return outcomeOfAnswer(ownAnswer(reason));
}

/** How many outcomes there are so far. */
export function outcomeCount(): number {
  return outcomes.length;
}

/** The outcome with that index. */
export function outcomeAt(index: number): Outcome {
  return outcomes[index]!;
}
