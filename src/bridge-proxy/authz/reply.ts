import type { CallReason } from "../../base/errors.ts";
import { CODES } from "../../base/errors.ts";
import { codeOfHttp, type OwnAnswer, ownAnswer } from "../../codecs/dubbo2/status.ts";
import type { Denial } from "./asked.ts";

/** What a caller is told: by the reason alone, or where an external server says a status, by that; one of success is no success of the call. */
export function answerTo({
  reason,
  reply,
}: {
  readonly reason: CallReason;
  readonly reply?: Denial["reply"];
}): OwnAnswer {
  const answer = ownAnswer(reason);
  if (reply === undefined || reply.http === answer.http) return answer;
  const code = codeOfHttp(reply.http);
  if (code === "ok") return { ...answer, http: reply.http };
  return { ...answer, code, http: reply.http, grpc: CODES.indexOf(code) };
}
