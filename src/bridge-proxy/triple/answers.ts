import type { OwnAnswer } from "../../codecs/dubbo2/status.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import { printJson } from "../../codecs/json-text.ts";
import { exceptionCodeOf } from "../../codecs/triple/answer.ts";
import { parseStatus, UNKNOWN } from "../../codecs/triple/status.ts";
import { encodeMessage, toField } from "../../codecs/triple/text.ts";
import { errorJson } from "../bridge/json-form.ts";
import { OK_EXCEPTION, type Outcome, outcomeOfGrpc, outcomeOfHttp } from "../policies/outcome.ts";
import type { CallerStream } from "./caller-stream.ts";

/** One of Trestle's own answers, as a head and, where the caller does not speak gRPC, a body behind it. */
export interface OwnReply {
  readonly fields: Fields;
  readonly body: Buffer | undefined;
}

/** Headers that somebody else says of an answer. */
export type SaidHeaders = readonly (readonly [name: string, value: string])[];

/**
 * What a caller with the request head `request` is told: gRPC callers a head that ends, all others JSON under a status; `said` are further
 * headers of it.
 */
export function ownReply(request: Fields, answer: OwnAnswer, message: string, said?: SaidHeaders): OwnReply {
  const more = said === undefined ? [] : said.flatMap(([name, value]) => fieldOf(name.toLowerCase(), value));
  const text = `trestle: ${message}`;
  const type = fieldValue(request, "content-type") ?? "";
  if (type.startsWith("application/grpc")) {
    const status = ["grpc-status", String(answer.grpc), "grpc-message", encodeMessage(text)];
    return { fields: [":status", "200", "content-type", type, ...status, ...more], body: undefined };
  }
  const body = Buffer.from(printJson(errorJson(answer.http, text, undefined)));
  const fields = [":status", String(answer.http), "content-type", "application/json"];
  return { fields: [...fields, "content-length", String(body.length), ...more], body };
}

/** How a call ended is not theirs to say. */
function fieldOf(name: string, value: string): string[] {
  return name.startsWith("grpc-") ? [] : [name, toField(name, value)];
}

/** Sends one of Trestle's own answers; a caller that takes no head of its length has its stream reset. */
export function sendReply(to: CallerStream, { fields, body }: OwnReply): void {
  to.head(fields, body === undefined, []);
  if (to.fault !== undefined) to.reset(ERROR.internal);
  else if (body !== undefined) to.data(body, true);
}

/** How a callee's answer ended by its head and what ended it; `trailers` is undefined where content did. */
export function outcomeOfFields(head: Fields, trailers: Fields | undefined): Outcome {
  const status = fieldValue(trailers ?? head, "grpc-status");
  if (status !== undefined) {
    const grpc = parseStatus(status);
    return grpc === 0 && exceptionCodeOf(head) !== 0 ? OK_EXCEPTION : outcomeOfGrpc(grpc);
  }
  const isGrpc = (fieldValue(head, "content-type") ?? "").startsWith("application/grpc");
  const http = Number(fieldValue(head, ":status"));
  return isGrpc && http === 200 ? outcomeOfGrpc(UNKNOWN) : outcomeOfHttp(http);
}
