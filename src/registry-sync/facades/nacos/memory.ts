import { isRecord, listOf, type NacosBody, textOf } from "../../../codecs/nacos/body.ts";
import type { ConfigKey } from "../../../codecs/nacos/config.ts";
import { configListen } from "../../../codecs/nacos/config-messages.ts";
import {
  readInstances,
  readServiceAddress,
  readSubscription,
  type ServiceAddress,
} from "../../../codecs/nacos/messages.ts";
import { decodePayload, encodePayload, type NacosPayload } from "../../../codecs/nacos/payload.ts";

/** What of one client is remembered at most; beyond it its connection cannot be made again unseen. */
export interface MemoryLimits {
  /** Registrations, subscriptions and listened configurations, each. */
  readonly maxItems: number;
  /** Bytes of all its messages. */
  readonly maxBytes: number;
}

/** Room for a client of a few thousand services. */
export const DEFAULT_MEMORY_LIMITS: MemoryLimits = { maxItems: 20_000, maxBytes: 16 * 1024 * 1024 };

/** Requests that leave something at the server for as long as the connection lives, and that are not remembered here. */
const NOT_REPEATED: ReadonlySet<string> = new Set([
  "NamingFuzzyWatchRequest",
  "ConfigFuzzyWatchRequest",
  "LockOperationRequest",
]);

const MAX_INSTANCES = 10_000;
const MAX_DENIALS = 2;

/**
 * What a client has at its server for as long as its connection lives: instances, subscriptions, configurations listened to. Kept as the
 * client's own messages, so that they can be sent again at another connection when the server's end breaks.
 */
export class ClientMemory {
  readonly #limits: MemoryLimits;
  /** By service: Nacos keeps one publication of a client for each. */
  readonly #registrations = new Map<string, Buffer>();
  readonly #subscriptions = new Map<string, Buffer>();
  readonly #configs = new Map<string, ConfigKey & { readonly md5: string }>();
  #configLike: NacosPayload | undefined;
  #bytes = 0;
  #whole = true;
  #token = "";
  #denials = 0;

  constructor(limits: MemoryLimits = DEFAULT_MEMORY_LIMITS) {
    this.#limits = limits;
  }

  /** Services in which it has instances. */
  get registrations(): number {
    return this.#registrations.size;
  }

  /** Its registrations. */
  registered(): readonly Buffer[] {
    return [...this.#registrations.values()];
  }

  /** Its registration of a service ({@link serviceText}), with its newest token; undefined for none. */
  registration(service: string): Buffer | undefined {
    const message = this.#registrations.get(service);
    return message && this.#withToken(message);
  }

  /** Whether everything that counts is remembered. */
  get isWhole(): boolean {
    return this.#whole;
  }

  /** Notes what a request brings with it before its answer is known: the client's newest token. */
  noteSent(payload: NacosPayload): void {
    const token = payload.headers.get("accessToken");
    if (token !== undefined) this.noteToken(token);
    if (NOT_REPEATED.has(payload.type)) this.#whole = false;
  }

  /** Notes the client's newest token. */
  noteToken(token: string): void {
    if (token.length > 8_192 || token === this.#token) return;
    this.#token = token;
    this.#denials = 0;
  }

  /**
   * Notes that a server denied what was sent again: the token has run out, and only the client can get another. After the second time in
   * a row it is no use to go on; a server that has just started denies what is right.
   */
  noteDenied(): void {
    if (++this.#denials >= MAX_DENIALS) this.#whole = false;
  }

  /** Notes a request that the server took. `message` is borrowed. */
  noteTaken(payload: NacosPayload, body: NacosBody, message: Uint8Array): void {
    this.#denials = 0;
    switch (payload.type) {
      case "InstanceRequest":
      case "BatchInstanceRequest":
        this.#keep(
          this.#registrations,
          serviceText(readServiceAddress(body)),
          textOf(body, "type") === "deregisterInstance" ? undefined : message,
        );
        break;
      case "SubscribeServiceRequest": {
        const { subscribe, clusters } = readSubscription(body);
        const key = `${serviceText(readServiceAddress(body))}\n${clusters}`;
        this.#keep(this.#subscriptions, key, subscribe ? message : undefined);
        break;
      }
      case "ConfigBatchListenRequest":
        this.#noteListen(payload, body);
        break;
    }
  }

  /** All that has to be sent again, registrations first, each with the client's newest token. */
  replay(): Buffer[] {
    const messages = [...this.#registrations.values(), ...this.#subscriptions.values()].map((message) =>
      this.#withToken(message),
    );
    if (this.#configs.size === 0 || this.#configLike === undefined) return messages;
    const { type, headers, clientIp } = this.#configLike;
    const body = JSON.stringify(configListen(this.#configs.values()).body);
    messages.push(this.#withToken(encodePayload({ type, headers, clientIp, body })));
    return messages;
  }

  #noteListen(payload: NacosPayload, body: NacosBody): void {
    const listens = body["listen"] !== false;
    if (listens) this.#configLike = { ...payload, headers: new Map(payload.headers), body: new Uint8Array(0) };
    for (const one of listOf(body, "configListenContexts")) {
      if (!isRecord(one)) continue;
      const config = { dataId: textOf(one, "dataId"), group: textOf(one, "group"), tenant: textOf(one, "tenant") };
      const key = `${config.tenant}\n${config.group}\n${config.dataId}`;
      if (!listens) this.#configs.delete(key);
      else if (this.#configs.size < this.#limits.maxItems && key.length < 2_048)
        this.#configs.set(key, { ...config, md5: textOf(one, "md5").slice(0, 64) });
      else if (!this.#configs.has(key)) this.#whole = false;
    }
  }

  #keep(items: Map<string, Buffer>, key: string, message: Uint8Array | undefined): void {
    const before = items.get(key);
    if (before !== undefined) this.#bytes -= before.length;
    items.delete(key);
    if (message === undefined) return;
    if (items.size >= this.#limits.maxItems || this.#bytes + message.length > this.#limits.maxBytes) {
      this.#whole = false;
      return;
    }
    this.#bytes += message.length;
    // Out of Node's pool, of which each small piece would keep 8 KiB alive.
    const copy = Buffer.allocUnsafeSlow(message.length);
    copy.set(message);
    items.set(key, copy);
  }

  #withToken(message: Buffer): Buffer {
    if (this.#token === "") return message;
    const payload = decodePayload(message);
    const old = payload.headers.get("accessToken");
    if (old === undefined || old === this.#token) return message;
    return encodePayload({ ...payload, headers: new Map(payload.headers).set("accessToken", this.#token) });
  }
}

/** `address:port` of the instances that a request is about, at most as many as one list may have. */
export function instancesIn(body: NacosBody): string[] {
  return readInstances(body, MAX_INSTANCES).map(({ ip, port }) => `${ip}:${port}`);
}

/** Names a service for a table: namespace, group and name, a line each. */
export function serviceText({ namespace, groupName, serviceName }: ServiceAddress): string {
  return `${namespace}\n${groupName}\n${serviceName}`;
}
