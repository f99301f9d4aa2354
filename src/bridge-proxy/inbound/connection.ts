import type { X509Certificate } from "node:crypto";
import type { OnReadOpts, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { readClientHello } from "../../codecs/tls/client-hello.ts";
import type { InboundFacts } from "../../codecs/xds/listener.ts";
import { identify, peerFrom } from "../authz/peer.ts";
import type { CallerConnection } from "../caller-connection.ts";
import type { ProxyContext } from "../context.ts";
import type { EndedChain } from "../gateway/chains.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { addressOf, adopt, prepare } from "../socket-driver.ts";
import { acceptTls, isOfMesh, peerOf } from "../tls/accept.ts";
import type { MadeContext, TlsContext } from "../tls/contexts.ts";
import { MUTUAL_ONLY } from "../tls/counters.ts";
import { NO_IDENTITY } from "../tls/peer.ts";
import { type Spoken, tellSpoken } from "./first-bytes.ts";
import { OrderlyEnd } from "./orderly-end.ts";
import { Passage } from "./passage.ts";
import { streamFault } from "./stream-ruling.ts";

/** What a caller speaks that is served. */
export type Served = Exclude<Spoken, "tls" | "unknown">;

/** How a gateway's port ends TLS. */
export interface GatewayOptions {
  /** The name that a caller asks for counts. */
  readonly readsName: boolean;
  /** What holds for callers that ask for this name; undefined for nobody's. */
  readonly choose: (
    serverName: string | undefined,
  ) => Pick<EndedChain, "tls" | "isOptional"> | InboundFacts["to"] | undefined;
}

/** What an inbound connection is made with. */
export interface InboundOptions {
  /** As they are now. */
  readonly facts: () => InboundFacts;
  /** Callers come from outside the mesh: their certificates are not asked for identities, and plain text is not answered. */
  readonly gateway?: GatewayOptions;
  /** Undefined where the listener has no certificates. */
  readonly tls: TlsContext | undefined;
  /** Serves a caller on `socket`; while it `isRefused`, calls are answered that they are not allowed. */
  readonly serve: (
    socket: Socket,
    spoken: Served,
    isRefused: (() => boolean) | undefined,
    onClosed: () => void,
  ) => CallerConnection;
  /** By whose policies streams that cannot be read are led; absent at gateways. */
  readonly config?: () => RuntimeConfig;
  readonly onClosed: () => void;
}

/** Where what comes out of TLS is put until it is known what it is; looked at before anything else is read. */
const sniffed = Buffer.allocUnsafeSlow(64 * 1024);
const NOTHING = Buffer.alloc(0);

/**
 * One connection accepted in front of a provider. What it speaks is told by its first bytes, however long they take to come: plain
 * text, TLS of the mesh, which is ended here, or TLS of the application's own, which is carried as it is.
 */
export class InboundConnection implements CallerConnection {
  readonly #context: ProxyContext;
  readonly #options: InboundOptions;
  readonly #address: string;
  #socket: Socket;
  #first: Buffer = NOTHING;
  #caller: CallerConnection | undefined;
  /** How it was let in, where mutual TLS was not what let it in. */
  #letInBy: "plain" | RuntimeConfig | undefined;
  /** Calls in plain text are answered that they are refused. */
  #isRefused = false;
  #end: OrderlyEnd | undefined;
  /** Monotonic ms; 0 while no handshake is under way. */
  #handshakeSinceMs = 0;
  /** It may do without a certificate. */
  #isOptional = false;
  #unfollow: (() => void) | undefined;
  #closed = false;

  constructor(context: ProxyContext, socket: Socket, options: InboundOptions) {
    this.#context = context;
    this.#options = options;
    this.#socket = socket;
    this.#address = addressOf(socket);
    context.tls.waiting.enter(this);
    socket.on("data", this.#onData);
    socket.on("error", this.#onError);
    socket.once("close", this.#onClosed);
  }

  get backlogBytes(): number {
    return this.#caller?.backlogBytes ?? 0;
  }

  leave(): void {
    if (this.#caller === undefined) this.destroy();
    else this.#caller.leave();
  }

  end(): void {
    if (this.#caller === undefined) this.destroy();
    else this.#caller.end();
  }

  destroy(): void {
    if (this.#caller === undefined) this.#socket.destroy();
    else this.#caller.destroy();
  }

  tick(): void {
    const { nowMs, limits } = this.#context;
    if (this.#caller !== undefined) {
      this.#caller.tick();
      if (this.#letInBy !== undefined) this.#lookAgain(this.#caller);
    } else if (this.#handshakeSinceMs > 0 && nowMs - this.#handshakeSinceMs > limits.handshakeTimeoutMs)
      this.#fail(`it took over ${limits.handshakeTimeoutMs} ms`);
  }

  /** Of bytes as they come from the network. */
  readonly #onData = (bytes: Buffer): void => {
    this.#context.nowMs = performance.now();
    this.#first = this.#first.length === 0 ? bytes : Buffer.concat([this.#first, bytes]);
    const spoken = tellSpoken(this.#first);
    if (spoken === undefined) return;
    if (spoken === "tls") this.#onTls();
    else this.#onPlain(spoken);
  };

  readonly #onError = (error: Error): void => {
    this.#context.log.debug("inbound connection ended", { peer: this.#address, error: error.message });
  };

  readonly #onClosed = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    this.#context.tls.waiting.leave(this);
    this.#endHandshake();
    this.#unfollow?.();
    this.#options.onClosed();
  };

  #onPlain(spoken: Exclude<Spoken, "tls">): void {
    const { tls, nowMs } = this.#context;
    this.#isRefused = this.#options.facts().mtls === "STRICT";
    if (this.#isRefused) tls.record.plainRefused(this.#address, nowMs);
    if (spoken === "unknown" || (this.#isRefused && this.#options.gateway !== undefined)) {
      this.#context.counters.downstreamProtocolErrors++;
      this.#socket.destroy();
      return;
    }
    const first = this.#letGo();
    prepare(this.#socket, first, (onread) => adopt(this.#socket, onread));
    this.#letInBy = "plain";
    this.#serve(this.#socket, spoken, () => this.#isRefused);
  }

  #onTls(): void {
    const { gateway } = this.#options;
    const { mtls, to } = this.#options.facts();
    let context = this.#options.tls;
    let serverName: string | undefined;
    if (mtls !== "STRICT" || gateway?.readsName === true) {
      let alpn: readonly string[];
      try {
        const hello = readClientHello(this.#first);
        if (hello === undefined) return;
        ({ alpn, serverName } = hello);
      } catch (error) {
        this.#fail((error as Error).message);
        return;
      }
      if (mtls === "DISABLE" || (mtls !== "STRICT" && !isOfMesh(alpn))) {
        this.#pass(to);
        return;
      }
    }
    if (gateway !== undefined) {
      const chain = gateway.choose(serverName);
      if (chain === undefined) {
        this.#fail(`nothing is served for ${JSON.stringify(serverName ?? "")}`);
        return;
      }
      if ("address" in chain) {
        this.#carry(chain);
        return;
      }
      context = chain.tls;
      this.#isOptional = chain.isOptional;
    }
    const { tls } = this.#context;
    const made = context?.current();
    if (made === undefined) this.#fail(`no TLS context: ${context?.fault ?? "the listener has none"}`);
    else if (tls.handshakes >= this.#context.limits.maxHandshakes) {
      tls.record.counters.tlsOverLimit++;
      this.#socket.destroy();
    } else this.#beginTls(context!, made);
  }

  #beginTls(context: TlsContext, made: MadeContext): void {
    const first = this.#letGo();
    this.#context.tls.handshakes++;
    this.#handshakeSinceMs = this.#context.nowMs;
    // Where bytes go changes once it is known whose they are.
    let reads: OnReadOpts = {
      buffer: () => sniffed,
      callback: (size) =>
        this.#onSniffed(Buffer.from(sniffed.subarray(0, size)), (onread) => {
          reads = onread;
        }),
    };
    const delegate: OnReadOpts = {
      buffer: () => (typeof reads.buffer === "function" ? reads.buffer() : reads.buffer),
      callback: (size, bytes) => reads.callback(size, bytes),
    };
    const socket = acceptTls(this.#socket, first, made, delegate, () => this.#onHandshake(socket, context, made));
    this.#socket = socket;
    socket.on("error", this.#onTlsError);
    socket.once("close", this.#onClosed);
  }

  readonly #onTlsError = (error: Error): void => {
    if (this.#handshakeSinceMs > 0) this.#fail(error.message);
    else this.#onError(error);
  };

  #onHandshake(socket: TLSSocket, context: TlsContext, made: MadeContext): void {
    const { tls, originMs } = this.#context;
    this.#context.nowMs = performance.now();
    this.#endHandshake();
    const peer = peerOf(socket, made, originMs + this.#context.nowMs, this.#isOptional);
    // Policies ask who a caller in the mesh is: a certificate that says it of nobody, or in two ways, is none of the mesh's.
    if ("fault" in peer || (peer.identity === undefined && made.verifies && this.#options.gateway === undefined)) {
      tls.record.refused(this.#address, "fault" in peer ? peer.fault : NO_IDENTITY, this.#context.nowMs);
      socket.destroy();
      return;
    }
    tls.record.handshake(peer.isResumed);
    const { servername } = socket as { readonly servername?: string | false };
    if (peer.identity !== undefined) identify(socket, peer.identity, servername || "");
    this.#follow(context, made, peer.chain);
    tls.waiting.enter(this);
  }

  /** Has the connection be ended once its peer would be refused. */
  #follow(context: TlsContext, made: MadeContext, chain: readonly X509Certificate[]): void {
    const { standing, wallMs } = this.#context.tls;
    const ends = { leave: () => this.leave(), end: () => this.end(), destroy: () => this.destroy() };
    const peer = { address: this.#address, chain, context, made, isOurs: false, ...ends };
    this.#unfollow = standing.add(peer, wallMs());
  }

  /** What came out of TLS, before it is known what it is. */
  #onSniffed(bytes: Buffer, readAs: (onread: OnReadOpts) => void): boolean {
    // A peer that was refused meanwhile.
    if (this.#socket.destroyed) return true;
    this.#context.nowMs = performance.now();
    this.#first = Buffer.concat([this.#first, bytes]);
    const spoken = tellSpoken(this.#first);
    if (spoken === undefined) return true;
    if (spoken === "tls" || spoken === "unknown") {
      this.#context.counters.downstreamProtocolErrors++;
      this.#socket.destroy();
      return true;
    }
    const socket = this.#socket;
    socket.removeListener("error", this.#onTlsError);
    const first = this.#letGo();
    prepare(socket, first, (onread) => {
      readAs(onread);
      return socket;
    });
    this.#serve(socket, spoken, undefined);
    return true;
  }

  #serve(socket: Socket, spoken: Served, isRefused: (() => boolean) | undefined): void {
    this.#caller = this.#options.serve(socket, spoken, isRefused, this.#onClosed);
  }

  /** Carries TLS of the application's own, where policies let a connection pass whose calls nobody sees. */
  #pass(to: InboundFacts["to"]): void {
    const { record } = this.#context.tls;
    const fault = this.#streamFault();
    if (fault !== undefined) {
      record.passRefused(this.#address, fault, this.#context.nowMs);
      this.#socket.destroy();
      return;
    }
    this.#letInBy = this.#options.config?.();
    this.#carry(to);
  }

  /** Why what is carried as it is may not go to the provider; undefined where it may. */
  #streamFault(): string | undefined {
    const { config } = this.#options;
    return config && streamFault(config(), peerFrom(this.#address));
  }

  /** Ends what stands and would not be let in now; in plain text, calls that were refused are served once they may be. */
  #lookAgain(caller: CallerConnection): void {
    const { nowMs, tls } = this.#context;
    if (this.#end !== undefined) {
      this.#end.tick(nowMs);
      return;
    }
    const isStrict = this.#options.facts().mtls === "STRICT";
    if (this.#letInBy === "plain") {
      if (this.#isRefused || !isStrict) {
        this.#isRefused = isStrict;
        return;
      }
      tls.record.plainEnded(this.#address, nowMs);
    } else {
      const config = this.#options.config?.();
      if (!isStrict && config === this.#letInBy) return;
      this.#letInBy = config;
      const fault = isStrict ? MUTUAL_ONLY : this.#streamFault();
      if (fault === undefined) return;
      tls.record.ended(this.#address, { message: fault }, nowMs);
    }
    const refuse = () => {
      this.#isRefused = true;
    };
    this.#end = new OrderlyEnd(caller, refuse, nowMs);
  }

  #carry(to: InboundFacts["to"]): void {
    this.#context.tls.record.counters.tlsPassedThrough++;
    const first = this.#letGo();
    this.#caller = new Passage(this.#socket, first, to, this.#context.limits.connectTimeoutMs, this.#onClosed);
  }

  /** Stops looking at the socket, which somebody else is about to; gives what was read of it. */
  #letGo(): Buffer {
    const first = this.#first;
    this.#first = NOTHING;
    this.#context.tls.waiting.leave(this);
    this.#socket.removeListener("data", this.#onData);
    this.#socket.removeListener("error", this.#onError);
    this.#socket.removeListener("close", this.#onClosed);
    return first;
  }

  #fail(message: string): void {
    const { tls, nowMs } = this.#context;
    tls.record.failed(this.#address, message, nowMs);
    this.#endHandshake();
    this.#socket.destroy();
  }

  #endHandshake(): void {
    if (this.#handshakeSinceMs === 0) return;
    this.#handshakeSinceMs = 0;
    this.#context.tls.handshakes--;
  }
}
