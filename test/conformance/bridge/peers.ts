import type { Check } from "../../support/dubbo.ts";
import type { TripleStage } from "../../support/triple-stage.ts";

/** Who calls: what each of them speaks, whatever the callee does. */
export const callerNames = ["dubbo2", "wrapper", "protobuf", "grpc", "json"] as const;
export type CallerName = (typeof callerNames)[number];

/** Who is called. */
export const calleeNames = ["dubbo2", "dubbo2.6", "wrapper", "wrapper3.2", "protobuf", "grpc", "rest"] as const;
export type CalleeName = (typeof calleeNames)[number];

/** An error in one form for all callers; what a caller's protocol does not carry is missing. */
export interface NeutralError {
  /** Of the exception that the callee threw. */
  readonly class?: string;
  readonly message: string;
  /** The number of the caller's protocol: gRPC's or HTTP's. */
  readonly code?: number;
}

/** What became of one call. */
export interface Outcome {
  readonly value?: unknown;
  readonly error?: NeutralError;
  /** Attachments, trailers or header lines of the answer. */
  readonly attachments: Readonly<Record<string, string>>;
}

/** How a call is made. */
export interface CallOptions {
  readonly attachments?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly group?: string;
}

/** A call with a stream: `orders` from the callee, `collect` to it, `review` both ways. */
export interface StreamCall {
  readonly kind: "orders" | "collect" | "review";
  /** Orders that come or go; below 0 they have no end. */
  readonly count: number;
  /** The last order of a review is refused. */
  readonly refuse?: boolean;
  /** The caller ends the call after so many answers. */
  readonly cancelAfter?: number;
}

/** What came of it: orders as `id@servedBy`, other messages as their text; `ended` is completed, cancelled or an error's text. */
export interface StreamOutcome {
  readonly values: readonly string[];
  readonly ended: string;
}

/** One kind of caller, joined to the proxy. */
export interface BridgeCaller {
  readonly name: CallerName;
  /** Java's classes and their exceptions reach it. */
  readonly java: boolean;
  call(method: string, args: readonly unknown[], options?: CallOptions): Promise<Outcome>;
  /** As many calls of `sleep` at once, each held so long; the labels that they were answered with, or errors. */
  burst(calls: number, ms: number): Promise<readonly string[]>;
  /** A body of `size` bytes; whether it came right, or the error. */
  big(way: "up" | "down" | "both", size: number): Promise<boolean | string>;
  /** Begins a call of `sleep` and gives it up after `afterMs`, as its protocol can. */
  giveUp(ms: number, afterMs: number): Promise<void>;
  /** $invoke in one of Dubbo's styles; only Dubbo's own callers have it. */
  generic?(style: string): Promise<Outcome>;
  /** A generic call of a method that the service does not have, for callers that check methods before they call. */
  unknownMethod(): Promise<Outcome>;
  /** A call of com.acme.OrderFeed; only callers that have streams. */
  stream?(call: StreamCall): Promise<StreamOutcome>;
  /** The rows of peer.Suite; made once for each callee. */
  suite?(): Promise<ReadonlyMap<string, Check>>;
  /** Another callee is there now. */
  next(): void;
  stop(): Promise<void>;
}

/** One kind of callee, started and known to the proxy. */
export interface BridgeCallee {
  readonly name: CalleeName;
  /** What `whoAmI` and `sleep` say. */
  readonly label: string;
  /** It throws Java's exceptions. */
  readonly java: boolean;
  /** What the last call of `attachments` was told of its time, also by what it returned; absent where that cannot be seen. */
  timeLeftMs?(attachments: Readonly<Record<string, string>>): number | undefined;
  /** How many calls it saw end before it answered; absent where its program cannot see it. */
  cancelled?(): Promise<number>;
  stop(): Promise<void>;
}

/** A caller, a callee, and the proxy between them. */
export interface Cell {
  readonly stage: TripleStage;
  readonly caller: BridgeCaller;
  readonly callee: BridgeCallee;
}
