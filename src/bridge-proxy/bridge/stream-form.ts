import type { DescMethod } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { CallError, ProtocolError } from "../../base/errors.ts";
import { Hessian2Reader } from "../../codecs/hessian2/reader.ts";
import { encodeHessian2 } from "../../codecs/hessian2/writer.ts";
import { withClasses } from "../../codecs/java-classes.ts";
import { compileJava, type JavaMethodForm, type JavaSchema } from "../../codecs/java-schema.ts";
import { streamForms } from "../../codecs/java-streams.ts";
import { parseJavaType } from "../../codecs/java-types.ts";
import { decodeMessage } from "../../codecs/protobuf/decode.ts";
import { javaToMessage } from "../../codecs/protobuf/from-java.ts";
import { argumentsOf, type CallPlan, streamPlanOf } from "../../codecs/protobuf/plan.ts";
import { resultOf } from "../../codecs/protobuf/result.ts";
import { grpcMethodOfJava, grpcServiceOf, javaNameOf } from "../../codecs/protobuf/service.ts";
import { JavaBuilder } from "../../codecs/protobuf/to-java.ts";
import {
  classNameOf,
  decodeRequestWrapper,
  decodeResponseWrapper,
  encodeRequestWrapper,
  encodeResponseWrapper,
  isHessian,
} from "../../codecs/triple/body.ts";
import { FASTJSON2_TYPE, readFastjson2 } from "../../codecs/triple/fastjson2.ts";
import { HESSIAN4 } from "../../codecs/triple/transcode.ts";
import { isObject, type Value } from "../../codecs/value.ts";
import type { ServiceSchema } from "../../model/schema.ts";
import { refuseWrapped } from "../gateway/guard.ts";
import type { CallerCall } from "./caller-form.ts";
import { ANY_TYPE } from "./dubbo-forms.ts";
import { encodeArguments } from "./grpc-form.ts";
import {
  decodeProtobuf,
  encodeProtobuf,
  javaOf,
  type ProtobufForm,
  type Thrown,
  thrownStatus,
} from "./protobuf-form.ts";

/** How the messages of a stream are translated, each by itself. All throw `ProtocolError` for what cannot be read or does not fit. */
export interface StreamForm {
  /** The method as the provider names it. */
  readonly method: string;
  /** Of answers, as the caller knows it. */
  readonly contentType: string;
  /** A message of the caller for the provider. */
  request(message: Buffer): Uint8Array;
  /** A message of the provider for the caller. */
  answer(message: Buffer): Uint8Array;
  /** What a message is that stands for an exception; undefined where the provider's messages never do. */
  readonly thrown: ((message: Buffer) => Thrown) | undefined;
}

/**
 * The form of a call between Triple's wrapper and protobuf where its method is a stream; undefined for every other one. `callee`: what the
 * provider's messages are, undefined for the wrapper. Throws CallError `unimplemented` where its messages do not fit Java's types, or those have no such method.
 */
export function streamFormOf(call: CallerCall, callee: ServiceSchema | undefined): StreamForm | undefined {
  const { head, schemas, contentType } = call;
  if (head.kind === "json" || head.kind === "http") return undefined;
  const service = grpcServiceOf(callee ?? schemas.caller);
  if (service === undefined) return undefined;
  const method = callee === undefined ? service.methods.get(head.method) : grpcMethodOfJava(service, head.method);
  if (method === undefined || method.methodKind === "unary") return undefined;
  return callee === undefined
    ? toWrapper(
        { service, method, java: javaFor(call, javaOf(schemas)), contentType },
        schemas.callee?.java !== undefined,
      )
    : toProtobuf(method, callee, call);
}

/** Java's types of the call: its interface's own, and those of classes that others describe. */
function javaFor({ classes }: CallerCall, own: JavaSchema | undefined): JavaSchema | undefined {
  return classes === undefined ? own : withClasses(own, classes());
}

