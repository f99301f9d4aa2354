import { printAddress } from "../../base/address.ts";
import { CallError } from "../../base/errors.ts";
import { fieldOf, isContainer, isObject, type Value } from "../../codecs/value.ts";
import type { ProviderAddress } from "../dubbo/registry.ts";
import { openLink, type SampleLink } from "./links.ts";
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
  readonly #links = new Map<string, Promise<SampleLink>>();
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
    const names = { application, interface: ORDER_SERVICE.interface, group, version, method };
    const request = { ...names, descriptor: ORDER_DESCRIPTORS[method], args, attachments, timeoutMs };
    let failure = new CallError("unavailable", "no_endpoint", `no provider of ${ORDER_SERVICE.interface} is listed`);
    for (let attempt = 0; attempt <= retries; attempt++) {
      try {
        const link = await this.#pick();
        if (link === undefined) continue;
        const value = await link.call(request);
        return { value, servedBy: servedBy(value) };
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
    for (const [address, link] of this.#links) {
      if (listed.has(address)) continue;
      this.#links.delete(address);
      link.then(closeWhenDone, () => {});
    }
  }

  /** The next address that takes calls: one that asked for none is used only where there is no other. */
  async #pick(): Promise<SampleLink | undefined> {
    const count = this.#providers.length;
    let last: SampleLink | undefined;
    let failure: unknown;
    for (let i = 0; i < count; i++) {
      const provider = this.#providers[this.#turn++ % count];
      if (provider === undefined) break;
      try {
        const link = await this.#connect(provider);
        if (link.state === "open") return link;
        if (link.state === "readonly") last = link;
      } catch (error) {
        failure = error;
      }
    }
    if (last === undefined && failure !== undefined) throw failure;
    return last;
  }

  /** The address's connection; a new one where the last could not be made or has been closed. */
  async #connect(provider: ProviderAddress): Promise<SampleLink> {
    const address = printAddress(provider.host, provider.port);
    const known = this.#links.get(address);
    if (known !== undefined) {
      const link = await known.catch(() => undefined);
      if (link !== undefined && link.state !== "closed") return link;
      if (this.#links.get(address) === known) {
        this.#links.delete(address);
        if (link !== undefined) closeWhenDone(link);
      }
    }
    let opening = this.#links.get(address);
    if (opening === undefined) {
      opening = openLink(provider);
      this.#links.set(address, opening);
    }
    return opening;
  }
}

/** An address that is off the list is left when its last call has ended. */
function closeWhenDone(link: SampleLink): void {
  const timer = setInterval(() => {
    if (link.callsInFlight > 0) return;
    clearInterval(timer);
    link.close();
  }, 50);
  timer.unref();
}

/** Label of the provider that gave this answer, as the answer says; `""` where it does not. */
export function servedBy(value: Value): string {
  if (typeof value === "string") return / from (\S+)$/.exec(value)?.[1] ?? "";
  const label = isObject(value)
    ? fieldOf(value, "servedBy")
    : isContainer(value) && value.type === "map"
      ? value.entries.find(([name]) => name === "servedBy")?.[1]
      : undefined;
  return typeof label === "string" ? label : "";
}
