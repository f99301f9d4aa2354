/** The receiving half of an HTTP/2 connection: frames to events, with every rule and bound checked (RFC 9113 sections 5 to 8). */
import { Endpoint } from "./endpoint.ts";
import { ERROR, FLAG, FRAME, Http2Error } from "./frame.ts";
import { checkHeaders, type HeadFacts } from "./header-rules.ts";
import { type HeaderBlock, HpackDecoder } from "./hpack-decoder.ts";
import type { Http2Limits } from "./limits.ts";
import { readSettings } from "./settings.ts";
import type { Http2Stream } from "./stream.ts";

const MAX_DEBUG_BYTES = 256;

/** What {@link Http2Connection} is built on; use that. */
export abstract class Receiver extends Endpoint {
  readonly #decoder: HpackDecoder;
  #blockEnds = false;
  #blockSelf = false;
  #blockParts: Buffer[] = [];
  #blockBytes = 0;
  #facts = new WeakMap<HeaderBlock, HeadFacts>();

  constructor(role: "server" | "client", nowMs: number, limits: Partial<Http2Limits>) {
    super(role, nowMs, limits);
    this.#decoder = new HpackDecoder(this.limits.headerTableBytes, this.limits.maxHeaderListBytes);
  }

  protected override onFrame(bytes: Buffer, start: number, end: number, type: number, flags: number, id: number): void {
    if (this.blockStream > 0 && (type !== FRAME.continuation || id !== this.blockStream)) {
      throw new Http2Error(ERROR.protocol, "another frame inside a header block");
    }
    if (!this.settled && (type !== FRAME.settings || flags & FLAG.ack)) {
      throw new Http2Error(ERROR.protocol, "the first frame is not SETTINGS");
    }
    switch (type) {
      case FRAME.data:
        this.#onData(bytes, start, end, flags, id);
        return;
      case FRAME.headers:
        this.#onHeaders(bytes, start, end, flags, id);
        return;
      case FRAME.continuation:
        if (this.blockStream === 0) throw new Http2Error(ERROR.protocol, "CONTINUATION without a header block");
        this.#onBlock(bytes, start, end, flags);
        return;
      case FRAME.priority:
        this.#onPriority(bytes, start, end, id);
        return;
      case FRAME.reset:
        this.#onReset(bytes, start, end, id);
        return;
      case FRAME.settings:
        this.#onSettings(bytes, start, end, flags, id);
        return;
      case FRAME.ping:
        checkShape(id === 0, end - start === 8, "PING");
        if (flags & FLAG.ack) {
          this.onPong(bytes, start);
          return;
        }
        this.guard.spendFrame(1);
        this.sender.ping(bytes, start, true);
        return;
      case FRAME.goaway:
        this.#onGoaway(bytes, start, end, id);
        return;
      case FRAME.windowUpdate:
        this.#onWindowUpdate(bytes, start, end, id);
        return;
      case FRAME.pushPromise:
        throw new Http2Error(ERROR.protocol, "PUSH_PROMISE, which is off");
      default:
        this.guard.spendFrame(1);
    }
  }

