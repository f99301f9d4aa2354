import { type CallReason, CODES } from "../../base/errors.ts";
import { type OwnAnswer, ownAnswer, OK as STATUS_OK, statusMeaning } from "../../codecs/dubbo2/status.ts";
import { grpcOfHttp, httpOfGrpc, UNKNOWN } from "../../codecs/triple/status.ts";

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

const BY_GRPC: readonly Outcome[] = CODES.map((_, grpc) => (grpc === 0 ? OK : outcome(httpOfGrpc(grpc), grpc, "-")));
const BY_HTTP: readonly Outcome[] = [1, 2, 3, 4, 5].flatMap((hundreds) =>
  Array.from({ length: 32 }, (_, i) => httpOutcome(hundreds * 100 + i)),
);

/** The outcome of a callee's own gRPC number; total. */
export function outcomeOfGrpc(grpc: number): Outcome {
  return BY_GRPC[grpc] ?? BY_GRPC[UNKNOWN]!;
}

/** The outcome of a callee's own HTTP status, of an answer without a gRPC one; a status that nobody registered counts as the first of its hundred. */
export function outcomeOfHttp(http: number): Outcome {
  const hundreds = Math.floor(http / 100);
  if (!(hundreds >= 1 && hundreds <= 5)) return outcomeOfGrpc(UNKNOWN);
  const rest = http - hundreds * 100;
  return BY_HTTP[(hundreds - 1) * 32 + (rest < 32 ? rest : 0)]!;
}

function httpOutcome(http: number): Outcome {
  return http === 200 ? OK : outcome(http, http < 400 ? 0 : grpcOfHttp(http), "-");
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
