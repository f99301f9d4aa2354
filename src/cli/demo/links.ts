import { CallError } from "../../base/errors.ts";
import { printRequestHead } from "../../codecs/triple/head.ts";
import { fieldOf, isObject, type Value } from "../../codecs/value.ts";
import { connectDubbo, type DubboClient } from "../dubbo/client.ts";
import type { ProviderAddress, ProviderScheme } from "../dubbo/registry.ts";
import { connectGrpc, type GrpcClient } from "../triple/client.ts";
import { unwrapAnswer, wrapRequest } from "../triple/wrapper.ts";

/** One call of a sample service. */
export interface SampleCall {
  readonly application: string;
  readonly interface: string;
  readonly group: string;
  readonly version: string;
  readonly method: string;
  /** Types of the parameters. */
  readonly descriptor: string;
  readonly args: readonly Value[];
  readonly attachments: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** A connection to one address, in one protocol. */
export interface SampleLink {
  /** `readonly`: the server asked for no new calls; those in flight go on. */
  readonly state: "open" | "readonly" | "closed";
  readonly callsInFlight: number;
  /** Makes a call. Rejects with `CallError` where the callee was not reached or refused it, else with what it threw as an `Error`. */
  call(call: SampleCall): Promise<Value>;
  close(): void;
}

/** Opens a connection in the address's protocol. Rejects with `CallError` (`connect_failure`). */
export async function openLink({ scheme, host, port }: ProviderAddress): Promise<SampleLink> {
  return OPEN[scheme](host, port);
}

const OPEN: Readonly<Record<ProviderScheme, (host: string, port: number) => Promise<SampleLink>>> = {
  dubbo: async (host, port) => new DubboLink(await connectDubbo({ host, port })),
  tri: async (host, port) => new TripleLink(await connectGrpc({ host, port })),
};

class DubboLink implements SampleLink {
  readonly #client: DubboClient;

  constructor(client: DubboClient) {
    this.#client = client;
  }

  get state(): SampleLink["state"] {
    return this.#client.state;
  }

  get callsInFlight(): number {
    return this.#client.callsInFlight;
  }

  async call({ application, attachments, timeoutMs, ...parts }: SampleCall): Promise<Value> {
    const response = await this.#client.call(
      { twoWay: true, ...parts, attachments: { "remote.application": application, ...attachments } },
      timeoutMs,
    );
    if (response?.type === "value") return response.value;
    if (response?.type === "exception") throw new Error(thrownText(response.value));
    throw new CallError("unavailable", "reset", `status ${response?.status}: ${response?.text}`);
  }

  close(): void {
    this.#client.close();
  }
}

class TripleLink implements SampleLink {
  readonly #client: GrpcClient;
  callsInFlight = 0;

  constructor(client: GrpcClient) {
    this.#client = client;
  }

  get state(): SampleLink["state"] {
    return this.#client.takesCalls ? "open" : "closed";
  }

  async call({ application, interface: path, method, descriptor, args, ...parts }: SampleCall): Promise<Value> {
    const { attachments, timeoutMs, group, version } = parts;
    const { fields } = printRequestHead({
      authority: this.#client.address,
      path,
      method,
      group,
      version,
      timeoutMs,
      consumerApplication: application,
      attachments: Object.entries(attachments),
    });
    const messages = [wrapRequest({ descriptor, args })];
    let answer: Buffer | undefined;
    const onMessage = (bytes: Buffer) => {
      answer = Buffer.from(bytes);
    };
    this.callsInFlight++;
    try {
      const { head, trailers } = await this.#client.call({ fields, messages, timeoutMs, onMessage });
      const outcome = unwrapAnswer(head, trailers, answer);
      if (outcome.type === "error")
        throw new CallError("unavailable", "reset", `gRPC status ${outcome.status}: ${outcome.text}`);
      if (outcome.type === "exception") throw new Error(thrownText(outcome.value));
      return outcome.value;
    } finally {
      this.callsInFlight--;
    }
  }

  close(): void {
    this.#client.close();
  }
}

function thrownText(value: Value): string {
  if (!isObject(value)) return "the provider threw something that is no exception";
  const message = fieldOf(value, "detailMessage");
  return typeof message === "string" ? `${value.shape.name}: ${message}` : value.shape.name;
}
