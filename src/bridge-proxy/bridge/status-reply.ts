import { decodeResponse, isException } from "../../codecs/dubbo2/body.ts";
import { HESSIAN2, serializationId, status as statusOf } from "../../codecs/dubbo2/frame.ts";
import { OK } from "../../codecs/dubbo2/status.ts";
import { printJson } from "../../codecs/json-text.ts";
import { parseAnswer, printAnswerHead } from "../../codecs/triple/answer.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { exceptionIn, httpOfGrpc } from "../../codecs/triple/status.ts";
import type { ServiceKey } from "../../model/service.ts";
import { errorJson } from "./json-form.ts";
import { errorTrailers, thrownStatus } from "./protobuf-form.ts";
import { type TripleReply, toTripleReply } from "./to-dubbo.ts";
import type { TripleAnswer } from "./to-triple.ts";

/**
 * Whether the caller in interface style is Java to 3.1, as far as that can be told: it alone leaves out the version of a service in 1.0.0.
 * It knows no exceptions in the wrapper, and takes one for a value.
 */
export function takesStatusAlone(head: CallHead, service: ServiceKey): boolean {
  return head.version === "" && service.version === "1.0.0";
}

/**
 * The answer frame `bytes[start, end)` for such a caller: an exception is gRPC 2 with `class: message`, in the details too, as Java's
 * providers to 3.1 answer; all else as by {@link toTripleReply}, which throws too.
 */
export function toStatusReply(bytes: Buffer, start: number, end: number): TripleReply {
  const isRead = statusOf(bytes, start) === OK && serializationId(bytes, start) === HESSIAN2;
  if (!isRead || !isException(bytes, start, end)) return toTripleReply(bytes, start, end);
  const { grpc, text } = thrownStatus(decodeResponse(bytes, start, end).value ?? null);
  const head = [...printAnswerHead(), ...errorTrailers(grpc, text, true)];
  return { head, body: undefined, trailers: undefined, isException: true };
}

/**
 * A provider's error that is a status of gRPC alone, for a caller that speaks JSON: the number's HTTP status, and its text. Undefined for one
 * that names a Java exception in its details, which Dubbo2's form keeps with its class.
 */
export function statusToJson({ head, trailers }: Pick<TripleAnswer, "head" | "trailers">): TripleReply | undefined {
  const { grpc, message, details } = parseAnswer(head, trailers);
  if (details !== undefined && exceptionIn(details) !== undefined) return undefined;
  const http = httpOfGrpc(grpc);
  const text = message || details?.message || details?.detail || `grpc status ${grpc} without a text`;
  const body = Buffer.from(printJson(errorJson(http, text, undefined)));
  const fields = [":status", String(http), "content-type", "application/json", "content-length", String(body.length)];
  return { head: fields, body, trailers: undefined, isException: false };
}
