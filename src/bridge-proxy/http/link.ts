import { Http1Client } from "../../codecs/http1/client.ts";
import type { ClientEvent, RequestToSend } from "../../codecs/http1/connection.ts";
import type { FieldLines } from "../../codecs/http1/fields.ts";
import type { ResponseHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";
import type { ProxyContext } from "../context.ts";
import { logBug } from "../pending.ts";
import { SocketDriver, type SocketOwner } from "../socket-driver.ts";
import type { ConnectTarget } from "../upstream/connect-target.ts";
import { openSocket, superviseConnect } from "../upstream/connecting.ts";

/** Whoever has a connection for the time of one call. */
export interface LinkUser {
  /** Also of interim answers (1xx), which come before the final one. */
  onHead(head: ResponseHead): void;
  /** Lends `bytes`: of the answer, or of the tunnel that it began. */
  onData(bytes: Buffer): void;
  /** The answer is whole, or the tunnel's far end closed; the connection is somebody else's from now on. */
  onEnd(trailers: FieldLines | undefined): void;
  /** The connection is gone, or of no more use. `untouched`: it had served before, and went without a byte of an answer. */
  onLost(why: string, untouched: boolean): void;
}

/** Where a connection belongs. */
export interface LinkOwner extends ConnectTarget {
  onConnected(link: HttpLink): void;
  /** Connecting takes longer than a patient caller would like. */
  onSlow(): void;
  /** Its call is over, and it can take another one. */
  onFree(link: HttpLink): void;
  /** It is gone, exactly once; `why` says how, where that is known. */
  onClosed(link: HttpLink, why: string): void;
}

/** How long a connection without a call is kept, ms, unless the provider says that it keeps it for less. */
const IDLE_MS = 60_000;
/** A provider that says when it closes is left this much earlier, so that no call crosses its goodbye. */
const EARLIER_MS = 1_000;
/** How long a tunnel's far end may take to close its side. */
const GOODBYE_MS = 2_000;

/** One connection to an HTTP/1.1 provider: it carries one call at a time. */
export class HttpLink implements SocketOwner {
  readonly driver: SocketDriver;
  connected = false;
  closed = false;
  /** When its last call ended, monotonic ms. */
  idleSinceMs: number;
  readonly #context: ProxyContext;
  readonly #owner: LinkOwner;
  readonly #machine: Http1Client;
  #user: LinkUser | undefined;
  #calls = 0;
  #touched = false;
  #idleMs: number;
  readonly #openedMs: number;
  #paused = false;
  #isEnding = false;
  #isAbandoned = false;
  #isDistrusted = false;
  #failure = "";

  constructor(context: ProxyContext, owner: LinkOwner) {
    this.#context = context;
    this.#owner = owner;
    this.idleSinceMs = context.nowMs;
    this.#openedMs = context.nowMs;
    this.#idleMs = Math.min(IDLE_MS, owner.pool?.idleMs ?? IDLE_MS);
    this.#machine = new Http1Client({ maxBodyBytes: Number.MAX_SAFE_INTEGER });
    this.driver = new SocketDriver((onread) => openSocket(owner, onread), context.queue, this);
    superviseConnect(context, this.driver.socket, owner, {
      onSlow: () => owner.onSlow(),
      onGivenUp: (message) => {
        this.#failure = message;
      },
      onConnected: () => {
        this.connected = true;
        context.counters.upstreamConnections++;
        owner.onConnected(this);
      },
      onDistrusted: () => {
        this.#isDistrusted = true;
      },
    });
    this.driver.socket.once("end", () => this.#onEnd());
  }

  /** Whether it has had no call for longer than it is kept. */
  get isStale(): boolean {
    const { nowMs } = this.#context;
    return this.#user === undefined && (nowMs - this.idleSinceMs > this.#idleMs || this.#isWorn());
  }

  /** Whether it is to take no further call, as its cluster says, or for its peer's certificate. */
  #isWorn(): boolean {
    const { pool } = this.#owner;
    if (this.#isDistrusted) return true;
    if (pool === undefined) return false;
    return this.#calls >= pool.maxCalls || this.#context.nowMs - this.#openedMs > pool.maxAgeMs;
  }

  /** Bytes that the provider has not taken yet. */
  get backlogBytes(): number {
    return this.driver.backlogBytes;
  }

  /** Writes where it wrote before, once all of that is sent: memory of a large request is let go. */
  trim(): void {
    if (this.driver.backlogBytes === 0) this.#machine.reuseOutput();
  }

  /** Begins a call: its answer goes to `user`. Throws CallError where the head cannot be written. */
  begin(user: LinkUser, head: Omit<RequestToSend, "type" | "id">): void {
    const { method, target, length, from, without, fields, upgrade, expectContinue } = head;
    const id = ++this.#calls;
    this.trim();
    this.#machine.send({ type: "head", id, method, target, length, from, without, fields, upgrade, expectContinue }, 0);
    this.#user = user;
    this.#touched = false;
    this.driver.wake();
  }

  /** Content of the request, or of the tunnel; copied. */
  data(bytes: Buffer): void {
    if (this.closed || bytes.length === 0) return;
    this.#machine.send({ type: "data", id: this.#calls, bytes }, 0);
    this.driver.wake();
  }

  /** The request, or the near side of the tunnel, has ended. */
  end(trailers: readonly Field[] | undefined): void {
    if (this.closed) return;
    this.#machine.send({ type: "end", id: this.#calls, trailers }, 0);
    this.driver.wake();
  }

  /** The near side of the tunnel is gone: what it sent before goes out, then the connection ends. */
  finishTunnel(): void {
    this.#isEnding = true;
    this.driver.end();
    setTimeout(() => this.driver.destroy(), GOODBYE_MS).unref();
  }

  /** The call is given up: nothing of it is heard any more, and the connection ends. */
  abandon(): void {
    this.#user = undefined;
    this.#isAbandoned = true;
    if (!this.#isEnding) this.driver.destroy();
  }

  /** Reads no further for now: the caller has not taken what was read. */
  pause(): void {
    this.#paused = true;
    this.driver.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.driver.resume();
  }

  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#context.nowMs = performance.now();
    this.#touched = true;
    this.#handle(this.#machine.receive(bytes.subarray(start, end), 0));
  }

  onFlush(): void {
    if (this.closed) return;
    const output = this.#machine.takeOutput();
    if (output.length > 0) this.driver.append(output, 0, output.length);
    if (this.#machine.closing) this.driver.end();
  }

  onClosed(error: Error | undefined): void {
    if (this.closed) return;
    this.#context.nowMs = performance.now();
    this.closed = true;
    const why = this.#failure || error?.message || "";
    this.#owner.onClosed(this, why);
    this.#lose(why || "connection closed");
  }

  #handle(events: readonly ClientEvent[]): void {
    for (const event of events) {
      // What came with the head that made its call give it up.
      if (this.#isAbandoned) return;
      switch (event.type) {
        case "head":
          if (this.#calls === 1) this.#readKeepAlive(event.head);
          this.#user?.onHead(event.head);
          break;
        case "data":
          this.#user?.onData(event.bytes);
          break;
        case "end":
          this.#finish(event.trailers);
          break;
        case "abort":
          this.#failure = event.error.message;
          this.#context.counters.upstreamProtocolErrors++;
          logBug(this.#context, event.error);
          this.#lose(event.error.message);
          this.driver.destroy();
          return;
        default:
          event satisfies never;
      }
    }
  }

  #finish(trailers: FieldLines | undefined): void {
    const user = this.#user;
    this.#user = undefined;
    this.idleSinceMs = this.#context.nowMs;
    this.resume();
    if (this.#machine.isReusable && !this.#isWorn()) this.#owner.onFree(this);
    else this.driver.destroy();
    user?.onEnd(trailers);
  }

  /** The provider sends no more: that ends an answer that goes on until then. */
  #onEnd(): void {
    if (this.closed) return;
    this.#context.nowMs = performance.now();
    this.#handle(this.#machine.receiveEnd(0));
    this.onClosed(undefined);
    this.driver.end();
  }

  #lose(why: string): void {
    const user = this.#user;
    this.#user = undefined;
    user?.onLost(why, this.#calls > 1 && !this.#touched);
  }

  #readKeepAlive({ fields }: ResponseHead): void {
    const seconds = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(fields.get("keep-alive") ?? "")?.[1];
    if (seconds !== undefined) this.#idleMs = Math.min(this.#idleMs, Math.max(0, Number(seconds) * 1_000 - EARLIER_MS));
  }
}
