import type { RequestParts } from "../../codecs/dubbo2/body.ts";
import type { Fields } from "../../codecs/fields.ts";
import { decodeHessian2 } from "../../codecs/hessian2/reader.ts";
import { encodeHessian2 } from "../../codecs/hessian2/writer.ts";
import { parseAnswer } from "../../codecs/triple/answer.ts";
import { argTypesOf, decodeResponseWrapper, encodeRequestWrapper, isHessian } from "../../codecs/triple/body.ts";
import { codeOfGrpc } from "../../codecs/triple/status.ts";
import { decodeMessage } from "../../codecs/triple/text.ts";
import { HESSIAN4 } from "../../codecs/triple/transcode.ts";
import type { Value } from "../../codecs/value.ts";

/** How a call ended at the callee. */
export type WrappedOutcome =
  | { readonly type: "value" | "exception"; readonly value: Value }
  /** `status` is gRPC's number. */
  | { readonly type: "error"; readonly status: number; readonly name: string; readonly text: string };

/** A call's arguments as one message in Triple's wrapper, in Hessian2. Throws `ProtocolError` for arguments over the writer's limits. */
export function wrapRequest({ descriptor, args }: Pick<RequestParts, "descriptor" | "args">): Buffer {
  return encodeRequestWrapper({
    serializeType: HESSIAN4,
    args: args.map((arg) => encodeHessian2(arg)),
    argTypes: argTypesOf(descriptor),
  });
}

/**
 * What an answer says; `message` is its only one, undefined where there was none. Throws an `Error` with one line for an answer
 * that cannot be read.
 */
export function unwrapAnswer(
  head: Fields | null,
  trailers: Fields | null,
  message: Buffer | undefined,
): WrappedOutcome {
  const answer = parseAnswer(head, trailers);
  if (answer.type === "error") {
    const { grpc, details } = answer;
    const text = answer.message || decodeMessage(details?.message ?? "") || details?.detail || "";
    return { type: "error", status: grpc, name: codeOfGrpc(grpc), text };
  }
  if (message === undefined) throw new Error("the provider answered without a message");
  return { type: answer.type, value: decodeWrapped(message) };
}

function decodeWrapped(message: Buffer): Value {
  const wrapper = decodeResponseWrapper(message);
  if (!isHessian(wrapper.serializeType)) {
    const name = JSON.stringify(wrapper.serializeType.slice(0, 40));
    throw new Error(`the provider answered in serialization ${name}; hessian2 was asked for`);
  }
  // A void method's answer may come without data.
  return wrapper.data.length === 0 ? null : decodeHessian2(wrapper.data);
}
