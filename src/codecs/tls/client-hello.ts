/**
 * The first message of a TLS connection, as far as it says where the connection belongs. Source: RFC 8446 4.1.2 and 5.1, RFC 6066 3, RFC 7301.
 *
 * | bytes | record | | bytes | ClientHello |
 * |---|---|---|---|---|
 * | 1 | type, 0x16 for a handshake | | 1, 3 | type 1, length |
 * | 2 | version, 0x03 0x01 to 0x04 | | 2, 32 | version, random |
 * | 2 | length, at most 2^14 | | 1+n, 2+n, 1+n | session id, cipher suites, compression methods |
 * | n | a part of handshake messages | | 2+n | extensions: type (2), length (2), content |
 */
import { ProtocolError } from "../../base/errors.ts";

/** A ClientHello over this is refused; post-quantum key shares make usual ones 2 KB. */
export const MAX_HELLO_BYTES = 16_384;

const RECORD_HEADER = 5;
const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;

/** What a client wants, in its words. */
export interface ClientHello {
  /** Absent where it names no server. */
  readonly serverName?: string;
  /** Protocols in the client's order; empty where it offers none. */
  readonly alpn: readonly string[];
}

/** Whether bytes can be the beginning of TLS; undefined while there are too few to tell. */
export function isTls(bytes: Uint8Array): boolean | undefined {
  if (bytes.length > 0 && bytes[0] !== HANDSHAKE) return false;
  if (bytes.length < 2) return undefined;
  return bytes[1] === 3;
}

/**
 * Reads the ClientHello at the start of `bytes`; undefined while it is not whole. Throws ProtocolError for what is none, and for one over
 * {@link MAX_HELLO_BYTES}.
 */
export function readClientHello(bytes: Buffer): ClientHello | undefined {
  const message = joinRecords(bytes);
  if (message === undefined) return undefined;
  const body = new Fields(message, 4, message.length);
  body.skip(2 + 32);
  body.block(1);
  body.block(2);
  body.block(1);
  if (body.left === 0) return { alpn: [] };
  const extensions = body.block(2);
  let serverName: string | undefined;
  let alpn: readonly string[] = [];
  while (extensions.left > 0) {
    const type = extensions.uint(2);
    const content = extensions.block(2);
    if (type === SERVER_NAME) serverName = readServerName(content);
    else if (type === ALPN) alpn = readNames(content);
  }
  return { ...(serverName !== undefined && { serverName }), alpn };
}

/** The handshake message of the first records, its header included. */
function joinRecords(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  let have = 0;
  let wanted = 4;
  for (let at = 0; ; ) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE) throw fault(`record type ${bytes[at]} is not a handshake`, at);
    if (bytes.length < at + RECORD_HEADER) return undefined;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > MAX_HELLO_BYTES) throw fault(`handshake record of ${length} bytes`, at);
    const end = at + RECORD_HEADER + length;
    parts.push(bytes.subarray(at + RECORD_HEADER, Math.min(end, bytes.length)));
    have += Math.min(end, bytes.length) - at - RECORD_HEADER;
    if (wanted === 4 && have >= 4) wanted = 4 + messageBytes(Buffer.concat(parts));
    if (wanted > 4 && have >= wanted) return Buffer.concat(parts).subarray(0, wanted);
    if (bytes.length <= end) return undefined;
    at = end;
  }
}

function messageBytes(start: Buffer): number {
  if (start[0] !== CLIENT_HELLO) throw fault(`handshake message ${start[0]} is not a ClientHello`, RECORD_HEADER);
  const length = start.readUIntBE(1, 3);
  if (length > MAX_HELLO_BYTES) throw fault(`ClientHello of ${length} bytes is over the limit ${MAX_HELLO_BYTES}`, 6);
  // The version, the random and three empty lists are the least.
  if (length < 38) throw fault(`ClientHello of ${length} bytes is too short`, 6);
  return length;
}

function readServerName(content: Fields): string | undefined {
  const list = content.block(2);
  while (list.left > 0) {
    const type = list.uint(1);
    const name = list.block(2);
    if (type === 0) return name.text();
  }
  return undefined;
}

function readNames(content: Fields): string[] {
  const names: string[] = [];
  for (const list = content.block(2); list.left > 0; ) names.push(list.block(1).text());
  return names;
}

/** A range that is read from its start; whatever would lie behind its end is a fault. */
class Fields {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  skip(size: number): void {
    if (size > this.left) throw fault("ClientHello ends in the middle of a field", this.#at);
    this.#at += size;
  }

  uint(size: number): number {
    const at = this.#at;
    this.skip(size);
    return this.#bytes.readUIntBE(at, size);
  }

  /** What follows, its length in the first `size` bytes. */
  block(size: number): Fields {
    const length = this.uint(size);
    const at = this.#at;
    this.skip(length);
    return new Fields(this.#bytes, at, at + length);
  }

  text(): string {
    return this.#bytes.toString("latin1", this.#at, this.#end);
  }
}

function fault(message: string, offset: number): ProtocolError {
  return new ProtocolError("tls", message, offset);
}
