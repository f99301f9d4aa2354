import { createSocket, type Socket } from "node:dgram";
import { gunzipSync, gzipSync } from "node:zlib";
import { forgetOldest } from "../../../base/bounded.ts";
import { isRecord, type NacosBody, textOf } from "../../../codecs/nacos/body.ts";
import { splitGroupedName } from "../../../codecs/nacos/service-info.ts";
import type { NacosCounters } from "./counters.ts";

/** Where a client takes pushes, and what for. */
export interface UdpSubscriber {
  /** The address that its requests come from: pushes go nowhere else. */
  readonly address: string;
  readonly port: number;
  readonly groupName: string;
  readonly serviceName: string;
  readonly clusters: string;
  /** The JSON of the service's object that it is to be shown now, with a text that is equal for equal lists; undefined while that must wait. */
  readonly show: (info: NacosBody | undefined) => { readonly text: string; readonly json: string } | undefined;
}

interface Known extends UdpSubscriber {
  untilMs: number;
  text: string;
}

/** Clients ask for the list again every 10 s for as long as they want pushes, ms. */
const LIVES_MS = 20_000;
const MAX_SUBSCRIBERS = 20_000;
/** Largest push that is read: UDP has no larger ones, and what it unpacks to. */
const MAX_UNPACKED = 4 * 1024 * 1024;
/** Nacos packs what is longer than this, bytes. */
const PACKED_FROM = 1_024;
/** Largest push that is sent; clients ask for longer lists. */
const MAX_PUSH = 60_000;

/** What {@link UdpPushes} needs. */
export interface UdpOptions {
  readonly host: string;
  readonly counters: NacosCounters;
  readonly now: () => number;
  /** Milliseconds since 1970 by the machine's date: what pushes are dated by. */
  readonly wallNow: () => number;
  /** Whether a push may come from this address: one of the registry's servers. */
  readonly isServer: (address: string) => boolean;
  /** Calls back a moment later. */
  readonly later: (act: () => void) => void;
}

/**
 * Pushes over UDP for clients of 1.x: the registry's servers push to this socket what they would have pushed to the clients, and those
 * are pushed what they are shown of it.
 */
export class UdpPushes {
  readonly #options: UdpOptions;
  readonly #subscribers = new Map<string, Known>();
  /** Those who are to be told once it need not wait any more. */
  readonly #waiting = new Set<Known>();
  #socket: Socket | undefined;
  #port = 0;

  constructor(options: UdpOptions) {
    this.#options = options;
  }

  /** Where servers may push to; 0 while nothing listens. */
  get port(): number {
    return this.#port;
  }

  /** Begins to listen; a host without UDP goes without pushes, and clients go on asking every 10 s. */
  open(): Promise<void> {
    const { host } = this.#options;
    return new Promise((resolve) => {
      const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
      socket.on("error", () => {
        this.#port = 0;
        resolve();
      });
      socket.on("message", (bytes, { address, port }) => this.#onMessage(bytes, address, port));
      socket.bind({ address: host, port: 0 }, () => {
        this.#port = socket.address().port;
        this.#socket = socket;
        socket.unref();
        resolve();
      });
    });
  }

  /** Notes a client that asks for a service's list, and the text of what it is shown. */
  subscribe(subscriber: UdpSubscriber, text: string): void {
    const key = keyOf(subscriber);
    this.#subscribers.delete(key);
    this.#subscribers.set(key, { ...subscriber, text, untilMs: this.#options.now() + LIVES_MS });
    forgetOldest(this.#subscribers, MAX_SUBSCRIBERS);
  }

  /** Pushes what is to be shown otherwise now. */
  contextChanged(): void {
    for (const one of this.#alive()) this.#tell(one, undefined);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#port = 0;
    this.#subscribers.clear();
  }

  #onMessage(bytes: Buffer, address: string, port: number): void {
    if (!this.#options.isServer(address)) return;
    const push = readPush(bytes);
    if (push === undefined) return;
    const ack = JSON.stringify({ type: "push-ack", lastRefTime: push.time, data: "" });
    this.#socket?.send(ack, port, address, () => {});
    const { group, name } = splitGroupedName(textOf(push.info, "name"), textOf(push.info, "groupName"));
    const clusters = textOf(push.info, "clusters");
    for (const one of this.#alive()) {
      if (one.serviceName === name && one.groupName === group && one.clusters === clusters) this.#tell(one, push.info);
    }
  }

  #alive(): Known[] {
    const nowMs = this.#options.now();
    for (const [key, { untilMs }] of this.#subscribers) {
      if (untilMs > nowMs) break;
      this.#subscribers.delete(key);
    }
    return [...this.#subscribers.values()];
  }

  #tell(one: Known, info: NacosBody | undefined): void {
    const shown = one.show(info);
    if (shown === undefined) {
      this.#tellLater(one);
      return;
    }
    if (shown.text === one.text) return;
    one.text = shown.text;
    const bytes = printPush(shown.json, this.#options.wallNow());
    if (bytes.length > MAX_PUSH) return;
    this.#options.counters.udpPushes++;
    this.#socket?.send(bytes, one.port, one.address, () => {});
  }

  /** The registry pushes a list once: what waits is told by nobody else before the client asks again. */
  #tellLater(one: Known): void {
    const isDue = this.#waiting.size > 0;
    this.#waiting.add(one);
    if (isDue) return;
    this.#options.later(() => {
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const each of waiting) if (this.#subscribers.get(keyOf(each)) === each) this.#tell(each, undefined);
    });
  }
}

/** Reads a server's push, packed or not; undefined for anything else. Its time is nanoseconds, more than a double holds: text. */
export function readPush(bytes: Buffer): { readonly time: string; readonly info: NacosBody } | undefined {
  try {
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED }) : bytes;
    const text = plain.toString("utf8");
    const push: unknown = JSON.parse(text);
    if (!isRecord(push) || (push["type"] !== "dom" && push["type"] !== "service")) return undefined;
    const info: unknown = JSON.parse(textOf(push, "data"));
    const time =
      /"lastRefTime"\s*:\s*"?(\d{1,20})"?\s*[,}]/.exec(text.slice(text.lastIndexOf('"lastRefTime"')))?.[1] ?? "0";
    return isRecord(info) ? { time, info } : undefined;
  } catch {
    return undefined;
  }
}

/** Prints a push as servers do: packed where it is long. */
export function printPush(json: string, nowMs: number): Buffer {
  const text = `{"type":"dom","data":${JSON.stringify(json)},"lastRefTime":${Math.trunc(nowMs)}000000}`;
  const bytes = Buffer.from(text);
  return bytes.length < PACKED_FROM ? bytes : gzipSync(bytes);
}

function keyOf({ address, port, groupName, serviceName, clusters }: UdpSubscriber): string {
  return `${address}\n${port}\n${groupName}\n${serviceName}\n${clusters}`;
}
