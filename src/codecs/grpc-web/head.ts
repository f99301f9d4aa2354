/**
 * The heads of gRPC-Web calls, and gRPC's own for them.
 *
 * | content-type | content |
 * |---|---|
 * | `application/grpc-web`, `application/grpc-web+proto` | gRPC's envelopes; the last one of an answer, flag 80, holds its trailers |
 * | `application/grpc-web-text`, `application/grpc-web-text+proto` | the same in base64, in any number of pieces that may each be padded |
 *
 * Reference: gRPC-Web (PROTOCOL-WEB.md of grpc/grpc).
 */
import { type Fields, fieldValue } from "../fields.ts";

/** What a gRPC-Web call's content is written in. */
export type WebForm = "binary" | "text";

const TYPE = "application/grpc-web";
const TEXT_TYPE = "application/grpc-web-text";

/** The form of a call by its head; undefined for one that is no gRPC-Web. */
export function webFormOf(fields: Fields): WebForm | undefined {
  const type = (fieldValue(fields, "content-type") ?? "").toLowerCase();
  if (!type.startsWith(TYPE)) return undefined;
  const rest = type.slice(type.startsWith(TEXT_TYPE) ? TEXT_TYPE.length : TYPE.length);
  if (rest !== "" && !/^[+; ]/.test(rest)) return undefined;
  return type.startsWith(TEXT_TYPE) ? "text" : "binary";
}

/** The head of the gRPC call that a gRPC-Web one is: the same but for its type, its length, and what only browsers' clients say. */
export function toGrpcHead(fields: Fields): string[] {
  const head: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const [name, value] = [fields[i]!, fields[i + 1]!];
    if (name === "content-type") head.push(name, `application/grpc${subtypeOf(value)}`);
    else if (name !== "content-length" && name !== "x-grpc-web" && name !== "te" && name !== "accept")
      head.push(name, value);
  }
  head.push("te", "trailers");
  return head;
}

/** The head of a gRPC answer as gRPC-Web has it; undefined for an answer that is no gRPC. */
export function toWebHead(fields: Fields, form: WebForm): string[] | undefined {
  const type = fieldValue(fields, "content-type") ?? "";
  if (!type.startsWith("application/grpc")) return undefined;
  const head: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name === "content-type") head.push(name, `${form === "text" ? TEXT_TYPE : TYPE}${subtypeOf(fields[i + 1]!)}`);
    else if (name !== "content-length" && name !== "trailer") head.push(name, fields[i + 1]!);
  }
  return head;
}

/** `+proto`, with its plus sign; `""` where a type says none. */
function subtypeOf(type: string): string {
  return /\+[A-Za-z0-9.-]{1,64}/.exec(type)?.[0] ?? "";
}
