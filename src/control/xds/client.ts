import type { Clock, Timer } from "../../base/clock.ts";
import { ProtocolError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { decodeRequest, encodeResponse, type Variant } from "../../codecs/xds/discovery-bytes.ts";
import type { RouteOrigin } from "../../codecs/xds/route.ts";
import type { ServedSet } from "../../codecs/xds/served.ts";
import { ServerStream, type ServerStreamEvent } from "../../codecs/xds/server-stream.ts";
import type { RefusedResponse } from "../../codecs/xds/subscription.ts";
import type { XdsNode, XdsSource } from "./contracts.ts";
import type { XdsMetrics } from "./metrics.ts";
import { placeNode } from "./place.ts";
import { originsOf } from "./refusals.ts";

/** What carries a stream's bytes: gRPC, or a test. */
export interface XdsPipe {
  /** Whoever is at the other end, `host:port`. */
  readonly peer: string;
  /** SPIFFE identity of the peer's certificate. */
  readonly identity?: string;
  /** Sends one message. False: no more before `drained` is called. */
  write(bytes: Buffer): boolean;
  /** Ends the stream with a gRPC status. */
  end(code: number, message: string): void;
}

/** A response that a client refused, and the rules that it was made of. */
export interface Refusal extends Omit<RefusedResponse, "resources"> {
  readonly typeUrl: string;
  readonly origins: readonly RouteOrigin[];
  readonly atMs: number;
}

/** What a stream needs of its server. */
export interface XdsClientContext {
  readonly source: XdsSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: XdsMetrics;
  /** How long a client may leave a response unanswered, ms. */
  readonly answerMs: number;
  /** The client said who it is, or is ready for more than it could be given in its turn: it wants a turn. */
  readonly wantsTurn: (client: XdsClient) => void;
}

/** Longest that a node's own description may be, characters. */
const MAX_NODE_CHARS = 256 * 1024;

/** gRPC's codes of the ends that there are. */
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const INTERNAL = 13;

/** One stream of a client: its machine, what it is given, and what it refused. */
export class XdsClient {
  readonly variant: Variant;
  readonly stream: ServerStream;
  readonly peer: string;
  readonly connectedAtMs: number;
  /** Of each type that it refused last, by type URL. */
  readonly refusals = new Map<string, Refusal>();
  node: XdsNode | undefined;
  readonly #isDeltaAds: boolean;
  readonly #pipe: XdsPipe;
  readonly #context: XdsClientContext;
  #isBlocked = false;
  #isOver = false;
  #answerTimer: Timer | undefined;
  /** When what it has not got yet changed. */
  #changedAtMs: number | undefined;
  #hasSent = false;
  #lastLogged = "";

  constructor(variant: Variant, typeUrl: string | undefined, pipe: XdsPipe, context: XdsClientContext) {
    this.variant = variant;
    this.#isDeltaAds = variant === "delta" && typeUrl === undefined;
    this.peer = pipe.peer;
    this.#pipe = pipe;
    this.#context = context;
    this.connectedAtMs = context.clock.now();
    this.stream = new ServerStream({ variant, ...(typeUrl !== undefined && { typeUrl }) });
    const { clock, answerMs } = context;
    this.#answerTimer = clock.after(answerMs, () =>
      this.#refuse(DEADLINE_EXCEEDED, `no request within ${answerMs} ms`, "no_answer"),
    );
  }

  /** A request of the client. What breaks the rules ends the stream. */
  receive(bytes: Uint8Array): void {
    if (this.#isOver) return;
    try {
      for (const event of this.stream.receive(decodeRequest(this.variant, bytes))) this.#take(event);
    } catch (error) {
      if (error instanceof ProtocolError) this.#refuseFault(error);
      else this.#fail(error as Error);
      return;
    }
    if (this.#isOver || this.node === undefined) return;
    this.pump();
    this.#noteSettled();
  }

  /** Takes up what there is for it now; `changedAtMs` is when that changed, where it did. */
  refresh(changedAtMs?: number): void {
    if (this.#isOver || this.node === undefined) return;
    let set: ServedSet | undefined;
    try {
      set = this.#context.source.resourcesFor(this.node);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    if (set === undefined) return;
    this.stream.publish(set);
    if (this.#changedAtMs === undefined) this.#hasSent = false;
    this.#changedAtMs ??= changedAtMs;
    this.pump();
    this.#forgive();
    this.#noteSettled();
  }

  /** Sends what is due, as far as the client takes it. */
  pump(): void {
    if (this.#isOver) return;
    try {
      while (!this.#isBlocked) {
        const response = this.stream.takeResponse();
        if (response === undefined) return;
        const { typeUrl } = response;
        const bytes = encodeResponse(this.variant, response, (error) => this.#unencodable(error));
        this.#context.metrics.pushed(typeUrl, bytes.length);
        this.#isBlocked = !this.#pipe.write(bytes);
        this.#hasSent = true;
        this.#awaitAnswer();
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** The pipe takes more. */
  drained(): void {
    this.#isBlocked = false;
    this.pump();
  }

  /** The stream is over: nothing more comes of it. */
  close(): void {
    this.#isOver = true;
    this.#answerTimer?.cancel();
  }

  /** Ends the stream, for a client to come again. */
  end(code: number, message: string): void {
    if (this.#isOver) return;
    this.close();
    this.#pipe.end(code, message);
  }

  #take(event: ServerStreamEvent): void {
    const { metrics, log } = this.#context;
    switch (event.type) {
      case "node": {
        if (JSON.stringify(event.node).length > MAX_NODE_CHARS)
          throw new ProtocolError("xds", `a node's description is over ${MAX_NODE_CHARS} characters`, 0);
        this.#answerTimer?.cancel();
        const { identity } = this.#pipe;
        const placed = placeNode(event.node, identity);
        if ("fault" in placed) {
          this.#refuse(PERMISSION_DENIED, placed.fault, "identity");
          return;
        }
        this.node = {
          ...placed,
          ...(identity !== undefined && { identity }),
          ...(this.#isDeltaAds && { isDeltaAds: true }),
        };
        this.#context.wantsTurn(this);
        return;
      }
      case "ack":
        this.#forgive();
        this.#answerTimer?.cancel();
        this.#awaitAnswer();
        return;
      case "stale":
        metrics.stale(event.typeUrl);
        return;
      case "nack": {
        const { typeUrl, response } = event;
        metrics.refused(typeUrl);
        this.#answerTimer?.cancel();
        this.#awaitAnswer();
        const { resources, ...refused } = response;
        const origins = originsOf(
          resources.map(({ resource }) => resource),
          response.message,
        );
        this.refusals.set(typeUrl, { ...refused, typeUrl, origins, atMs: this.#context.clock.now() });
        // One line for each thing that is wrong, however often it is said.
        if (this.#lastLogged === response.message) return;
        this.#lastLogged = response.message;
        log.warn("a client refused resources", {
          node: this.node?.id,
          type: typeUrl,
          error: response.message.slice(0, 500),
          rules: origins.map(({ rule, file, line }) => `${rule} (${file ?? "?"}:${line ?? "?"})`),
        });
        return;
      }
      default:
        event satisfies never;
    }
  }

  /** Watches over the oldest response without an answer; one that comes starts the time anew. */
  #awaitAnswer(): void {
    const isWaiting = this.stream.subscriptions.some(({ waiting }) => waiting !== undefined);
    this.#answerTimer?.cancel();
    if (!isWaiting) return;
    const { clock, answerMs } = this.#context;
    this.#answerTimer = clock.after(answerMs, () =>
      this.#refuse(DEADLINE_EXCEEDED, `a response was not answered within ${answerMs} ms`, "no_answer"),
    );
  }

  /** What is taken in a later version, or gone, is not refused any more. */
  #forgive(): void {
    for (const typeUrl of this.refusals.keys())
      if (this.stream.subscriptions.find((one) => one.typeUrl === typeUrl)?.refused === undefined)
        this.refusals.delete(typeUrl);
  }

  #noteSettled(): void {
    if (this.#changedAtMs === undefined || !this.stream.isSettled) return;
    if (this.#hasSent) this.#context.metrics.converged(this.#context.clock.now() - this.#changedAtMs);
    this.#changedAtMs = undefined;
  }

  #refuseFault({ message }: ProtocolError): void {
    const code = / over \d| more than /.test(` ${message}`) ? RESOURCE_EXHAUSTED : INVALID_ARGUMENT;
    this.#refuse(code, message, code === RESOURCE_EXHAUSTED ? "limit" : "protocol");
  }

  #unencodable(error: Error): void {
    this.#context.metrics.failed();
    this.#context.log.error("a resource cannot be sent and is left out", { error: error.message.slice(0, 500) });
  }

  #refuse(code: number, message: string, reason: string): void {
    this.#context.metrics.ended(reason);
    this.#context.log.warn("a client's stream is ended", { node: this.node?.id, peer: this.peer, reason: message });
    this.end(code, message);
  }

  #fail(error: Error): void {
    this.#context.metrics.failed();
    this.#context.log.error("an xds stream failed", { node: this.node?.id, error: error.stack ?? error.message });
    this.end(INTERNAL, "the server failed");
  }
}
