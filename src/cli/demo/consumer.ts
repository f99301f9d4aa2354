import { CallError } from "../../base/errors.ts";
import { fieldOf, isObject, type Value } from "../../codecs/value.ts";
import { printAddress } from "../config/address.ts";
import { connectDubbo, type DubboClient } from "../dubbo/client.ts";
import type { ProviderAddress } from "../dubbo/registry.ts";
import { ORDER_DESCRIPTORS, ORDER_SERVICE, type OrderMethod } from "./order-service.ts";

/** How a sample consumer is run. */
export interface SampleConsumerOptions {
  readonly application: string;
  readonly group?: string;
  readonly version?: string;
  /** Tells the listener who provides the service, now and after each change; what it gives ends that. */
  readonly follow: (onList: (providers: readonly ProviderAddress[]) => void) => Promise<() => void>;
  /** 1,000 unless given, as Dubbo's. */
  readonly timeoutMs?: number;
  /** Further tries at another address after a failed one; 2 unless given, as Dubbo's failover. */
  readonly retries?: number;
}

/** What one call came to. */
export interface SampleReply {
  readonly value: Value;
  /** Label of the provider that answered, as its answer says; `""` where it does not. */
  readonly servedBy: string;
}

/** Starts a consumer of the sample's order service: a client with an address list that may change at any time. */
export async function startSampleConsumer(options: SampleConsumerOptions): Promise<SampleConsumer> {
  const consumer = new SampleConsumer(options);
  await consumer.start();
  return consumer;
}

/** Calls round robin over the listed addresses, one connection each, and tries another one when an address fails it. */
export class SampleConsumer {
  readonly #options: SampleConsumerOptions;
  readonly #clients = new Map<string, Promise<DubboClient>>();
  #providers: readonly ProviderAddress[] = [];
  #stop: () => void = () => {};
  #turn = 0;

  constructor(options: SampleConsumerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#stop = await this.#options.follow((providers) => this.#take(providers));
  }

  /** The addresses that the registry lists now. */
  get providers(): readonly ProviderAddress[] {
    return this.#providers;
  }

  /** Makes a call. Rejects with `CallError` where no address answers; what the callee throws is an `Error` with its class and message. */
  async call(
    method: OrderMethod,
    args: readonly Value[],
    attachments: Readonly<Record<string, string>> = {},
  ): Promise<SampleReply> {
    const { group = "", version = "", application, timeoutMs = 1_000, retries = 2 } = this.#options;
    const request = {
      twoWay: true,
      interface: ORDER_SERVICE.interface,
      group,
      version,
      method,
      descriptor: ORDER_DESCRIPTORS[method],
      args,
      attachments: { "remote.application": application, ...attachments },
    };
    let failure = new CallError("unavailable", "no_endpoint", `no provider of ${ORDER_SERVICE.interface} is listed`);
    for (let attempt = 0; attempt <= retries; attempt++) {
      try {
        const client = await this.#pick();
        if (client === undefined) continue;
        const response = await client.call(request, timeoutMs);
        if (response?.type === "value") return { value: response.value, servedBy: servedBy(response.value) };
        if (response?.type === "exception") throw new Error(thrownText(response.value));
        failure = new CallError("unavailable", "reset", `status ${response?.status}: ${response?.text}`);
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async close(): Promise<void> {
    this.#stop();
    this.#take([]);
  }

  #take(providers: readonly ProviderAddress[]): void {
    this.#providers = providers;
    const listed = new Set(providers.map(({ host, port }) => printAddress(host, port)));
    for (const [address, client] of this.#clients) {
      if (listed.has(address)) continue;
      this.#clients.delete(address);
      client.then(closeWhenDone, () => {});
    }
  }

  /** The next address that takes calls: one that asked for none is used only where there is no other. */
  async #pick(): Promise<DubboClient | undefined> {
    const count = this.#providers.length;
    let last: DubboClient | undefined;
    let failure: unknown;
    for (let i = 0; i < count; i++) {
      const provider = this.#providers[this.#turn++ % count];
      if (provider === undefined) break;
      try {
        const client = await this.#connect(provider);
        if (client.state === "open") return client;
        if (client.state === "readonly") last = client;
      } catch (error) {
        failure = error;
      }
    }
    if (last === undefined && failure !== undefined) throw failure;
    return last;
  }

  #connect({ host, port }: ProviderAddress): Promise<DubboClient> {
    const address = printAddress(host, port);
    let client = this.#clients.get(address);
    if (client === undefined) {
      client = connectDubbo({ host, port });
      this.#clients.set(address, client);
      const forget = () => {
        if (this.#clients.get(address) === client) this.#clients.delete(address);
      };
      client.then((open) => open.onChange(() => open.state === "closed" && forget()), forget);
    }
    return client;
  }
}

/** An address that is off the list is left when its last call has ended. */
function closeWhenDone(client: DubboClient): void {
  const timer = setInterval(() => {
    if (client.callsInFlight > 0) return;
    clearInterval(timer);
    client.close();
  }, 50);
  timer.unref();
}

function servedBy(value: Value): string {
  if (typeof value === "string") return / from (\S+)$/.exec(value)?.[1] ?? "";
  const label = isObject(value) ? fieldOf(value, "servedBy") : undefined;
  return typeof label === "string" ? label : "";
}

function thrownText(value: Value): string {
  if (!isObject(value)) return "the provider threw something that is no exception";
  const message = fieldOf(value, "detailMessage");
  return typeof message === "string" ? `${value.shape.name}: ${message}` : value.shape.name;
}
