/**
 * What an external authorization server is asked and answers, as protobuf bytes of `envoy.service.auth.v3.Authorization/Check`.
 *
 *   CheckRequest      attributes 1
 *   AttributeContext  source 1, destination 2 (Peer), request 4 (time 1, http 2), tls_session 12 (sni 1)
 *   Peer              address 1 (Address: socket_address 1: address 2, port_value 3), service 2, principal 4
 *   HttpRequest       method 2, headers 3 (map), path 4, host 5, scheme 6, query 7, size 9, protocol 10, body 11, raw_body 12
 *   CheckResponse     status 1 (code 1, message 2), denied_response 2, ok_response 3
 *   Denied            status 1 (code 1), headers 2 (HeaderValueOption), body 3
 *   Ok                headers 2, headers_to_remove 5, response_headers_to_add 6
 *   HeaderValueOption header 1 (key 1, value 2, raw_value 3), append 2 (BoolValue: value 1), append_action 3
 *
 * Written by hand, since it is done for each call. Source: envoy/service/auth/v3/{external_auth,attribute_context}.proto.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ProtocolError } from "../../base/errors.ts";

/** Path of the method that is called. */
export const CHECK_PATH = "/envoy.service.auth.v3.Authorization/Check";

/** A call as the server is told of it. */
export interface CheckedCall {
  /** The caller: its address and port (0 where it is not known), and the SPIFFE id of its certificate. */
  readonly source: { readonly address: string; readonly port: number; readonly principal: string };
  /** Server name that the caller asked for by TLS; `""` for none. */
  readonly serverName: string;
  /** The service that is called. */
  readonly service: string;
  /** Time of day, ms. */
  readonly timeMs: number;
  readonly method: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Without a query. */
  readonly path: string;
  readonly host: string;
  readonly scheme: string;
  /** Without its question mark. */
  readonly query: string;
  /** Bytes of the content; -1 where they are not known. */
  readonly size: number;
  readonly protocol: string;
  /** What is shown of the content. */
  readonly body?: { readonly bytes: Uint8Array; readonly asBytes: boolean } | undefined;
}

/** A header that the server asks to be set, or (`append`) to be added to what is there. */
export interface AnsweredHeader {
  readonly name: string;
  readonly value: string;
  readonly append: boolean;
}

/** What the server said. */
export type CheckAnswer =
  | {
      readonly allowed: true;
      readonly headers: readonly AnsweredHeader[];
      readonly remove: readonly string[];
      /** For the answer of the call. */
      readonly answerHeaders: readonly AnsweredHeader[];
    }
  | {
      readonly allowed: false;
      /** HTTP status for the caller. */
      readonly http: number;
      readonly headers: readonly AnsweredHeader[];
      readonly body: string;
    };

const FORBIDDEN = 403;

/** A `CheckRequest`. */
export function encodeCheck(call: CheckedCall): Uint8Array {
  const out = new BinaryWriter();
  message(out, 1, () => {
    const { address, port, principal } = call.source;
    message(out, 1, () => {
      message(out, 1, () =>
        message(out, 1, () => {
          text(out, 2, address);
          out.tag(3, WireType.Varint).uint32(port);
        }),
      );
      text(out, 4, principal);
    });
    message(out, 2, () => text(out, 2, call.service));
    message(out, 4, () => {
      message(out, 1, () => {
        const seconds = Math.floor(call.timeMs / 1_000);
        out.tag(1, WireType.Varint).int64(seconds);
        out.tag(2, WireType.Varint).int32(Math.floor((call.timeMs - seconds * 1_000) * 1e6));
      });
      message(out, 2, () => httpRequest(out, call));
    });
    if (call.serverName !== "") message(out, 12, () => text(out, 1, call.serverName));
  });
  return out.finish();
}

