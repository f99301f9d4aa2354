import { forgetOldest } from "../../base/bounded.ts";
import { FLAG_TWO_WAY } from "../../codecs/dubbo2/frame.ts";
import type { CallerPort, ProxyContext } from "../context.ts";
import type { UpstreamHost } from "../upstream/host.ts";
import type { Callee } from "./callee.ts";

/** Callbacks of one caller that wait for its reply, at most. */
const MAX_WAITING = 10_000;

interface WaitingCallback {
  readonly callee: Callee;
  readonly idHigh: number;
  readonly idLow: number;
}

/**
 * Calls that providers make to one caller: a provider sends them on the connection that it got the callback parameter on, so
 * that connection carries this caller alone. Their ids are replaced, since several providers may use the same ones.
 */
export class Callbacks {
  readonly #context: ProxyContext;
  readonly #caller: CallerPort;
  readonly #connections = new Map<UpstreamHost<Callee>, Callee>();
  readonly #waiting = new Map<number, WaitingCallback>();
  #nextId = 0;

  constructor(context: ProxyContext, caller: CallerPort) {
    this.#context = context;
    this.#caller = caller;
  }

  /** This caller's own connection to a provider, made when there is none. */
  pinned(host: UpstreamHost<Callee>): Callee {
    let callee = this.#connections.get(host);
    if (callee === undefined) {
      const opened = host.openPinned(() => this.#forget(host, opened));
      opened.onCallback = (bytes, start, end) => this.#onCallback(opened, bytes, start, end);
      this.#connections.set(host, opened);
      callee = opened;
    }
    return callee;
  }

  /** The caller answered a callback: the answer goes back under the provider's own id. */
  onReply(bytes: Buffer, start: number, end: number): void {
    const id = bytes.readInt32BE(start + 8);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    bytes.writeInt32BE(waiting.idHigh, start + 4);
    bytes.writeInt32BE(waiting.idLow, start + 8);
    waiting.callee.send(bytes, start, end);
  }

  /** Lets the connections ask for signs of life: a subscription may be silent for longer than providers keep idle connections. */
  tick(): void {
    for (const callee of [...this.#connections.values()]) callee.tick();
  }

  /** The caller is gone: so are its own connections. */
  close(): void {
    for (const callee of [...this.#connections.values()]) callee.destroy();
    this.#waiting.clear();
  }

  #onCallback(callee: Callee, bytes: Buffer, start: number, end: number): void {
    this.#context.counters.callbacks++;
    if ((bytes[start + 2]! & FLAG_TWO_WAY) !== 0) {
      this.#nextId = (this.#nextId + 1) & 0x7fffffff;
      const id = this.#nextId;
      this.#waiting.set(id, { callee, idHigh: bytes.readInt32BE(start + 4), idLow: bytes.readInt32BE(start + 8) });
      forgetOldest(this.#waiting, MAX_WAITING);
      bytes.writeInt32BE(0, start + 4);
      bytes.writeInt32BE(id, start + 8);
    }
    this.#caller.deliver(bytes, start, end);
  }

  #forget(host: UpstreamHost<Callee>, callee: Callee): void {
    if (this.#connections.get(host) === callee) this.#connections.delete(host);
    for (const [id, waiting] of this.#waiting) if (waiting.callee === callee) this.#waiting.delete(id);
  }
}
