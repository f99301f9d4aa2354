import type { CheckedCall } from "../../codecs/xds/ext-authz.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { Changing, Mutations } from "../policies/mutations.ts";
import type { AskedCall, Denial } from "./asked.ts";
import { changedTarget } from "./changes.ts";

/** What only the call's protocol knows of it. */
export type CallText = Pick<CheckedCall, "method" | "headers" | "host" | "scheme" | "query" | "size" | "protocol">;

/** A call that waits for a server's word: what is read of it stays as it is meanwhile. */
export interface Subject {
  readonly header: HeaderLookup;
  readonly text: CallText;
  readonly inspect?: AskedCall["inspect"];
  /** Its caller waits no longer than this, ms. */
  readonly timeLeftMs: number;
}

/** What becomes of a call that a server was asked for. */
export type Settled =
  | { readonly denial: Denial }
  | {
      readonly denial: undefined;
      readonly changes: Mutations | undefined;
      readonly answerChanges: Mutations | undefined;
    };

/** Something is to be waited for. */
export interface Asking {
  /** Asks; `done` is called once, perhaps at once, unless the function that is returned gives up before. */
  ask(subject: Subject, done: (settled: Settled) => void): () => void;
}

/** An external server is to be asked. */
export interface Question extends Asking {
  /** What policies say of a call that the server let through. */
  settle(call: AskedCall): Denial | undefined;
  /** The same question, with more to be said of calls that the server let through. */
  with(settle: (call: AskedCall) => Denial | undefined): Question;
}

/** What is to be done with a call before it goes on to a destination. */
export interface Opening {
  readonly changes: Mutations | undefined;
  readonly question: Asking | undefined;
  /** Asked, counted and not waited for: policies that are only tried. */
  readonly trial?: Asking | undefined;
}

/** What the policies of one reading of a call ask for. */
export interface PolicyOpening extends Opening {
  readonly question: Question | undefined;
}

/** Both: a call that may be read in two ways is asked for by the first of them. */
export function joinOpenings(first: PolicyOpening, second: PolicyOpening): PolicyOpening {
  const other = second.question;
  return {
    changes: first.changes ?? second.changes,
    question: other === undefined ? first.question : (first.question?.with((call) => other.settle(call)) ?? other),
    trial: first.trial ?? second.trial,
  };
}

/** What becomes of a call behind its opening. */
export interface Passed<T> {
  /** To the destination with the call's own changes. */
  go(target: T): void;
  refuse(denial: Denial): void;
}

/**
 * Does what an opening asks for; `subject` is made where a server is asked. The function that is returned gives up the waiting, if there is
 * any: then neither is called.
 */
export function pass<T extends Changing & { readonly of?: T }>(
  opening: Opening,
  target: T,
  subject: () => Subject,
  then: Passed<T>,
): () => void {
  const { changes, question, trial } = opening;
  trial?.ask(subject(), () => {});
  if (question === undefined) {
    then.go(changedTarget(target, changes, undefined));
    return NOTHING;
  }
  return question.ask(subject(), (settled) => {
    if (settled.denial !== undefined) then.refuse(settled.denial);
    else then.go(changedTarget(target, settled.changes, settled.answerChanges));
  });
}

const NOTHING = (): void => {};
