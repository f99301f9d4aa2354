import { type DescMethod, fromJson, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { firstLine } from "../../base/clean-text.ts";
import { CallError, ProtocolError } from "../../base/errors.ts";
import { decodeResponse, isException } from "../../codecs/dubbo2/body.ts";
import { OK } from "../../codecs/dubbo2/status.ts";
import { compileJava, type JavaSchema } from "../../codecs/java-schema.ts";
import { parseJson } from "../../codecs/json-text.ts";
import { decodeMessage } from "../../codecs/protobuf/decode.ts";
import { javaToMessage } from "../../codecs/protobuf/from-java.ts";
import { nodeToPlain } from "../../codecs/protobuf/messages.ts";
import { argumentsOf, planOf, streamPlanOf } from "../../codecs/protobuf/plan.ts";
import { type GrpcService, grpcMethodOfJava, grpcServiceOf } from "../../codecs/protobuf/service.ts";
import { JavaBuilder } from "../../codecs/protobuf/to-java.ts";
import { restServiceOf } from "../../codecs/rest/mapping.ts";
import { printTrailers } from "../../codecs/triple/answer.ts";
import { looksWrapped, refuseBrokenWrapper } from "../../codecs/triple/body.ts";
import { ENVELOPE_BYTES, encodeEnvelope } from "../../codecs/triple/envelope.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { grpcOfDubbo2, grpcOfRpcException, UNKNOWN } from "../../codecs/triple/status.ts";
import { fieldOf, isObject, type MapValue, type Value } from "../../codecs/value.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { genericArguments, genericRequest, thrownBy } from "./json-form.ts";
import { checkedTrailers, type DubboDestination, type TripleReply } from "./to-dubbo.ts";

/** Characters of an error's text: gRPC's callers take lists of fields up to 8 KB. */
const MAX_TEXT = 2048;
const MAX_HINT = 100;

/** What is known of the types of a call: as its caller names the service, and as its callee does. */
export interface CallSchemas {
  readonly caller: ServiceSchema | undefined;
  readonly callee: ServiceSchema | undefined;
  /** The callee is called by its REST mapping. */
  readonly isMapped?: boolean;
}

/** How the messages of a protobuf call are translated. */
export interface ProtobufForm {
  readonly service: GrpcService;
  readonly method: DescMethod;
  readonly java: JavaSchema | undefined;
  /** As the request has it: answers have the same. */
  readonly contentType: string;
}

/** Java's types of the destination, read, as its metadata or, for one that is called by it, its REST mapping has them; undefined where they are not known. */
export function javaOf({ callee, isMapped }: CallSchemas): JavaSchema | undefined {
  const java = (isMapped === true ? restServiceOf(callee)?.java : undefined) ?? callee?.java;
  return java === undefined ? undefined : compileJava(java);
}

/**
 * The form of a gRPC-framed call whose first message is `message`; undefined for one in Triple's wrapper. Throws CallError
 * `unimplemented` where nothing is known of the service's messages, or of the method; `ProtocolError` for a broken wrapper.
 */
export function protobufFormOf(
  head: CallHead,
  contentType: string,
  message: Buffer,
  schemas: CallSchemas,
): ProtobufForm | undefined {
  if (head.kind === "wrapper") return undefined;
  const isWrapped = looksWrapped(message);
  const service = isWrapped ? readableService(schemas.caller) : grpcServiceOf(schemas.caller);
  // Where a .proto file and a Java interface name a method alike, what looks wrapped is; nobody else begins methods' names with small letters.
  const exact = service?.methods.get(head.method);
  if (isWrapped && (exact === undefined || /^[a-z]/.test(head.method))) return undefined;
  if (service === undefined) {
    refuseBrokenWrapper(message);
    const sources = "in a .proto file under protos:, by gRPC reflection, or in a metadata report";
    throw untranslatable(`the protobuf messages of ${head.interface} are not known here: they may be said ${sources}`);
  }
  const method = exact ?? grpcMethodOfJava(service, head.method);
  if (method === undefined) {
    throw untranslatable(`service ${service.name} has no method ${head.method} in the schema that is known here`);
  }
  return { service, method, java: javaOf(schemas), contentType };
}

/** The service of a schema; undefined where its descriptors cannot be read, which is no fault of a call that needs none. */
function readableService(schema: ServiceSchema | undefined): GrpcService | undefined {
  try {
    return grpcServiceOf(schema);
  } catch (error) {
    if (error instanceof CallError) return undefined;
    throw error;
  }
}

/**
 * A protobuf call as a Dubbo2 request frame, id 0: a generic call, with the parameters' types where they are known. Throws CallError
 * `unimplemented` for a method that no call of Dubbo2 can be, what `check` throws of the arguments, `ProtocolError` for a message that cannot be read or does not fit.
 */
export function protobufToDubbo(
  form: ProtobufForm,
  head: CallHead,
  bytes: Buffer,
  to: DubboDestination,
  check?: (args: readonly Value[], named: ReadonlySet<Value>) => void,
): Buffer {
  const { method, java } = form;
  const plan = planOf(method, java);
  const message = reflect(method.input, decodeProtobuf(form, bytes), false);
  const builder = new JavaBuilder({ java, beans: "maps", defaults: false });
  const args = argumentsOf(plan, message, builder);
  check?.(args, builder.named);
  return genericRequest(head, genericArguments(plan.method, plan.types, args), to);
}

/** The arguments of a protobuf call, of a stream's first message, as rules see them: those that a Java provider would get; none where it can be none there. */
export class ProtobufView {
  readonly isGeneric = false;
  readonly effectiveMethod: string;
  readonly #form: ProtobufForm;
  readonly #message: Buffer;
  #arguments: Value[] | undefined;

  constructor(form: ProtobufForm, message: Buffer) {
    this.#form = form;
    this.#message = message;
    this.effectiveMethod = form.method.name;
  }

  /** Argument `n` (from 0); undefined beyond the last. Throws `ProtocolError` for bytes that are no message, or do not fit. */
  effectiveArgument(n: number): Value | undefined {
    this.#arguments ??= this.#read();
    return this.#arguments[n];
  }

  #read(): Value[] {
    const { method, java } = this.#form;
    const message = reflect(method.input, decodeProtobuf(this.#form, this.#message), false);
    try {
      const plan = method.methodKind === "unary" ? planOf(method, java) : streamPlanOf(method, java);
      return argumentsOf(plan, message, new JavaBuilder({ java, beans: "maps", defaults: true }));
    } catch (error) {
      if (error instanceof CallError) return [];
      throw error;
    }
  }
}

/**
 * A request message of the form, in binary or, where the call says so, in JSON of no more than a million values. Throws
 * ProtocolError("protobuf", ...) for what is none.
 */
export function decodeProtobuf({ method, service, contentType }: ProtobufForm, bytes: Buffer): Message {
  if (!isJson(contentType)) return decodeMessage(method.input, bytes);
  try {
    return fromJson(method.input, nodeToPlain(parseJson(bytes.toString("utf8"))), { registry: service.types });
  } catch (error) {
    throw new ProtocolError("protobuf", `no ${method.input.typeName}: ${(error as Error).message}`);
  }
}

function isJson(contentType: string): boolean {
  return /^application\/grpc\+json\b/i.test(contentType);
}

/**
 * The answer frame `bytes[start, end)` of a Dubbo2 provider for a caller that speaks protobuf. Throws `ProtocolError` for one that cannot be
 * read, or whose value does not fit the method's message.
 */
export function dubboToProtobuf(form: ProtobufForm, bytes: Buffer, start: number, end: number): TripleReply {
  const { status, type, value, text, attachments } = decodeResponse(bytes, start, end);
  if (status !== OK) return statusReply(form, status, text);
  if (type === "exception") return exceptionReply(form, value, isException(bytes, start, end));
  const { method, contentType } = form;
  const message = encodeProtobuf(form, javaToMessage(method.output, value));
  const trailers = printTrailers({ grpc: 0, attachments: pairsOf(attachments) }).fields;
  return {
    head: [":status", "200", "content-type", contentType],
    body: Buffer.concat([encodeEnvelope(message.length), message], ENVELOPE_BYTES + message.length),
    trailers: checkedTrailers(trailers),
    isException: false,
  };
}

/** An answer message of the form, in what its caller wants. Throws ProtocolError("protobuf", ...) for one that cannot be written. */
export function encodeProtobuf({ method, service, contentType }: ProtobufForm, message: Message): Uint8Array {
  try {
    if (!isJson(contentType)) return toBinary(method.output, message);
    return Buffer.from(JSON.stringify(toJson(method.output, message, { registry: service.types })));
  } catch (error) {
    throw new ProtocolError("protobuf", `the answer is no ${method.output.typeName}: ${(error as Error).message}`);
  }
}

/** A status of Dubbo2 with the first line of its text: behind that stands a stack trace, which is none of a caller's business. */
function statusReply(form: ProtobufForm, status: number, text: string): TripleReply {
  const line = firstLine(text) || `dubbo2 status ${status}`;
  return errorReply(form, isMissing(line) ? 12 : grpcOfDubbo2(status), line, false);
}

/** Whether this is what Java's GenericFilter says of a method that its interface does not have. */
function isMissing(text: string): boolean {
  return /No such method |java\.lang\.NoSuchMethodException/.test(text);
}

/** What an exception of the callee is to a caller that speaks gRPC. */
export interface Thrown {
  readonly grpc: number;
  readonly text: string;
}

/** A callee's exception: its class and message as the status's text. */
export function thrownStatus(thrown: Value): Thrown {
  const { className, message } = thrownBy(thrown);
  const isRpc = isObject(thrown) && thrown.shape.name.endsWith(".RpcException");
  const code = isRpc ? fieldOf(thrown, "code") : undefined;
  const grpc = isRpc ? grpcOfRpcException(typeof code === "number" ? code : 0) : UNKNOWN;
  const text = message === "" ? className : `${className}: ${message}`;
  return { grpc: isRpc && grpc === UNKNOWN && isMissing(message) ? 12 : grpc, text };
}

function exceptionReply(form: ProtobufForm, thrown: Value, isThrown: boolean): TripleReply {
  const { grpc, text } = thrownStatus(thrown);
  return errorReply(form, grpc, text, isThrown);
}

/** What a provider says of a generic call whose arguments are not those of the method, or of one of several. */
const MISFIT = /args\.length != types\.length|Not unique method/;

function errorReply(form: ProtobufForm, grpc: number, text: string, isThrown: boolean): TripleReply {
  const hint =
    form.java === undefined && MISFIT.test(text) ? "; Java's types of the method are not known to trestle" : "";
  const fields = errorTrailers(grpc, text.slice(0, MAX_TEXT) + hint, isThrown);
  const head = [":status", "200", "content-type", form.contentType, ...fields];
  return { head, body: undefined, trailers: undefined, isException: isThrown };
}

/** The trailers of an error; `isThrown`: an exception of the callee, which is in its details too. */
export function errorTrailers(grpc: number, text: string, isThrown: boolean): string[] {
  const message = text.slice(0, MAX_TEXT + MAX_HINT);
  const details = { code: grpc, message, stackTrace: [], detail: message };
  return printTrailers({ grpc, message, ...(isThrown && { details }) }).fields;
}

function pairsOf(attachments: MapValue | null): [string, Value][] {
  return (attachments?.entries ?? []).filter((entry): entry is [string, Value] => typeof entry[0] === "string");
}

function untranslatable(text: string): CallError {
  return new CallError("unimplemented", "untranslatable", text);
}
