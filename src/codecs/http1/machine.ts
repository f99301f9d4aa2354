/** What both ends of an HTTP/1.1 connection share: heads and bodies out of the stream, tunnels, output. The ends are server.ts and client.ts. */
import { BlockCollector, BodyReader } from "./body.ts";
import type { FieldLines } from "./fields.ts";
import type { Parsed } from "./head.ts";
import { DEFAULT_HTTP1_LIMITS, Http1Error, type Http1Limits } from "./limits.ts";
import { checkFields, type Field, type FieldsToSend, Output, writeFields } from "./output.ts";

/** Body bytes of exchange `id`, in place: they are valid as long as the bytes given to `receive` are. After an upgrade: tunnel bytes. */
export interface DataEvent {
  readonly type: "data";
  readonly id: number;
  readonly bytes: Buffer;
}

/** The message of exchange `id` is whole. */
export interface EndEvent {
  readonly type: "end";
  readonly id: number;
  readonly trailers: FieldLines | undefined;
}

/** The peer broke the rules or left in the middle: take the output, then close. `id` is the open exchange, 0 for none. */
export interface AbortEvent {
  readonly type: "abort";
  readonly id: number;
  readonly error: Http1Error;
}

/** Events that both ends report, apart from heads. */
export type BodyEvent = DataEvent | EndEvent | AbortEvent;

const EMPTY = Buffer.alloc(0);

/** The common part of the two machines. */
export abstract class Http1Machine<Head, In> {
  protected readonly limits: Http1Limits;
  protected readonly output = new Output();
  protected readonly body: BodyReader;
  protected events: (In | BodyEvent)[] = [];
  /** The exchange whose message is being read; 0 before the first. */
  protected reading = 0;
  /** True from a message's head to its end. */
  protected inMessage = false;
  protected tunnel = false;
  protected over = false;
  #collector: BlockCollector | undefined;
  #held: Buffer = EMPTY;
  #peerEnded = false;
  /** The bytes that are being read are held ones: what is left of them is held on as it is. */
  #isOwnCopy = false;

  constructor(limits: Partial<Http1Limits>) {
    this.limits = { ...DEFAULT_HTTP1_LIMITS, ...limits };
    this.body = new BodyReader(this.limits);
  }

  /** True when the driver is to write what `takeOutput` has and then close. */
  abstract get closing(): boolean;

  /** Bytes held until an earlier exchange is over; `receive` with no bytes goes on with them once `isPaused` is false. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** True while the driver should not read: what comes would only be held. */
  get isPaused(): boolean {
    return this.#held.length > 0 && !this.mayRead;
  }

