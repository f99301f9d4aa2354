/** What a gRPC method's answer is to a caller in Java. */
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";
import { ProtocolError } from "../../base/errors.ts";
import { type JavaSchema, kindOfJava } from "../java-schema.ts";
import { type JavaType, OBJECT_TYPE, printJavaType } from "../java-types.ts";
import type { Value } from "../value.ts";
import { isSingle, isWhole } from "./plan.ts";
import type { JavaBuilder } from "./to-java.ts";

const ANSWER_NAME = /(?:Response|Resp|Reply|Result|Res)$/;

/**
 * The answer as a value of the type that the method returns: null where it has no fields, the message for a class, its only field for
 * anything else. Where the type is not known (undefined) the only field is the value unless it is a message; of an answer by its name also then.
 * Throws ProtocolError("protobuf", ...) where it does not fit.
 */
export function resultOf(
  message: ReflectMessage,
  returns: JavaType | undefined,
  java: JavaSchema | undefined,
  builder: JavaBuilder,
): Value {
  const { desc } = message;
  if (desc.fields.length === 0 || (returns !== undefined && kindOfJava(returns) === "void")) return null;
  const [field] = desc.fields;
  const type = returns ?? OBJECT_TYPE;
  if (isSingle(desc)) return builder.message(message, type);
  if (kindOfJava(type) === "any") {
    const isOnly = desc.fields.length === 1 && (field!.fieldKind !== "message" || isSingle(field!.message));
    const isAnswer = desc.fields.length === 1 && ANSWER_NAME.test(desc.name);
    return isOnly || isAnswer ? builder.field(message, field!, type) : builder.message(message, type);
  }
  if (isWhole(desc, type, undefined, java)) return builder.message(message, type);
  if (desc.fields.length === 1) return builder.field(message, field!, type);
  const text = `the answer ${desc.typeName} of ${desc.fields.length} fields does not fit ${printJavaType(type)}`;
  throw new ProtocolError("protobuf", text);
}
