/**
 * Wrappers in fastjson2's binary form (JSONB), which Triple peers of 3.2 and later may be told to speak: each value is JSONB behind its
 * length in four bytes, as in Dubbo2's bodies.
 *
 * Values that Java's declared types say are not named in JSONB: a field of a bean holds a map, an enum in a field its number. They are
 * in Hessian2 what they are in JSONB. Reference: FastJson2ObjectOutput of Apache Dubbo 3.2.
 */
import { ProtocolError } from "../../base/errors.ts";
import { decodeFastjson2 } from "../fastjson2/reader.ts";
import { encodeHessian2 } from "../hessian2/writer.ts";
import type { Value } from "../value.ts";
import type { RequestWrapper, ResponseWrapper } from "./body.ts";
import { encodeFields } from "./protobuf.ts";
import { HESSIAN4 } from "./transcode.ts";

/** The name of JSONB in the wrapper. */
export const FASTJSON2_TYPE = "fastjson2";
const FIELD = encodeFields([[1, FASTJSON2_TYPE]]);
const NULL_VALUE = Buffer.of(0, 0, 0, 1, 0xaf);

/** Whether a request's wrapper says that it is in fastjson2. */
export function isFastjson2(message: Buffer): boolean {
  return message[1] === FASTJSON2_TYPE.length && message.subarray(0, FIELD.length).equals(FIELD);
}

/** The same arguments in Hessian2; a wrapper in another format as it is. Throws ProtocolError("triple", ...) for what is no JSONB. */
export function withHessianArguments(wrapper: RequestWrapper): RequestWrapper {
  if (wrapper.serializeType !== FASTJSON2_TYPE) return wrapper;
  const args = wrapper.args.map((arg) => encodeHessian2(readFastjson2(arg)));
  return { serializeType: HESSIAN4, args, argTypes: wrapper.argTypes };
}

/** An answer's value in fastjson2, behind its length; providers answer in what they were asked in. Throws ProtocolError("triple", ...) for another format. */
export function fastjson2Value({ serializeType, data }: ResponseWrapper): Uint8Array {
  if (data.length === 0) return NULL_VALUE;
  if (serializeType === FASTJSON2_TYPE) return data;
  throw new ProtocolError("triple", `answer in ${JSON.stringify(serializeType)} to a call in fastjson2`);
}

/** The JSONB of one value that stands behind its length, borrowed. Throws ProtocolError("triple", ...) for another length. */
export function jsonbOf(bytes: Uint8Array): Buffer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 4 || view.readUInt32BE(0) !== view.length - 4) {
    throw new ProtocolError("triple", `value in fastjson2 of ${view.length} bytes says another length`);
  }
  return view.subarray(4);
}

/** One value behind its length. Throws ProtocolError("triple", ...) for another length, and for what is no JSONB. */
export function readFastjson2(bytes: Uint8Array): Value {
  const jsonb = jsonbOf(bytes);
  try {
    return decodeFastjson2(jsonb);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError("triple", error.message, error.offset);
  }
}
