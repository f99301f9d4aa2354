import { abortAnswer, abortAnswerOfGrpc, type OwnAnswer } from "../../codecs/dubbo2/status.ts";
import type { CompiledRoute } from "../route.ts";

/** An answer that a rule gives in the providers' place. */
export interface RuleAnswer {
  readonly answer: OwnAnswer;
  readonly message: string;
}

/** How long a rule holds this call back, ms; 0 for not at all. `random` in [0, 1). */
export function delayOf({ fault }: CompiledRoute, random: () => number): number {
  return fault !== undefined && fault.delayMs > 0 && random() < fault.delayShare ? fault.delayMs : 0;
}

/** The abort that a rule injects into this call; undefined for none. */
export function abortOf({ fault, name }: CompiledRoute, random: () => number): RuleAnswer | undefined {
  if (fault === undefined || random() >= fault.abortShare) return undefined;
  const { abortHttp, abortGrpc } = fault;
  const answer = abortHttp === undefined ? abortAnswerOfGrpc(abortGrpc ?? 14) : abortAnswer(abortHttp);
  return { answer, message: `fault injected by rule ${name}` };
}

/** What a rule answers to this call by itself: an injected abort, else its direct response; undefined where the call goes on. */
export function answerOf(route: CompiledRoute, random: () => number): RuleAnswer | undefined {
  const { name, directStatus, directBody } = route;
  const abort = abortOf(route, random);
  if (abort !== undefined || directStatus === undefined) return abort;
  return { answer: abortAnswer(directStatus), message: directBody.toString() || `direct response of rule ${name}` };
}
