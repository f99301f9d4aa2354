/**
 * Answers that we make ourselves, and the text of errors that others made.
 *
 * | answer | body |
 * |---|---|
 * | any status but 20 | one string: the error's text, in the serialization that this frame names |
 * | status 20, kind 0 | `90`, then a Throwable; in fastjson2 the byte `bd00`, then the Throwable, each behind its length |
 *
 * The smallest Throwable that hessian-lite 3.2 and 4.0 build: a definition of java.lang.RuntimeException with the one field
 * detailMessage. All four Java lines throw it to the application as it is, and do not send the call again; a text in its
 * place they refuse. Reference: ExchangeCodec and DecodeableRpcResult of Apache Dubbo 2.6 to 3.3.
 */
import { ProtocolError } from "../../base/errors.ts";
import { encodeFastjson2 } from "../fastjson2/writer.ts";
import { Hessian2Reader } from "../hessian2/reader.ts";
import { exceptionValue } from "../hessian2/throwable.ts";
import { Hessian2Writer } from "../hessian2/writer.ts";
import { mapValue } from "../value.ts";
import { encodeFrame, FASTJSON2, HESSIAN2 } from "./frame.ts";
import { encodeJavaException, isJavaSerialization } from "./java-exception.ts";
import { OK, SERVER_ERROR } from "./status.ts";

/** Longest error text that is sent, UTF-16 units; the rest is cut off. */
export const MAX_ERROR_TEXT = 8192;

/**
 * An error answer: `status` is any but 20, which consumers' failover sends again. Written in the request's serialization where
 * that is hessian2 or fastjson2, else in hessian2: error frames may differ from their request, and 3.2's own do.
 */
export function encodeStatusAnswer(
  idHigh: number,
  idLow: number,
  serialization: number,
  status: number,
  text: string,
): Buffer {
  const cut = text.slice(0, MAX_ERROR_TEXT);
  const jsonb = serialization === FASTJSON2;
  const body = jsonb ? encodeJsonbString(cut) : new Hessian2Writer().writeString(cut).takeOutput();
  return encodeFrame({ flags: jsonb ? FASTJSON2 : HESSIAN2, status, idHigh, idLow }, body);
}

/**
 * An exception answer under status 20, which consumers do not send again: a java.lang.RuntimeException with this message, or an exception
 * of another class, which the consumer has to have.
 * Written in the request's serialization where that is hessian2, fastjson2 or one of Java's own, there as a RuntimeException whatever the class; in others, which are only
 * carried, the answer is status 80 with the text: a status 20 answer in another serialization than its request's is refused by consumers.
 */
export function encodeExceptionAnswer(
  idHigh: number,
  idLow: number,
  serialization: number,
  message: string | null,
  className?: string,
): Buffer {
  const text = message?.slice(0, MAX_ERROR_TEXT) ?? null;
  if (serialization === FASTJSON2) {
    const thrown = encodeFastjson2(exceptionValue(text, className));
    const body = Buffer.concat([FASTJSON2_EXCEPTION, lengthOf(thrown), thrown]);
    return encodeFrame({ flags: FASTJSON2, status: OK, idHigh, idLow }, body);
  }
  if (isJavaSerialization(serialization))
    return encodeFrame(
      { flags: serialization, status: OK, idHigh, idLow },
      encodeJavaException(serialization, text ?? className ?? null),
    );
  if (serialization !== HESSIAN2)
    return encodeStatusAnswer(idHigh, idLow, serialization, SERVER_ERROR, text ?? className ?? "");
  const body =
    className === undefined && text !== null
      ? Buffer.concat([RUNTIME_EXCEPTION, new Hessian2Writer().writeString(text).takeOutput()])
      : new Hessian2Writer().writeInt(0).writeValue(exceptionValue(text, className)).takeOutput();
  return encodeFrame({ flags: HESSIAN2, status: OK, idHigh, idLow }, body);
}

/**
 * An answer of status 20 in fastjson2, with attachments: `data` is the value, or the Throwable, in JSONB behind its length. Reference:
 * recorded answers of Apache Dubbo 3.2.18.
 */
