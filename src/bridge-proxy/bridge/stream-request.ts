import type { Fields } from "../../codecs/fields.ts";
import type { ContentSink, StreamOn } from "../triple/link.ts";
import type { SentContent } from "../triple/stream-try.ts";
import { MessagePump, type PumpParts } from "./message-pump.ts";

/** What a {@link StreamRequest} is made from. */
export interface StreamRequestParts extends Omit<PumpParts, "isFree" | "send"> {
  /** The request as it comes from its caller. */
  readonly content: Pick<SentContent, "empty" | "replayable" | "release" | "drop"> & { sendAll(to: ContentSink): void };
  /** A message cannot be translated. */
  onFault(error: unknown): void;
}

/** A stream's request on its way: what comes of its caller becomes messages of the provider. The caller gets window as the provider takes them. */
export class StreamRequest implements SentContent, ContentSink {
  readonly #parts: StreamRequestParts;
  readonly #pump: MessagePump;
  #to: StreamOn | undefined;
  #closed = false;

  constructor(parts: StreamRequestParts) {
    this.#parts = parts;
    this.#pump = new MessagePump({
      ...parts,
      isFree: () => this.#to!.stream.queuedBytes === 0,
      send: (bytes, end) => void this.#to!.data(bytes, end),
    });
  }

  get empty(): boolean {
    return this.#parts.content.empty;
  }

  get replayable(): boolean {
    return this.#parts.content.replayable;
  }

  /** The provider's stream is there. */
  get isOpen(): boolean {
    return this.#to !== undefined && !this.#closed;
  }

  sendAll(to: StreamOn): void {
    this.#to = to;
    this.#parts.content.sendAll(this);
  }

  data(bytes: Buffer, end: boolean): number {
    if (!this.isOpen) return 0;
    return this.#guarded(() => {
      this.#pump.push(bytes);
      if (end) this.#pump.end();
    });
  }

  /** Requests of gRPC have none: they are their end. */
  trailers(_fields: Fields): void {
    this.data(NO_BYTES, true);
  }

  /** The provider has taken all that was sent to it, or its stream is gone. */
  release(): void {
    if (!this.isOpen || this.#to!.stream.closed || this.resume() === 0) this.#parts.content.release();
  }

  /** Goes on with messages that wait; what waits after that, and is not taken by the provider yet. */
  resume(): number {
    return this.isOpen ? this.#guarded(() => this.#pump.resume()) : 0;
  }

  drop(): void {
    this.#parts.content.drop();
  }

  /** Nothing of it is sent any more. */
  close(): void {
    this.#closed = true;
    this.#pump.close();
  }

  #guarded(work: () => void): number {
    try {
      work();
    } catch (error) {
      this.close();
      this.#parts.onFault(error);
      return 0;
    }
    return this.#pump.waits ? 1 : this.#to!.stream.queuedBytes;
  }
}

const NO_BYTES = Buffer.alloc(0);
