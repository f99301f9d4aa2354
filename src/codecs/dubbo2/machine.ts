/**
 * What both ends of a Dubbo2 connection share: frames out of the stream, heartbeats answered, the peer's silence noticed,
 * output collected. The ends themselves are in connection.ts.
 */
import { ProtocolError } from "../../base/errors.ts";
import {
  DEFAULT_MAX_BODY_BYTES,
  encodeHeartbeatAnswer,
  eventKind,
  HEADER_BYTES,
  isRequest,
  isTwoWay,
  MAX_EVENT_BYTES,
} from "./frame.ts";
import { FrameSplitter } from "./splitter.ts";

/** Bounds of one connection; bytes, ms and counts. */
export interface Dubbo2Limits {
  /** Larger bodies are answered 40 (server) or reported (client), and their bytes skipped. */
  readonly maxBodyBytes: number;
  /** Larger bodies still break the connection. */
  readonly maxSkipBytes: number;
  /** Calls in flight on this connection. */
  readonly maxCalls: number;
  readonly heartbeatMs: number;
  readonly idleMs: number;
}

/** The bounds where none are given. */
export const DEFAULT_LIMITS: Dubbo2Limits = {
  maxBodyBytes: DEFAULT_MAX_BODY_BYTES,
  maxSkipBytes: 64 * 1024 * 1024,
  maxCalls: 10_000,
  heartbeatMs: 60_000,
  idleMs: 180_000,
};

/** The common part of the two machines. `In` are the events that the end reports; `idle` is one of them. */
export abstract class Dubbo2Machine<In> {
  protected readonly limits: Dubbo2Limits;
  protected events: (In | { readonly type: "idle" })[] = [];
  protected readAtMs: number;
  #output: Buffer[] = [];
  #idle = false;
  readonly #splitter: FrameSplitter;

  constructor(nowMs: number, limits: Partial<Dubbo2Limits>) {
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.readAtMs = nowMs;
    this.#splitter = new FrameSplitter(
      {
        onFrame: (bytes, start, end) => this.onFrame(bytes, start, end),
        onOversize: (header, bodyBytes) => this.onOversize(header, bodyBytes),
      },
      this.limits,
    );
  }

  receive(bytes: Uint8Array, nowMs: number): In[] {
    this.readAtMs = nowMs;
    // Frames are decoded at once, but one that is cut off is kept by the splitter: it gets bytes of its own.
    this.#splitter.push(Buffer.from(bytes));
    return this.takeEvents();
  }

  takeOutput(): Uint8Array {
    const output = Buffer.concat(this.#output);
    this.#output = [];
    return output;
  }

  protected abstract onFrame(bytes: Buffer, start: number, end: number): void;
  protected abstract onOversize(header: Buffer, bodyBytes: number): void;

  protected write(frame: Buffer): void {
    this.#output.push(frame);
  }

  protected takeEvents(): In[] {
    const events = this.events;
    this.events = [];
    return events as In[];
  }

  /** Answers heartbeats of the peer; what else the event says is returned. */
  protected onEvent(bytes: Buffer, start: number, end: number): "readonly" | "writeable" | undefined {
    const length = end - start - HEADER_BYTES;
    if (length > MAX_EVENT_BYTES) {
      throw new ProtocolError(
        "dubbo2",
        `event of ${length} bytes is over MAX_EVENT_BYTES ${MAX_EVENT_BYTES}`,
        start + 12,
      );
    }
    if (!isRequest(bytes, start)) return undefined;
    const kind = eventKind(bytes, start, end);
    if (kind === "readonly" || kind === "writeable") return kind;
    if (isTwoWay(bytes, start)) this.write(encodeHeartbeatAnswer(bytes, start, end));
    return undefined;
  }

  protected get idleAtMs(): number | undefined {
    return this.#idle ? undefined : this.readAtMs + this.limits.idleMs;
  }

  protected tickIdle(nowMs: number): void {
    if (this.#idle || nowMs < this.readAtMs + this.limits.idleMs) return;
    this.#idle = true;
    this.events.push({ type: "idle" });
  }
}
