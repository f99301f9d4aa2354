import { type CallReason, ProtocolError } from "../../base/errors.ts";
import type { Fields } from "../../codecs/fields.ts";
import { ENVELOPE_BYTES, encodeEnvelope } from "../../codecs/triple/envelope.ts";
import { CHECK_PATH, decodeCheck } from "../../codecs/xds/ext-authz.ts";
import { decodeLimitAnswer, SHOULD_LIMIT_PATH } from "../../codecs/xds/rate-limit-service.ts";
import type { SendCheck } from "../authz/ext-authz.ts";
import { DEADLINE_ROUTE } from "../call-table.ts";
import { chooseEndpoint } from "../choose.ts";
import type { ProxyContext } from "../context.ts";
import type { SendLimit } from "../policies/limits.ts";
import type { Outcome } from "../policies/outcome.ts";
import { Claim } from "../upstream/claim.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { AnswerSink } from "./caller-stream.ts";
import type { StreamOn } from "./link.ts";
import { MAX_MOVES, type SentContent, StreamTry, type TripleTryOwner } from "./stream-try.ts";

/** Questions of one proxy that wait for an answer; further ones count as failed. */
export const MAX_CHECKS = 10_000;
const FULL = "as many calls wait as the proxy may have";
const MAX_ANSWER_BYTES = 1024 * 1024;

/** A unary method of a server that is asked about calls. */
interface Method<A> {
  readonly path: string;
  /** Throws `ProtocolError` for what is no answer. */
  readonly decode: (message: Buffer) => A;
}

/** Asks external authorization servers, over the connections that the proxy keeps to their clusters. */
export function checkSender(context: ProxyContext, clusterOf: (name: string) => Cluster): SendCheck {
  return createSender(context, clusterOf, { path: CHECK_PATH, decode: decodeCheck });
}

/** Asks rate limit services in the same way. */
export function limitSender(context: ProxyContext, clusterOf: (name: string) => Cluster): SendLimit {
  return createSender(context, clusterOf, { path: SHOULD_LIMIT_PATH, decode: decodeLimitAnswer });
}

type Done<A> = (answer: A | { readonly failure: string }) => void;

function createSender<A>(context: ProxyContext, clusterOf: (name: string) => Cluster, method: Method<A>) {
  let waiting = 0;
  return (name: string, bytes: Uint8Array, timeoutMs: number, done: Done<A>): (() => void) => {
    if (waiting >= MAX_CHECKS) {
      done({ failure: `${MAX_CHECKS} questions wait already` });
      return () => {};
    }
    waiting++;
    let isOver = false;
    const end = () => {
      if (!isOver) waiting--;
      isOver = true;
    };
    const call = new CheckCall(
      context,
      { cluster: clusterOf(name), method, bytes, timeoutMs },
      (answer: A | { readonly failure: string }) => {
        end();
        done(answer);
      },
    );
    call.start();
    return () => {
      end();
      call.cancel();
    };
  };
}

const heads = new WeakMap<Cluster, ReadonlyMap<string, Fields>>();

/** One list for all calls of a cluster, which its connections' encoders know again. */
function headFor(cluster: Cluster, path: string): Fields {
  let fields = heads.get(cluster)?.get(path);
  if (fields === undefined) {
    fields = [":method", "POST", ":scheme", "http", ":path", path, ":authority", cluster.service.host].concat([
      "content-type",
      "application/grpc",
      "te",
      "trailers",
    ]);
    heads.set(cluster, new Map(heads.get(cluster)).set(path, fields));
  }
  return fields;
}

interface Asking<A> {
  readonly cluster: Cluster;
  readonly method: Method<A>;
  readonly bytes: Uint8Array;
  readonly timeoutMs: number;
}

/** One question: a unary gRPC call, tried at another server where one cannot be reached. */
class CheckCall<A> implements TripleTryOwner {
  readonly claim: Claim;
  readonly #context: ProxyContext;
  readonly #cluster: Cluster;
  readonly #content: SentContent;
  readonly #deadlineMs: number;
  readonly #tried: object[] = [];
  #answer = new CheckSink();
  #try: StreamTry | undefined;
  readonly #method: Method<A>;
  #done: Done<A> | undefined;
  #moves = 0;

