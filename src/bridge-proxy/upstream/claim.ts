import type { CallReason } from "../../base/errors.ts";
import type { ProviderPort, ProxyContext } from "../context.ts";
import type { Outcome } from "../policies/outcome.ts";
import type { Cluster } from "./cluster.ts";
import type { EndpointRecord } from "./records.ts";

/** Where a try goes, as far as its cluster is told of it. */
export interface ClaimedEndpoint {
  readonly record: EndpointRecord | undefined;
  readonly host: Pick<ProviderPort, "isPassedOver">;
}

/** Tries of copies that are under way. */
export interface CopyTries {
  tries: number;
}

/**
 * What one call has of its cluster: a place among the calls that wait there, one among the retries, and a word on how each try ended. A try
 * begins once and ends once; what is said of a try that has ended already does not count.
 */
export class Claim {
  readonly #context: Pick<ProxyContext, "nowMs" | "originMs" | "counters">;
  #cluster: Cluster | undefined;
  #record: EndpointRecord | undefined;
  #host: ClaimedEndpoint["host"] | undefined;
  /** Of a try of a copy. */
  #copies: CopyTries | undefined;
  #beganMs = 0;
  #tookMs = -1;
  /** The cluster that counts a retry of the call: one that waits for its time, or is under way. */
  #retries: Cluster | undefined;

  constructor(context: Pick<ProxyContext, "nowMs" | "originMs" | "counters">) {
    this.#context = context;
  }

  /** A try is sent; one of a copy takes no call's place among those that wait, and is counted among `copies`. */
  begin(cluster: Cluster, { record, host }: ClaimedEndpoint, copies?: CopyTries): void {
    this.#copies = copies;
    if (copies === undefined) {
      cluster.waiting++;
      if (cluster.recent !== undefined && this.#retries === undefined) cluster.recent.add(this.#context.nowMs);
    } else copies.tries++;
    this.#cluster = cluster;
    this.#record = record;
    this.#host = host;
    this.#beganMs = this.#context.nowMs;
    this.#tookMs = -1;
  }

  /** The head of an answer came: what follows may take as long as it likes. */
  answerBegan(): void {
    if (this.#tookMs < 0) this.#tookMs = this.#context.nowMs - this.#beganMs;
  }

  /** The try's provider answered. */
  answered(outcome: Outcome): void {
    this.#record?.answered(outcome, this.#took(), this.#wallMs());
    this.end();
  }

  /** The try ended without a whole answer; of one that goes elsewhere, as connecting takes long, nothing is said. */
  failed(reason: CallReason): void {
    if (this.#host?.isPassedOver !== true) this.#record?.failed(reason, this.#took(), this.#wallMs());
    this.end();
  }

  /** The try ended in a way that says nothing of its provider. */
  end(): void {
    if (this.#cluster === undefined) return;
    if (this.#copies === undefined) this.#cluster.waiting--;
    else this.#copies.tries--;
    this.#cluster = undefined;
    this.#record = undefined;
    this.#host = undefined;
    this.#endRetry();
  }

  /** Whether the cluster lets one more retry be under way: the next try is it. */
  retry(cluster: Cluster): boolean {
    this.#endRetry();
    if (!cluster.mayRetry(this.#context.nowMs)) {
      this.#context.counters.retryOverflows++;
      return false;
    }
    cluster.retrying++;
    this.#retries = cluster;
    return true;
  }

  /** The call is over. */
  close(): void {
    this.end();
    this.#endRetry();
  }

  #endRetry(): void {
    if (this.#retries === undefined) return;
    this.#retries.retrying--;
    this.#retries = undefined;
  }

  #took(): number {
    this.answerBegan();
    return this.#tookMs;
  }

  #wallMs(): number {
    return this.#context.originMs + this.#context.nowMs;
  }
}