export function encodeFastjson2Result(
  idHigh: number,
  idLow: number,
  isException: boolean,
  data: Uint8Array,
  attachments: Iterable<readonly [string, string | Uint8Array]>,
): Buffer {
  const isNull = data.length === 5 && data[4] === 0xaf;
  const kind = isException ? 3 : isNull ? 5 : 4;
  const parts: Uint8Array[] = [Buffer.of(0, 0, 0, 2, 0xbd, kind)];
  if (kind !== 5) parts.push(data);
  const map = encodeFastjson2(mapValue([...attachments].map(([name, value]) => [name, value])));
  return encodeFrame({ flags: FASTJSON2, status: OK, idHigh, idLow }, Buffer.concat([...parts, lengthOf(map), map]));
}

/** Kind 0 behind its length. */
const FASTJSON2_EXCEPTION = Buffer.from("00000002bd00", "hex");

function lengthOf(value: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32BE(value.length);
  return length;
}

/** Kind 0, the class definition, the tag of its first instance: all but the message. */
const RUNTIME_EXCEPTION = new Hessian2Writer()
  .writeInt(0)
  .writeValue({
    type: "object",
    shape: { name: "java.lang.RuntimeException", fields: ["detailMessage"] },
    values: [""],
  })
  .takeOutput()
  .subarray(0, -1);

/**
 * The text of an error answer's body `bytes[start, end)`. Throws `ProtocolError` where it is no string; serializations that are
 * only carried give a text that says so.
 */
export function decodeErrorText(bytes: Buffer, start: number, end: number, serialization: number): string {
  if (serialization === FASTJSON2) return decodeJsonbString(bytes, start, end);
  if (serialization === HESSIAN2) return new Hessian2Reader().reset(bytes, start, end).readString() ?? "";
  return `error text of ${end - start} bytes in serialization ${serialization}, which is not read`;
}

/** fastjson2 in Dubbo: four bytes of length, then one JSONB value; here a string of UTF-8. */
function encodeJsonbString(text: string): Buffer {
  const utf8 = Buffer.from(text, "utf8");
  const short = utf8.length <= 47 && utf8.length === text.length;
  const head = short ? 1 : 6;
  const body = Buffer.allocUnsafe(4 + head + utf8.length);
  body.writeUInt32BE(head + utf8.length, 0);
  if (short) {
    body[4] = 0x49 + utf8.length;
  } else {
    body[4] = 0x7a;
    body[5] = 0x48;
    body.writeUInt32BE(utf8.length, 6);
  }
  body.set(utf8, 4 + head);
  return body;
}

function decodeJsonbString(bytes: Buffer, start: number, end: number): string {
  const tag = start + 4 < end ? bytes[start + 4]! : -1;
  if (tag === 0xaf) return "";
  if (tag >= 0x49 && tag <= 0x78) return slice(bytes, start + 5, tag - 0x49, end, "latin1");
  const encoding = JSONB_ENCODINGS[tag];
  if (encoding === undefined) throw new ProtocolError("dubbo2", "error text is no fastjson2 string", start);
  const at = start + 5;
  const first = at < end ? bytes[at]! : -1;
  if (first >= 0 && first <= 0x2f) return slice(bytes, at + 1, first, end, encoding);
  if (first >= 0x38 && first <= 0x3f && at + 2 <= end) {
    return slice(bytes, at + 2, ((first - 0x38) << 8) + bytes[at + 1]!, end, encoding);
  }
  if (first >= 0x44 && first <= 0x47 && at + 3 <= end) {
    return slice(bytes, at + 3, ((first - 0x44) << 16) + bytes.readUInt16BE(at + 1), end, encoding);
  }
  if (first === 0x48 && at + 5 <= end) return slice(bytes, at + 5, bytes.readInt32BE(at + 1), end, encoding);
  throw new ProtocolError("dubbo2", "error text has no length", at);
}

const JSONB_ENCODINGS: Readonly<Record<number, "latin1" | "utf8" | "utf16le">> = {
  121: "latin1",
  122: "utf8",
  124: "utf16le",
};

function slice(
  bytes: Buffer,
  at: number,
  length: number,
  end: number,
  encoding: "latin1" | "utf8" | "utf16le",
): string {
  if (length < 0 || length > end - at) {
    throw new ProtocolError("dubbo2", `error text of ${length} bytes is cut off`, at);
  }
  return bytes.toString(encoding, at, at + length);
}