  #onData(bytes: Buffer, start: number, end: number, flags: number, id: number): void {
    const length = end - start;
    if (id === 0) throw new Http2Error(ERROR.protocol, "DATA without a stream");
    if (length > this.receiveWindow) throw new Http2Error(ERROR.flowControl, "DATA over the connection window");
    this.receiveWindow -= length;
    const from = flags & FLAG.padded ? start + 1 : start;
    const to = flags & FLAG.padded ? end - bytes[start] : end;
    if (from > to || (flags & FLAG.padded && length === 0)) {
      throw new Http2Error(ERROR.protocol, "padding is longer than its frame");
    }
    const content = to - from;
    const last = (flags & FLAG.endStream) !== 0;
    if (content > 0) this.guard.earnFrame();
    else if (!last) this.guard.spendFrame(20);
    this.credit(length - content);
    const stream = this.streams.get(id);
    if (stream === undefined) {
      this.credit(content);
      this.#onStray(id, "DATA");
      return;
    }
    if (stream.remoteEnded || !stream.headed || length > stream.receiveWindow) {
      this.credit(content);
      if (stream.remoteEnded) {
        this.resetStream(stream, ERROR.streamClosed, "DATA after the end");
        return;
      }
      if (!stream.headed) {
        this.resetStream(stream, ERROR.protocol, "DATA before a head");
        return;
      }
      this.resetStream(stream, ERROR.flowControl, "DATA over the stream's window");
      return;
    }
    stream.receiveWindow -= length;
    stream.credit += length - content;
    stream.unreleased += content;
    if (stream.expectedBytes >= 0) {
      stream.expectedBytes -= content;
      if (stream.expectedBytes < 0 || (last && stream.expectedBytes > 0)) {
        this.resetStream(stream, ERROR.protocol, "content is not as long as content-length says");
        return;
      }
    }
    if (content > 0 || last) this.events.push({ type: "data", stream, bytes: bytes.subarray(from, to), end: last });
    if (last) this.#remoteEnd(stream);
  }

  #remoteEnd(stream: Http2Stream): void {
    stream.remoteEnded = true;
    if (stream.localEnded && stream.queuedBytes === 0) this.close(stream, "ended");
  }

  /** A frame of a stream that is not open. */
  #onStray(id: number, name: string): void {
    if (id > this.lastId || id % 2 === 0) throw new Http2Error(ERROR.protocol, `${name} on an idle stream`);
    const ending = this.streams.ending(id);
    this.guard.spendFrame(1);
    if (ending === "we-reset") return;
    // A late answer to a call that was given up so long ago that others have ended in its place: no fault of the peer's.
    if (name === "HEADERS" && ending === "unknown" && this.role === "client") return;
    if (name === "HEADERS" && ending === "ended") throw new Http2Error(ERROR.streamClosed, "HEADERS after the end");
    if (name === "HEADERS" && ending === "unknown") throw new Http2Error(ERROR.protocol, "stream numbers go down");
    this.resetUnknown(id, ERROR.streamClosed);
  }

  #onHeaders(bytes: Buffer, start: number, end: number, flags: number, id: number): void {
    if (id === 0 || id % 2 === 0) throw new Http2Error(ERROR.protocol, `HEADERS on stream ${id}`);
    let from = start;
    let to = end;
    if (flags & FLAG.padded) {
      from++;
      to -= end > start ? bytes[start] : 0;
    }
    this.#blockSelf = false;
    if (flags & FLAG.priority) {
      if (end - from >= 5) this.#blockSelf = (bytes.readUInt32BE(from) & 0x7fffffff) === id;
      from += 5;
    }
    if (from > to) throw new Http2Error(ERROR.protocol, "padding or priority is longer than its frame");
    this.blockStream = id;
    this.#blockEnds = (flags & FLAG.endStream) !== 0;
    if (flags & FLAG.endHeaders) this.#onList(this.#decoder.decode(bytes, from, to));
    else {
      this.#blockParts = [];
      this.#blockBytes = 0;
      this.blockDueMs = this.sender.nowMs + this.limits.handshakeMs;
      this.#onBlock(bytes, from, to, 0);
    }
  }

  #onBlock(bytes: Buffer, start: number, end: number, flags: number): void {
    const { maxHeaderListBytes, maxContinuations } = this.limits;
    this.#blockBytes += end - start;
    if (this.#blockBytes > maxHeaderListBytes) {
      throw new Http2Error(ERROR.calm, `header block is over maxHeaderListBytes ${maxHeaderListBytes}`);
    }
    if (this.#blockParts.length > maxContinuations) {
      throw new Http2Error(ERROR.calm, `header block has over maxContinuations ${maxContinuations} frames`);
    }
    this.#blockParts.push(Buffer.from(bytes.subarray(start, end)));
    if ((flags & FLAG.endHeaders) === 0) return;
    const whole = Buffer.concat(this.#blockParts);
    this.#blockParts = [];
    this.#onList(this.#decoder.decode(whole, 0, whole.length));
  }

  #onList(block: HeaderBlock): void {
    const id = this.blockStream;
    this.blockStream = 0;
    const stream = this.streams.get(id);
    if (stream !== undefined) {
      if (stream.remoteEnded) {
        this.resetStream(stream, ERROR.streamClosed, "HEADERS after the end");
        return;
      }
      if (block.oversize) {
        this.resetStream(stream, ERROR.calm, this.#oversize(block));
        return;
      }
      if (stream.headed) this.#onTrailers(stream, block);
      else this.#onResponse(stream, block);
      return;
    }
    if (this.role === "client" || id <= this.lastId) {
      this.#onStray(id, "HEADERS");
      return;
    }
    if (id > this.lastServed) {
      this.streams.remember(id, "we-reset");
      return;
    }
    this.#onRequest(id, block);
  }

  #oversize(block: HeaderBlock): string {
    return `header list of ${block.listBytes} bytes is over maxHeaderListBytes ${this.limits.maxHeaderListBytes}`;
  }

  #onRequest(id: number, block: HeaderBlock): void {
    const refused = this.streams.size >= this.limits.maxStreams;
    const facts = this.#check(block, "request");
    const wrong = this.#blockSelf || facts.fault !== undefined || (this.#blockEnds && facts.contentLength > 0);
    if (refused || block.oversize || wrong) {
      this.lastId = id;
      this.resetUnknown(id, refused ? ERROR.refused : block.oversize ? ERROR.calm : ERROR.protocol);
      return;
    }
    const stream = this.addStream(id);
    stream.isHead = facts.method === "HEAD";
    this.#head(stream, block, facts);
  }

  #onResponse(stream: Http2Stream, block: HeaderBlock): void {
    const facts = this.#check(block, "response");
    const { status } = facts;
    if (facts.fault !== undefined) {
      this.resetStream(stream, ERROR.protocol, facts.fault);
      return;
    }
    if (status < 200) {
      if (this.#blockEnds || status === 101) {
        this.resetStream(stream, ERROR.protocol, `status ${status} ends`);
        return;
      }
      this.guard.spendFrame(1);
      const { fields, never, shared } = block;
      this.events.push({ type: "head", stream, fields, never, shared, informational: true, end: false });
      return;
    }
    const empty = stream.isHead || status === 204 || status === 304;
    if (this.#blockEnds && facts.contentLength > 0 && !empty) {
      this.resetStream(stream, ERROR.protocol, "content is not as long as content-length says");
      return;
    }
    this.#head(stream, block, facts);
    if (empty) stream.expectedBytes = -1;
  }

  #head(stream: Http2Stream, block: HeaderBlock, facts: HeadFacts): void {
    stream.headed = true;
    stream.expectedBytes = facts.contentLength;
    const { fields, never, shared } = block;
    this.events.push({ type: "head", stream, fields, never, shared, informational: false, end: this.#blockEnds });
    if (this.#blockEnds) this.#remoteEnd(stream);
  }

  #onTrailers(stream: Http2Stream, block: HeaderBlock): void {
    const fault = this.#blockEnds ? this.#check(block, "trailers").fault : "HEADERS in the middle of the content";
    if (fault !== undefined || stream.expectedBytes > 0) {
      this.resetStream(stream, ERROR.protocol, fault ?? "content is not as long as content-length says");
      return;
    }
    this.events.push({ type: "trailers", stream, fields: block.fields, never: block.never });
    this.#remoteEnd(stream);
  }

  /** Lists that the decoder knows by heart are checked once; a list is of one kind, as its pseudo fields show. */
  #check(block: HeaderBlock, kind: "request" | "response" | "trailers"): HeadFacts {
    if (!block.shared || kind === "trailers") return checkHeaders(block.fields, kind, block.sound);
    let facts = this.#facts.get(block);
    if (facts === undefined) {
      facts = checkHeaders(block.fields, kind, block.sound);
      this.#facts.set(block, facts);
    }
    return facts;
  }

  #onPriority(bytes: Buffer, start: number, end: number, id: number): void {
    this.guard.spendFrame(1);
    if (id === 0) throw new Http2Error(ERROR.protocol, "PRIORITY without a stream");
    const stream = this.streams.get(id);
    const fault =
      end - start !== 5 ? ERROR.frameSize : (bytes.readUInt32BE(start) & 0x7fffffff) === id ? ERROR.protocol : 0;
    if (fault === 0) return;
    if (stream === undefined) throw new Http2Error(fault, "PRIORITY is wrong");
    this.resetStream(stream, fault, "PRIORITY is wrong");
  }

  #onReset(bytes: Buffer, start: number, end: number, id: number): void {
    checkShape(id !== 0, end - start === 4, "RST_STREAM");
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (id > this.lastId || id % 2 === 0) throw new Http2Error(ERROR.protocol, "RST_STREAM on an idle stream");
      this.guard.spendFrame(1);
      return;
    }
    this.events.push({ type: "reset", stream, code: bytes.readUInt32BE(start), why: "" });
    this.close(stream, "they-reset");
    this.spendReset();
  }

  #onSettings(bytes: Buffer, start: number, end: number, flags: number, id: number): void {
    checkShape(id === 0, flags & FLAG.ack ? end === start : (end - start) % 6 === 0, "SETTINGS");
    this.guard.spendFrame(10);
    if (flags & FLAG.ack) {
      this.acknowledged = true;
      return;
    }
    this.settled = true;
    const settings = readSettings(bytes, start, end, this.role);
    if (settings.headerTableBytes !== undefined) this.sender.setPeerTableBytes(settings.headerTableBytes);
    if (settings.maxStreams !== undefined) this.peerMaxStreams = settings.maxStreams;
    if (settings.maxHeaderListBytes !== undefined) this.peerMaxListBytes = settings.maxHeaderListBytes;
    // Content that waited for a wider window goes out behind the acknowledgement of it.
    this.sender.settingsAck();
    if (settings.initialWindow !== undefined) this.sender.setInitialWindow(settings.initialWindow, this.streams.all());
    this.events.push({ type: "settings" });
  }

  #onGoaway(bytes: Buffer, start: number, end: number, id: number): void {
    checkShape(id === 0, end - start >= 8, "GOAWAY");
    this.guard.spendFrame(10);
    this.goneAway = true;
    const lastStream = bytes.readUInt32BE(start) & 0x7fffffff;
    const code = bytes.readUInt32BE(start + 4);
    if (this.role === "client") {
      for (const stream of this.streams.all().filter((one) => one.id > lastStream)) {
        this.events.push({ type: "reset", stream, code: ERROR.refused, why: "" });
        this.close(stream, "they-reset");
      }
    }
    const debug = bytes.latin1Slice(start + 8, Math.min(end, start + 8 + MAX_DEBUG_BYTES));
    this.events.push({ type: "goaway", code, lastStream, debug });
  }

  #onWindowUpdate(bytes: Buffer, start: number, end: number, id: number): void {
    checkShape(true, end - start === 4, "WINDOW_UPDATE");
    this.guard.spendFrame(1);
    const more = bytes.readUInt32BE(start) & 0x7fffffff;
    if (id === 0) {
      if (more === 0) throw new Http2Error(ERROR.protocol, "WINDOW_UPDATE by 0");
      this.sender.widen(more);
      return;
    }
    const stream = this.streams.get(id);
    if (stream === undefined) {
      if (id > this.lastId || id % 2 === 0) throw new Http2Error(ERROR.protocol, "WINDOW_UPDATE on an idle stream");
    } else if (more === 0) this.resetStream(stream, ERROR.protocol, "WINDOW_UPDATE by 0");
    else if (!this.sender.widenStream(stream, more)) {
      this.resetStream(stream, ERROR.flowControl, "window is over 2^31-1");
    }
  }
}

function checkShape(placed: boolean, sized: boolean, name: string): void {
  if (!placed) throw new Http2Error(ERROR.protocol, `${name} on the wrong stream`);
  if (!sized) throw new Http2Error(ERROR.frameSize, `${name} of the wrong length`);
}