  /**
   * Takes bytes; returns what they complete. A broken rule is not thrown but the last event (`abort`): requests that were whole
   * before it in the same bytes are still served. Events hold views of the bytes.
   */
  receive(bytes: Uint8Array, _nowMs: number): In[] {
    let chunk = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const isOwnCopy = this.#held.length > 0;
    if (isOwnCopy) {
      chunk = chunk.length === 0 ? this.#held : Buffer.concat([this.#held, chunk]);
      this.#held = EMPTY;
    }
    this.#isOwnCopy = isOwnCopy;
    if (!this.over) {
      try {
        this.#run(chunk);
      } catch (error) {
        this.#break(error);
      }
    }
    if (this.#peerEnded && this.#held.length === 0) this.#guard(() => this.onEnd());
    return this.takeEvents();
  }

  /** The peer has sent its last byte. What it sent before is still served and answered. */
  receiveEnd(_nowMs: number): In[] {
    this.#peerEnded = true;
    if (this.#held.length === 0) this.#guard(() => this.onEnd());
    return this.takeEvents();
  }

  /** Whether a message has begun whose end has not come. */
  get isInMessage(): boolean {
    return this.inMessage;
  }

  /** Bytes that `takeOutput` would give. */
  get outputBytes(): number {
    return this.output.length;
  }

  takeOutput(): Buffer {
    return this.output.take();
  }

  /** What `takeOutput` gave so far is sent, or of no use any more: its memory may be written again. */
  reuseOutput(): void {
    this.output.reuse();
  }

  /** Always undefined: time-outs are the driver's, which knows the route. */
  deadline(): number | undefined {
    return undefined;
  }

  /** Nothing happens by time alone. */
  tick(_nowMs: number): In[] {
    return [];
  }

  protected abstract get mayRead(): boolean;
  protected abstract parse(bytes: Buffer, start: number, end: number): Parsed<Head> | undefined;
  protected abstract onHead(head: Head): void;
  protected abstract onMessageEnd(): void;
  protected abstract onBroken(error: Http1Error): void;

  protected takeEvents(): In[] {
    const { events } = this;
    if (events.length === 0) return events as In[];
    this.events = [];
    return events as In[];
  }

  /** The exchange that an `abort` is about; 0 for none. */
  protected abstract get openId(): number;

  protected onEnd(): void {
    if (this.inMessage && this.body.untilClose) {
      this.over = true;
      this.#endMessage();
    } else if (this.tunnel) {
      this.over = true;
      this.events.push({ type: "end", id: this.reading, trailers: undefined });
    } else if (this.inMessage || (this.#collector !== undefined && this.#collector.length > 0)) {
      throw new Http1Error(400, "connection closed within a message");
    }
    this.over = true;
  }

  #guard(run: () => void): void {
    if (this.over) return;
    try {
      run();
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    if (!(error instanceof Http1Error)) throw error;
    this.over = true;
    this.#held = EMPTY;
    this.events.push({ type: "abort", id: this.openId, error });
    this.onBroken(error);
  }

  /** To be called at the end of `onHead`: reports the end of a message without body. */
  protected startMessage(id: number): void {
    this.reading = id;
    this.inMessage = true;
    if (this.body.done) this.#endMessage();
  }

  /** From here on bytes are the tunnel's. */
  protected startTunnel(id: number): void {
    this.reading = id;
    this.inMessage = false;
    this.tunnel = true;
  }

  protected writeHead(firstLine: readonly string[], own: string, send: FieldsToSend): void {
    checkFields(send.fields);
    for (const text of firstLine) this.output.text(text);
    writeFields(this.output, send, own);
  }

  protected writeChunk(bytes: Uint8Array): void {
    this.output.text(`${bytes.length.toString(16)}\r\n`);
    this.output.bytes(bytes);
    this.output.text("\r\n");
  }

  protected writeLastChunk(trailers: readonly Field[] | undefined): void {
    checkFields(trailers);
    this.output.text("0\r\n");
    if (trailers !== undefined) writeFields(this.output, { fields: trailers });
    this.output.text("\r\n");
  }

  #run(bytes: Buffer): void {
    const end = bytes.length;
    let at = 0;
    while (at < end && !this.over) {
      if (this.tunnel) {
        this.events.push({ type: "data", id: this.reading, bytes: bytes.subarray(at) });
        return;
      }
      if (this.inMessage) at = this.#readBody(bytes, at, end);
      else if (this.closing) return;
      else if (this.mayRead) at = this.#readHead(bytes, at, end);
      else {
        this.#hold(bytes, at);
        return;
      }
    }
  }

  #readBody(bytes: Buffer, start: number, end: number): number {
    const { body } = this;
    const next = body.read(bytes, start, end);
    if (body.dataEnd > body.dataStart) {
      const data = bytes.subarray(body.dataStart, body.dataEnd);
      this.events.push({ type: "data", id: this.reading, bytes: data });
    }
    if (body.done) this.#endMessage();
    return next;
  }

  #endMessage(): void {
    this.inMessage = false;
    this.events.push({ type: "end", id: this.reading, trailers: this.body.trailers });
    this.onMessageEnd();
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    if (this.#collector === undefined && bytes[start] !== 13) {
      const parsed = this.parse(bytes, start, end);
      if (parsed !== undefined) {
        this.#checkHeadBytes(parsed.next - start);
        this.onHead(parsed.head);
        return parsed.next;
      }
    }
    // RFC 9112 section 2.2: old clients send an empty line after a body.
    this.#collector ??= new BlockCollector(this.limits.maxHeadBytes, 1);
    const next = this.#collector.take(bytes, start, end);
    if (!this.#collector.done) return next;
    const block = this.#collector.bytes;
    this.#collector = undefined;
    const parsed = this.parse(block, 0, block.length);
    if (parsed === undefined || parsed.next !== block.length) throw new Http1Error(400, "head ends too early");
    this.onHead(parsed.head);
    return next;
  }

  #checkHeadBytes(bytes: number): void {
    const limit = this.limits.maxHeadBytes;
    if (bytes > limit) throw new Http1Error(431, `lines are over the limit of ${limit} bytes`, limit);
  }

  /** Held bytes outlive the chunk, so they are copied. */
  #hold(bytes: Buffer, at: number): void {
    const length = bytes.length - at;
    if (length > this.limits.maxHeldBytes) {
      throw new Http1Error(400, `pipelined requests are over maxHeldBytes ${this.limits.maxHeldBytes}`);
    }
    this.#held = this.#isOwnCopy ? bytes.subarray(at) : Buffer.from(bytes.subarray(at));
  }
}