/** A caller with protobuf, a provider with the wrapper: objects are of the classes that Java's metadata names, or of their messages' own. */
function toWrapper(form: ProtobufForm, isReported: boolean): StreamForm {
  const { service, method, java, contentType } = form;
  const plan = streamPlanOf(method, java);
  // Java 3.3's providers say of a method that they do not have that something of their own is null.
  if (java?.methods(plan.method).length === 0 && isReported) {
    throw new CallError(
      "unimplemented",
      "untranslatable",
      `the Java interface of ${service.name} has no method ${plan.method}`,
    );
  }
  const types = plan.types?.map((name) => classNameOf(parseJavaType(name)));
  return {
    method: plan.method,
    contentType,
    request: (message) => {
      const args = requestArguments(form, plan, message);
      const argTypes = args.map((arg, i) =>
        types === undefined || types[i] === ANY_TYPE ? typeNameOf(arg) : types[i]!,
      );
      return encodeRequestWrapper({ serializeType: HESSIAN4, args: args.map((arg) => encodeHessian2(arg)), argTypes });
    },
    answer: (message) => encodeProtobuf(form, javaToMessage(method.output, valueIn(message))),
    thrown: (message) => thrownStatus(valueIn(message)),
  };
}

function requestArguments(form: ProtobufForm, plan: CallPlan, message: Buffer): Value[] {
  const { method, java } = form;
  const builder = new JavaBuilder({ java, beans: "objects", defaults: false });
  return argumentsOf(plan, reflect(method.input, decodeProtobuf(form, message), false), builder);
}

/** The class of an argument where nobody says what the method declares; Java tells overloads alone by it. */
function typeNameOf(value: Value): string {
  if (isObject(value)) return value.shape.name;
  switch (typeof value) {
    case "string":
      return "java.lang.String";
    case "number":
      return "int";
    case "bigint":
      return "long";
    case "boolean":
      return "boolean";
    default:
      return value instanceof Uint8Array ? "[B" : ANY_TYPE;
  }
}

/** A caller with the wrapper, a provider with protobuf. */
function toProtobuf(method: DescMethod, callee: ServiceSchema, call: CallerCall): StreamForm {
  const { contentType, outside } = call;
  const java = javaFor(call, callee.java === undefined ? undefined : compileJava(callee.java));
  const form = java === undefined ? undefined : javaFormOf(method, java);
  return {
    method: method.name,
    contentType,
    request: (message) => {
      if (outside === true) refuseWrapped();
      return encodeArguments(method, argumentsIn(message), form?.names);
    },
    answer: (message) => {
      const builder = new JavaBuilder({ java, beans: "objects", defaults: true });
      const read = reflect(method.output, decodeMessage(method.output, message), false);
      const data = encodeHessian2(resultOf(read, form?.returns, java, builder));
      return encodeResponseWrapper({ serializeType: HESSIAN4, data, type: ANY_TYPE });
    },
    thrown: undefined,
  };
}

/** The Java method; undefined where there are several. */
function javaFormOf(method: DescMethod, java: JavaSchema): JavaMethodForm | undefined {
  const takesStream = method.methodKind !== "server_streaming";
  const forms = [method.name, javaNameOf(method.name)].map((name) => streamForms(java.methods(name), takesStream));
  const found = forms.find(({ length }) => length > 0);
  return found?.length === 1 ? found[0] : undefined;
}

function argumentsIn(message: Buffer): Value[] {
  const { serializeType, args } = decodeRequestWrapper(message);
  return args.map((arg) => valueFrom(serializeType, arg));
}

function valueIn(message: Buffer): Value {
  const { serializeType, data } = decodeResponseWrapper(message);
  return data.length === 0 ? null : valueFrom(serializeType, data);
}

function valueFrom(serializeType: string, bytes: Uint8Array): Value {
  if (serializeType === FASTJSON2_TYPE) return readFastjson2(bytes);
  if (!isHessian(serializeType)) {
    const text = `wrapper in ${JSON.stringify(serializeType.slice(0, 40))}, only hessian and fastjson2 are translated`;
    throw new ProtocolError("triple", text);
  }
  return new Hessian2Reader().reset(bytes).readValue();
}
