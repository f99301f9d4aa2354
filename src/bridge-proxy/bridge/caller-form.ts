import { CallError, ProtocolError } from "../../base/errors.ts";
import type { JavaSchema } from "../../codecs/java-schema.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { refuseClasses, refuseClassValues, refuseWrapped } from "../gateway/guard.ts";
import { dubboToJson, jsonToDubbo } from "./json-form.ts";
import { type CallSchemas, dubboToProtobuf, javaOf, protobufFormOf, protobufToDubbo } from "./protobuf-form.ts";
import { statusToJson, takesStatusAlone, toStatusReply } from "./status-reply.ts";
import { type DubboDestination, onlyMessage, type TripleReply, toDubboRequest, toTripleReply } from "./to-dubbo.ts";
import type { TripleAnswer } from "./to-triple.ts";

/** A call of a Triple port that is to be put into Dubbo2's form. */
export interface CallerCall {
  /** As rules have changed it. */
  readonly head: CallHead;
  /** The request's own. */
  readonly contentType: string;
  /** The request's own, with its query. */
  readonly path: string;
  /** What is known of the call's types, now. */
  readonly schemas: CallSchemas;
  readonly destination: DubboDestination;
  /** The Java classes that are known, whichever interface uses them. */
  readonly classes?: () => JavaSchema;
  /** The caller is outside the mesh: it names no Java classes. */
  readonly outside?: boolean;
}

/** A call in Dubbo2's form, and how an answer in that form becomes one in the caller's. */
export interface CallerForm {
  /** The request frame, id 0. */
  readonly frame: Buffer;
  /** Throws `ProtocolError` and CallError for an answer that cannot be one. */
  reply(bytes: Buffer, start: number, end: number): TripleReply;
  /** A provider's error that is a status of gRPC alone, in the caller's form; undefined for one that is to pass Dubbo2's. */
  status(answer: TripleAnswer): TripleReply | undefined;
  /** Of an answer that cannot be one for the caller. */
  readonly misfit: "undecodable" | "internal";
}

/**
 * The call in Dubbo2's form, whatever its caller speaks: JSON, protobuf, or Triple's wrapper. `content` is all of the request's. Throws
 * `ProtocolError` for a request that cannot be read, CallError for one that Dubbo2 has no form for.
 */
export function callerFormOf(call: CallerCall, content: Buffer, maxBodyBytes: number): CallerForm {
  const { head, contentType, path, schemas, destination } = call;
  if (head.kind === "json" || head.kind === "http") {
    if (call.outside === true) {
      refuseClasses(content, path.includes("?") ? path.slice(path.indexOf("?")) : "");
      if (isForm(contentType)) refuseClasses(NO_BYTES, `?${content.toString("utf8")}`);
    }
    const known = { java: javaOf(schemas), path, contentType };
    return {
      frame: jsonToDubbo(head, content, destination, known),
      reply: (bytes, start, end) => dubboToJson(bytes, start, end, call.outside),
      status: statusToJson,
      misfit: "undecodable",
    };
  }
  const message = onlyMessage(content, head.encoding, maxBodyBytes);
  const form = protobufFormOf(head, contentType, message, schemas);
  if (form !== undefined) {
    return {
      frame: protobufToDubbo(form, head, message, destination, call.outside === true ? refuseClassValues : undefined),
      reply: (bytes, start, end) => dubboToProtobuf(form, bytes, start, end),
      status: statusAsItIs,
      misfit: "internal",
    };
  }
  if (call.outside === true) refuseWrapped();
  const reply = takesStatusAlone(head, destination.service) ? toStatusReply : toTripleReply;
  return { frame: toDubboRequest(head, message, destination), reply, status: statusAsItIs, misfit: "undecodable" };
}

/** A status is the same for every caller that speaks gRPC. */
function statusAsItIs({ head, trailers }: TripleAnswer): TripleReply {
  const isAlone = head === null || trailers === null;
  return {
    head: head ?? trailers ?? [],
    body: undefined,
    trailers: isAlone ? undefined : trailers,
    isException: false,
  };
}

/** Throws CallError `unimplemented` for a call whose content is in a form that is carried alone: Connect's own of protobuf. */
export function refuseCarriedForms({ kind }: Pick<CallHead, "kind">, contentType: string): void {
  if (kind !== "proto" && kind !== "connect_stream") return;
  const text = `content of type ${JSON.stringify(contentType.slice(0, 100))} is not translated for this provider`;
  throw new CallError(
    "unimplemented",
    "untranslatable",
    `${text}: application/grpc, grpc-web and application/json are`,
  );
}

const NO_BYTES = Buffer.alloc(0);

function isForm(contentType: string): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(contentType);
}

/** The reason and text of a fault in a translation; undefined for what is none. */
export function faultIn(
  error: unknown,
  otherwise: CallerForm["misfit"] = "undecodable",
): Pick<CallError, "reason" | "message"> | undefined {
  if (error instanceof CallError) return error;
  return error instanceof ProtocolError ? { reason: otherwise, message: error.message } : undefined;
}
