import { CallError } from "../../base/errors.ts";
import { abortAnswer } from "../../codecs/dubbo2/status.ts";
import type { RequestHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";
import { abortOf } from "../policies/fault.ts";
import { type Outcome, outcomeOfAnswer } from "../policies/outcome.ts";
import type { CompiledRoute } from "../route.ts";
import { authorityOf, changedHead, cutTarget } from "./head.ts";

/** What a rule answers in its service's place. */
export interface RuledAnswer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly fields: readonly Field[];
  readonly outcome: Outcome;
}

/**
 * What a rule answers to a request by itself: an injected abort, else its redirect or direct response; undefined where the request goes on. An
 * error where what the rule adds cannot be written.
 */
export function ruledAnswer(
  route: CompiledRoute,
  head: RequestHead,
  random: () => number,
): RuledAnswer | CallError | undefined {
  const abort = abortOf(route, random);
  if (abort !== undefined) {
    const { answer, message } = abort;
    return { status: answer.http, body: `trestle: ${message}\n`, fields: [], outcome: outcomeOfAnswer(answer) };
  }
  const { redirect, directStatus, directBody, answerMutations } = route;
  const status = redirect?.status ?? directStatus;
  if (status === undefined) return undefined;
  const change = changedHead(answerMutations);
  if (change instanceof CallError) return change;
  const location: Field[] = redirect === undefined ? [] : [["location", redirect.location(placeOf(head))]];
  const fields = [...location, ...(change?.fields ?? [])];
  return { status, body: directBody, fields, outcome: outcomeOfAnswer(abortAnswer(status)) };
}

/** By what a request came is what a gateway says, and in the mesh a caller of whoever called it. */
function placeOf(head: RequestHead) {
  const { path, query } = cutTarget(head);
  const scheme = head.fields.get("x-forwarded-proto") === "https" ? ("https" as const) : ("http" as const);
  return { scheme, authority: authorityOf(head), path, query };
}
