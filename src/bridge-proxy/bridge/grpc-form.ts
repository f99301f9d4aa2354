import { type DescMethod, type Message, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { CallError, ProtocolError } from "../../base/errors.ts";
import { encodeExceptionAnswer } from "../../codecs/dubbo2/answer.ts";
import { encodeOutcome, PROTOCOL_VERSION, supportsResponseAttachments } from "../../codecs/dubbo2/body.ts";
import { HEADER_BYTES, HESSIAN2, serializationId } from "../../codecs/dubbo2/frame.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import { compileJava, type JavaMethodForm, type JavaSchema } from "../../codecs/java-schema.ts";
import { parseDescriptors, printJavaType } from "../../codecs/java-types.ts";
import { decodeMessage } from "../../codecs/protobuf/decode.ts";
import { fieldsInOrder, fieldsToMessage, javaToMessage } from "../../codecs/protobuf/from-java.ts";
import { fieldNamed, inOrder } from "../../codecs/protobuf/java-names.ts";
import { resultOf } from "../../codecs/protobuf/result.ts";
import { type GrpcService, grpcMethodOfJava, grpcServiceOf } from "../../codecs/protobuf/service.ts";
import { JavaBuilder } from "../../codecs/protobuf/to-java.ts";
import { parseAnswer } from "../../codecs/triple/answer.ts";
import { encodeEnvelope } from "../../codecs/triple/envelope.ts";
import { isContainer, type Value } from "../../codecs/value.ts";
import type { JavaDefinition, ServiceSchema } from "../../model/schema.ts";
import { argumentValues, beanAnswer, type ValueForm, valueFormOf } from "./generic-form.ts";
import {
  errorFrame,
  providerHead,
  type TripleAnswer,
  type TripleDestination,
  type TripleRequest,
  toTripleRequest,
  withCountdown,
} from "./to-triple.ts";

const scanned = new RequestHead();

/** A Dubbo2 call in protobuf's form, and how its answer is read. */
export interface GrpcRequest extends TripleRequest {
  readonly method: DescMethod;
  readonly java: JavaSchema | undefined;
  /** The Java method; undefined where it is not known which, or what it returns. */
  readonly javaMethod: JavaMethodForm | undefined;
  readonly values: ValueForm;
}

/**
 * The request frame as a call to a provider that speaks Triple: protobuf where a gRPC service of that name is known, else Triple's
 * wrapper. Throws as {@link toGrpcRequest} and {@link toTripleRequest}.
 */
export function toTripleOrGrpc(
  frame: Buffer,
  to: TripleDestination,
  schema: ServiceSchema | undefined,
): TripleRequest | GrpcRequest {
  const service = grpcServiceOf(schema);
  return service === undefined ? toTripleRequest(frame, to) : toGrpcRequest(frame, to, service, schema?.java);
}

/**
 * The request frame as a call to a gRPC service that takes protobuf. Throws CallError `unimplemented` for a body that is not Hessian2, a
 * method that the service does not have or that is a stream, and a form of generic call that cannot be made; `ProtocolError` for a body
 * that cannot be read, and arguments that do not fit the message.
 */
export function toGrpcRequest(
  frame: Buffer,
  to: TripleDestination,
  service: GrpcService,
  definition: JavaDefinition | undefined,
): GrpcRequest {
  if (serializationId(frame, 0) !== HESSIAN2) {
    throw untranslatable(`serialization ${serializationId(frame, 0)} is not translated to protobuf`);
  }
  try {
    scanned.scan(frame, HEADER_BYTES, frame.length);
    const method = methodOf(service, scanned.effectiveMethod);
    const values = valueFormOf(scanned, "protobuf");
    const java = definition === undefined ? undefined : compileJava(definition);
    const args = argumentValues(scanned, values);
    const javaMethod = java === undefined ? undefined : overloadOf(java, scanned, args.length);
    const message = encodeArguments(method, args, javaMethod?.names);
    const fields = providerHead(withCountdown(to, scanned), {
      path: service.name,
      method: method.name,
      application: scanned.attachments().get("remote.application"),
      attachments: attachmentsOf(scanned),
    });
    return {
      fields,
      body: Buffer.concat([encodeEnvelope(message.length), message]),
      readsAttachments: supportsResponseAttachments(scanned.protocolVersion),
      method,
      java,
      javaMethod,
      values,
    };
  } finally {
    scanned.release();
  }
}

function methodOf(service: GrpcService, name: string): DescMethod {
  const method = grpcMethodOfJava(service, name);
  if (method === undefined)
    throw untranslatable(`gRPC service ${service.name} has no method for ${name.slice(0, 200)}`);
  if (method.methodKind !== "unary") throw untranslatable(`${method.name} is a stream, which is not translated`);
  return method;
}

/** The overload that is called: by its parameters' types where the call names them, else the only one with as many. */
function overloadOf(java: JavaSchema, head: RequestHead, count: number): JavaMethodForm | undefined {
  const overloads = java.methods(head.effectiveMethod).filter(({ parameters }) => parameters.length === count);
  const types = head.isGeneric ? typesNamed(head) : parseDescriptors(head.descriptor).map(printJavaType);
  const named = overloads.find(({ erased }) => erased.join() === types?.join());
  return named ?? (overloads.length === 1 ? overloads[0] : undefined);
}

function typesNamed(head: RequestHead): Value[] | undefined {
  const types = head.argument(1) ?? null;
  return isContainer(types) && types.type === "list" ? types.items : undefined;
}

/** Arguments as the method's message: one as {@link javaToMessage} has it, several each a field, by their names or in order. */
function requestMessage(method: DescMethod, args: readonly Value[], names: readonly string[] | undefined): Message {
  const { input } = method;
  if (args.length === 1) return javaToMessage(input, args[0]!);
  if (args.length === 0) return javaToMessage(input, null);
  const fields = (names ?? []).map((name) => fieldNamed(input, name));
  const isNamed = names !== undefined && !fields.includes(undefined) && new Set(fields).size === inOrder(input).length;
  if (isNamed)
    return fieldsToMessage(
      input,
      args.map((arg, i) => [fields[i]!, arg]),
    );
  return fieldsToMessage(input, fieldsInOrder(input, args));
}

/**
 * Arguments as a request message of the method: by `names` where each is a field, else in their order. Throws ProtocolError("protobuf", ...)
 * where they do not fit.
 */
export function encodeArguments(
  method: DescMethod,
  args: readonly Value[],
  names: readonly string[] | undefined,
): Uint8Array {
  const { input } = method;
  const message = requestMessage(method, args, names);
  try {
    return toBinary(input, message);
  } catch (error) {
    throw new ProtocolError("protobuf", `the arguments are no ${input.typeName}: ${(error as Error).message}`);
  }
}

function attachmentsOf(head: RequestHead): Map<string, Value> {
  const attachments = head.attachments();
  const said = new Map<string, Value>();
  for (let i = 0; i < attachments.size; i++) {
    const name = attachments.keyText(i);
    const value = attachments.valueText(i);
    // A generic call is not one over there.
    if (name !== undefined && value !== undefined && name !== "generic") said.set(name, value);
  }
  return said;
}

/** Whether a request is in protobuf's form. */
export function isGrpcRequest(request: TripleRequest): request is GrpcRequest {
  return "method" in request;
}

/**
 * The answer as a Dubbo2 frame for the request with this id. One that cannot be read, or that does not fit what the Java method returns, is a
 * RuntimeException: the callee has done its work, and what is no exception would be sent again.
 */
export function grpcToDubbo(
  idHigh: number,
  idLow: number,
  request: GrpcRequest,
  { head, message, trailers }: TripleAnswer,
): Buffer {
  const answer = parseAnswer(head, trailers);
  if (answer.type === "error") return errorFrame(idHigh, idLow, answer);
  // Every Dubbo2 provider says its protocol version there.
  const attachments = { ...Object.fromEntries(answer.attachments), dubbo: PROTOCOL_VERSION };
  try {
    const value = resultValue(request, message);
    return encodeOutcome(idHigh, idLow, { type: "value", value, ...(request.readsAttachments && { attachments }) });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const text = `trestle: the provider's answer cannot be translated: ${error.message}`;
    return encodeExceptionAnswer(idHigh, idLow, HESSIAN2, text);
  }
}

function resultValue({ method, java, javaMethod, values }: GrpcRequest, message: Buffer | undefined): Value {
  if (message === undefined) throw new ProtocolError("protobuf", "answer without a message");
  const beans = values.form === "generic" ? "maps" : "objects";
  const builder = new JavaBuilder({ java, beans, defaults: true, typeUrls: true });
  const answer = reflect(method.output, decodeMessage(method.output, message), false);
  const value = resultOf(answer, javaMethod?.returns, java, builder);
  if (values.form !== "bean") return value;
  return beanAnswer(value, values, (name) => {
    if (java?.constants(name) !== undefined) return true;
    return java?.properties(name) === undefined ? undefined : false;
  });
}

function untranslatable(text: string): CallError {
  return new CallError("unimplemented", "untranslatable", text);
}
