/**
 * One gRPC stream on an HTTP/2 connection of its own, by hand and for the xDS bench alone: so little CPU time that thousands of them in one
 * process leave what is measured to the server. Requests are sent as they are given; of a response only its end is read, what stands before
 * it is counted and passed over.
 *
 * Frames as of RFC 9113 section 4.1: length 3, type 1, flags 1, stream 4. A message as of gRPC's HTTP/2 mapping: compressed 1, length 4.
 */
import { connect, type Socket } from "node:net";

/** What a response of a delta stream says, without the resources. */
export interface LeanResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly bytes: number;
  readonly resources: number;
  readonly removed: number;
}

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const INITIAL_WINDOW_SIZE = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const END_HEADERS = 4;
const END_STREAM = 1;
const ACK = 1;
const WINDOW = 8 * 1024 * 1024;
/** What a server takes before it has said anything, RFC 9113 section 6.9.2, and the longest frame that it takes then. */
const FIRST_WINDOW = 65_535;
const FRAME_BYTES = 16_384;
const EMPTY = Buffer.alloc(0);

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, 9);
  return bytes;
}

function number32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Fields as literals that are in no table (RFC 7541 section 6.2.2): each text is shorter than 127 bytes. */
function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));
}

/** See the head of the file. Whatever a well-kept stream does not do, its end among it, is an error. */
export class LeanStream {
  readonly #socket: Socket;
  readonly #onResponse: (response: LeanResponse) => void;
  /** Bytes of a frame that has not come whole. */
  #frame = EMPTY;
  /** Bytes of a message that say something and have not come whole. */
  #part = EMPTY;
  /** Bytes that are left of the message, and of those the ones to be passed over. */
  #left = 0;
  #skip = 0;
  #unacknowledged = 0;
  #response = { typeUrl: "", nonce: "", bytes: 0, resources: 0, removed: 0 };
  /** Requests that wait for the server's windows: of the connection, and of the stream. */
  readonly #waiting: Buffer[] = [];
  #connectionWindow = FIRST_WINDOW;
  #streamWindow = FIRST_WINDOW;
  #initialWindow = FIRST_WINDOW;
  #isClosed = false;

