import { ProtocolError } from "../../base/errors.ts";
import type { AskedCall, Later } from "./asked.ts";
import { type Decision, isDenial } from "./gate.ts";
import type { Asking, Settled, Subject } from "./question.ts";

const NOTHING = (): void => {};

/** Has a call wait, and decides it for good then. */
export function decideLater(later: Later, decide: (call: AskedCall) => Decision | undefined): Asking {
  return {
    ask(subject, done) {
      const sinceMs = performance.now();
      let stop = NOTHING;
      const giveUp = later(subject.timeLeftMs, () => {
        const timeLeftMs = Math.max(1, subject.timeLeftMs - (performance.now() - sinceMs));
        stop = goOn({ ...subject, timeLeftMs }, decide, done);
      });
      return () => {
        giveUp();
        stop();
      };
    },
  };
}

function goOn(
  subject: Subject,
  decide: (call: AskedCall) => Decision | undefined,
  done: (settled: Settled) => void,
): () => void {
  const { header, inspect } = subject;
  let decision: Decision | undefined;
  try {
    decision = decide({ header, hasWaited: true, ...(inspect !== undefined && { inspect }) });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    done({ denial: { reason: "denied", message: error.message, policy: "" } });
    return NOTHING;
  }
  if (decision !== undefined && isDenial(decision)) {
    done({ denial: decision });
    return NOTHING;
  }
  decision?.trial?.ask(subject, NOTHING);
  if (decision?.question !== undefined) return decision.question.ask(subject, done);
  done({ denial: undefined, changes: decision?.changes, answerChanges: undefined });
  return NOTHING;
}