  constructor(context: ProxyContext, { cluster, method, bytes, timeoutMs }: Asking<A>, done: Done<A>) {
    this.#context = context;
    this.#method = method;
    this.#cluster = cluster;
    this.#deadlineMs = context.nowMs + timeoutMs;
    this.#done = done;
    this.claim = new Claim(context);
    const message = Buffer.concat([encodeEnvelope(bytes.length), bytes]);
    this.#content = {
      empty: false,
      replayable: true,
      release: () => {},
      drop: () => {},
      sendAll: (to: StreamOn) => to.data(message, true),
    };
  }

  start(): void {
    const context = this.#context;
    const cluster = this.#cluster;
    const endpoint = chooseEndpoint(context, cluster.tri, {
      cluster,
      tag: "",
      tagForced: false,
      routed: undefined,
      avoid: this.#tried,
      avoidsPriorities: false,
      hash: undefined,
    });
    const slot = endpoint === undefined || "reason" in endpoint ? -1 : context.calls.allocate();
    if (endpoint === undefined || "reason" in endpoint || slot < 0) {
      const why = endpoint === undefined ? "no server can be reached" : "reason" in endpoint ? endpoint.message : FULL;
      this.#fail(why);
      return;
    }
    this.#tried.push(endpoint.host);
    this.#answer = new CheckSink();
    const times = { startMs: context.nowMs, deadlineMs: this.#deadlineMs, deadlineKind: DEADLINE_ROUTE };
    const parts = { owner: this, sink: this.#answer, content: this.#content, endpoint, never: [], ...times };
    this.#try = new StreamTry(context, { ...parts, fields: headFor(cluster, this.#method.path) }, slot);
    this.claim.begin(cluster, endpoint);
    this.#try.start();
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#done = undefined;
    this.#try?.cancel();
    this.claim.close();
  }

  retries(): boolean {
    return false;
  }

  complete(outcome: Outcome): void {
    this.claim.answered(outcome);
    if (outcome.grpcStatus !== 0) {
      this.#fail(`the server answered with gRPC status ${outcome.grpcStatus}`);
      return;
    }
    let answer: A;
    try {
      answer = this.#method.decode(this.#answer.message());
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error.message);
      return;
    }
    this.#end(answer);
  }

  tryFailed(reason: CallReason, message: string): void {
    this.claim.failed(reason);
    if (reason === "connect_failure" && this.hasOther()) this.start();
    else this.#fail(message);
  }

  tryRefused(message: string, cost: number): void {
    this.claim.end();
    this.#moves += cost;
    // Another connection of the same server may take it.
    this.#tried.pop();
    if (this.#moves > MAX_MOVES) this.#fail(message);
    else this.start();
  }

  tryAbandoned(): void {
    this.claim.failed("timeout");
    this.#fail("no answer in time");
  }

  hasOther(): boolean {
    return this.#cluster.tri.endpoints.some(({ host }) => !this.#tried.includes(host));
  }

  #fail(failure: string): void {
    this.#end({ failure });
  }

  #end(answer: A | { readonly failure: string }): void {
    this.claim.close();
    const done = this.#done;
    this.#done = undefined;
    done?.(answer);
  }
}

/** Collects the one message of an answer. */
class CheckSink implements AnswerSink {
  fault: AnswerSink["fault"];
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  head(): void {}

  data(bytes: Buffer): number {
    this.#bytes += bytes.length;
    if (this.#bytes <= MAX_ANSWER_BYTES) this.#pieces.push(Buffer.from(bytes));
    return 0;
  }

  trailers(): void {}

  /** The message without its envelope. Throws `ProtocolError` where it is none, or is compressed, which nobody offered. */
  message(): Buffer {
    const all = Buffer.concat(this.#pieces);
    const isWhole = all.length >= ENVELOPE_BYTES && all.length === ENVELOPE_BYTES + all.readUInt32BE(1);
    if (this.#bytes > MAX_ANSWER_BYTES || !isWhole || all[0] !== 0)
      throw new ProtocolError("triple", "the server's answer is no message, or too long", 0);
    return all.subarray(ENVELOPE_BYTES);
  }
}