  constructor(
    address: string,
    method: string,
    onResponse: (response: LeanResponse) => void,
    onError: (error: Error) => void,
  ) {
    this.#onResponse = onResponse;
    const colon = address.lastIndexOf(":");
    const buffer = LeanStream.#shared;
    const onread = {
      buffer,
      callback: (length: number) => {
        try {
          this.#read(buffer.subarray(0, length));
        } catch (error) {
          this.#socket.destroy(error as Error);
        }
        return true;
      },
    };
    this.#socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)), onread });
    this.#socket.setNoDelay(true);
    const over = (error: Error) => {
      if (this.#isClosed) return;
      this.close();
      onError(error);
    };
    this.#socket.on("error", over);
    this.#socket.on("end", () => over(new Error("the server ended the connection")));
    const fields = [
      [":method", "POST"],
      [":scheme", "http"],
      [":path", method],
      [":authority", address],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
    ] as const;
    this.#socket.write(
      Buffer.concat([
        Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        // SETTINGS_ENABLE_PUSH 0, SETTINGS_INITIAL_WINDOW_SIZE.
        frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 2, 0, 0, 0, 0, 0, 4]), number32(WINDOW)])),
        frame(WINDOW_UPDATE, 0, 0, number32(WINDOW)),
        frame(HEADERS, END_HEADERS, 1, headerBlock(fields)),
      ]),
    );
  }

  /** What sockets read into: whoever is called has it until he returns. */
  static readonly #shared = Buffer.alloc(256 * 1024);

  /** Sends a message as soon as the server's windows let it. */
  send(message: Uint8Array): void {
    const bytes = Buffer.allocUnsafe(5 + message.length);
    bytes[0] = 0;
    bytes.writeUInt32BE(message.length, 1);
    bytes.set(message, 5);
    this.#waiting.push(bytes);
    this.#sendWaiting();
  }

  /** Ends the connection without a word, and calls nobody any more. */
  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #sendWaiting(): void {
    while (this.#waiting.length > 0) {
      const room = Math.min(this.#connectionWindow, this.#streamWindow, FRAME_BYTES);
      if (room <= 0) return;
      const first = this.#waiting[0]!;
      const part = first.subarray(0, room);
      if (part.length === first.length) this.#waiting.shift();
      else this.#waiting[0] = first.subarray(part.length);
      this.#connectionWindow -= part.length;
      this.#streamWindow -= part.length;
      this.#socket.write(frame(DATA, 0, 1, part));
    }
  }

  /** Settings, each of an id of 2 bytes and a value of 4. */
  #settings(payload: Buffer): void {
    this.#socket.write(frame(SETTINGS, ACK, 0, EMPTY));
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== INITIAL_WINDOW_SIZE) continue;
      const window = payload.readUInt32BE(at + 2);
      this.#streamWindow += window - this.#initialWindow;
      this.#initialWindow = window;
    }
    this.#sendWaiting();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#frame.length === 0 ? chunk : Buffer.concat([this.#frame, chunk]);
    let at = 0;
    while (bytes.length - at >= 9) {
      const end = at + 9 + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      this.#take(bytes[at + 3]!, bytes[at + 4]!, bytes.readUInt32BE(at + 5), bytes.subarray(at + 9, end));
      at = end;
    }
    // What sockets read into is another's next.
    this.#frame = at === bytes.length ? EMPTY : Buffer.from(bytes.subarray(at));
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    const isEnd = (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0;
    if (type === RST_STREAM || type === GOAWAY || isEnd)
      throw new Error(`the stream was ended by a frame of type ${type}: ${payload.toString("latin1").slice(0, 200)}`);
    if (type === SETTINGS && (flags & ACK) === 0) this.#settings(payload);
    else if (type === WINDOW_UPDATE) {
      if (stream === 0) this.#connectionWindow += payload.readUInt32BE(0);
      else this.#streamWindow += payload.readUInt32BE(0);
      this.#sendWaiting();
    } else if (type === PING && (flags & ACK) === 0) this.#socket.write(frame(PING, ACK, 0, payload));
    else if (type === DATA) {
      this.#unacknowledged += payload.length;
      if (this.#unacknowledged > WINDOW / 2) {
        const more = number32(this.#unacknowledged);
        this.#socket.write(Buffer.concat([frame(WINDOW_UPDATE, 0, 0, more), frame(WINDOW_UPDATE, 0, 1, more)]));
        this.#unacknowledged = 0;
      }
      this.#content(payload);
    }
  }

  #content(payload: Buffer): void {
    let bytes = payload;
    if (this.#skip > 0) {
      const passed = Math.min(this.#skip, bytes.length);
      this.#skip -= passed;
      this.#left -= passed;
      bytes = bytes.subarray(passed);
      if (this.#left === 0) this.#onResponse(this.#response);
    }
    if (this.#part.length > 0) bytes = Buffer.concat([this.#part, bytes]);
    let at = 0;
    for (let next = this.#step(bytes, at); next !== at; next = this.#step(bytes, at)) at = next;
    this.#part = at >= bytes.length ? EMPTY : Buffer.from(bytes.subarray(at));
  }

  /** Reads one thing, the beginning of a message or one of its fields, and says where it ends; where it began if it is not there whole. */
  #step(bytes: Buffer, at: number): number {
    if (this.#skip > 0) return at;
    if (this.#left === 0) {
      if (bytes.length - at < 5) return at;
      this.#left = bytes.readUInt32BE(at + 1);
      this.#response = { typeUrl: "", nonce: "", bytes: this.#left, resources: 0, removed: 0 };
      return at + 5;
    }
    let end = at + 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[end++];
      if (byte === undefined) return at;
      length += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    // Fields 1 to 15 that have a length: there are no others.
    const number = bytes[at]! >> 3;
    if ((bytes[at]! & 0x87) !== 2) throw new Error(`field ${number} of a response is not understood`);
    const whole = end + length;
    const isText = number === 4 || number === 5;
    if (isText && whole > bytes.length) return at;
    if (number === 4) this.#response.typeUrl = bytes.latin1Slice(end, whole);
    else if (number === 5) this.#response.nonce = bytes.latin1Slice(end, whole);
    else if (number === 2) this.#response.resources++;
    else if (number === 6) this.#response.removed++;
    const there = Math.min(whole, bytes.length);
    this.#left -= there - at;
    this.#skip = whole - there;
    if (this.#left < this.#skip) throw new Error("a field of a response is over its end");
    if (this.#left === 0) this.#onResponse(this.#response);
    return there;
  }
}