function httpRequest(out: BinaryWriter, call: CheckedCall): void {
  text(out, 2, call.method);
  for (const [name, value] of call.headers) {
    message(out, 3, () => {
      text(out, 1, name);
      text(out, 2, value);
    });
  }
  text(out, 4, call.query === "" ? call.path : `${call.path}?${call.query}`);
  text(out, 5, call.host);
  text(out, 6, call.scheme);
  text(out, 7, call.query);
  if (call.size !== 0) out.tag(9, WireType.Varint).int64(call.size);
  text(out, 10, call.protocol);
  const { body } = call;
  if (body === undefined) return;
  if (body.asBytes) out.tag(12, WireType.LengthDelimited).bytes(body.bytes);
  else text(out, 11, Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.bytes.length).toString("utf8"));
}

function message(out: BinaryWriter, field: number, write: () => void): void {
  out.tag(field, WireType.LengthDelimited).fork();
  write();
  out.join();
}

function text(out: BinaryWriter, field: number, value: string): void {
  if (value !== "") out.tag(field, WireType.LengthDelimited).string(value);
}

/** A `CheckResponse`. Throws `ProtocolError` for bytes that are none. */
export function decodeCheck(bytes: Uint8Array): CheckAnswer {
  try {
    return readResponse(new BinaryReader(bytes));
  } catch (error) {
    throw new ProtocolError("xds", `bytes are no CheckResponse: ${(error as Error).message}`, 0);
  }
}

function readResponse(reader: BinaryReader): CheckAnswer {
  let code = 0;
  let http = FORBIDDEN;
  let body = "";
  const headers: AnsweredHeader[] = [];
  const answerHeaders: AnsweredHeader[] = [];
  const remove: string[] = [];
  const denied: AnsweredHeader[] = [];
  fields(reader, reader.len, {
    1: (end) => fields(reader, end, { 1: () => (code = reader.int32()) }),
    2: (end) =>
      fields(reader, end, {
        1: (stop) => fields(reader, stop, { 1: () => (http = reader.int32() || FORBIDDEN) }),
        2: (stop) => denied.push(readHeader(reader, stop)),
        3: () => (body = reader.string()),
      }),
    3: (end) =>
      fields(reader, end, {
        2: (stop) => headers.push(readHeader(reader, stop)),
        5: () => remove.push(reader.string()),
        6: (stop) => answerHeaders.push(readHeader(reader, stop)),
      }),
  });
  if (code === 0) return { allowed: true, headers, remove, answerHeaders };
  // What is below 200 is no answer.
  return { allowed: false, http: http >= 200 && http < 600 ? http : FORBIDDEN, headers: denied, body };
}

function readHeader(reader: BinaryReader, end: number): AnsweredHeader {
  let [name, value, append] = ["", "", false];
  fields(reader, end, {
    1: (stop) =>
      fields(reader, stop, {
        1: () => (name = reader.string()),
        2: () => (value = reader.string()),
        3: () => (value = Buffer.from(reader.bytes()).toString("latin1")),
      }),
    2: (stop) => fields(reader, stop, { 1: () => (append = reader.bool()) }),
  });
  return { name, value, append };
}

/** Fields that are messages, when they are read: up to where they go. */
type FieldReaders = Readonly<Record<number, (end: number) => unknown>>;

/** Which fields are messages is said by their readers' one parameter. */
function fields(reader: BinaryReader, end: number, readers: FieldReaders): void {
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    const read = readers[field];
    if (read === undefined) {
      reader.skip(wire, field);
      continue;
    }
    if (read.length === 0) {
      read(0);
      continue;
    }
    if (wire !== WireType.LengthDelimited) throw new Error(`field ${field} is no message`);
    const length = reader.uint32();
    if (reader.pos + length > end) throw new Error(`field ${field} is longer than what is left`);
    const stop = reader.pos + length;
    read(stop);
    if (reader.pos !== stop) throw new Error(`field ${field} does not end where it should`);
  }
  if (reader.pos > end) throw new Error("a field goes on behind its message");
}
