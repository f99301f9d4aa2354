import type { Outcome } from "../policies/outcome.ts";
import type { AnswerSink } from "../triple/caller-stream.ts";
import type { TripleTryOwner } from "../triple/stream-try.ts";
import type { TripleReply } from "./to-dubbo.ts";

/** Passes a translated answer on, which ends the call; it ends with an error where its caller does not take the head. */
export function passReply(
  owner: Pick<TripleTryOwner, "complete" | "tryFailed">,
  sink: AnswerSink,
  { head, body, trailers }: Pick<TripleReply, "head" | "body" | "trailers">,
  outcome: Outcome,
): void {
  sink.head(head, body === undefined && trailers === undefined, []);
  if (sink.fault !== undefined) {
    owner.tryFailed(sink.fault.reason, sink.fault.message, false);
    return;
  }
  if (body !== undefined) sink.data(body, trailers === undefined);
  if (trailers !== undefined) sink.trailers(trailers, []);
  owner.complete(outcome);
}
