import type { Clock } from "../../../base/clock.ts";
import { ProtocolError, TransientError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import { pause } from "../../../base/pause.ts";
import {
  configListen,
  configQuery,
  readChangedConfigs,
  readConfig,
  readConfigKey,
} from "../../../codecs/nacos/config-messages.ts";
import type { NacosMessage } from "../../../codecs/nacos/messages.ts";
import { FollowedTexts } from "./followed-texts.ts";
import type { NacosConnection } from "./session.ts";

/** Texts of one group and namespace that are followed over whatever gRPC connection stands. */
export interface GrpcConfigs {
  /** Follows these and no others from now on. */
  follow(dataIds: Iterable<string>): void;
  /** Whether each text that is followed was read once, or is known not to be there. */
  readonly isRead: boolean;
  /** A connection stands, on which nothing is listened to yet. Runs until it is lost or the signal; never rejects. */
  run(connection: NacosConnection, signal: AbortSignal): Promise<void>;
  /** The server says that a configuration changed. */
  push(message: NacosMessage): void;
  /** The server said so in a way that cannot be read: all is listened to anew, at most once in a while. */
  doubt(): void;
}

/** What to follow, and who is told. */
export interface GrpcConfigsOptions {
  /** For the log: `configurations of registry n`. */
  readonly what: string;
  readonly group: string;
  /** Id of the namespace; empty for `public`. */
  readonly tenant: string;
  /** What is kept of one text; a longer one is cut behind its next byte. */
  readonly maxBytes: number;
  /** Shared with who reads the same texts in another way; of its own unless given. */
  readonly texts?: FollowedTexts;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told texts that came or changed, a few at a time; null for what is not there any more. */
  readonly onTexts: (texts: ReadonlyMap<string, { readonly data: Buffer | null }>) => void;
  /** Told when the server refuses to answer, with its reason, and (undefined) when it answers again. */
  readonly onLost: (reason: string | undefined) => void;
}

/** Texts that one request listens to, and texts that are read at a time. */
const LISTENED_AT_ONCE = 500;
const READS_AT_ONCE = 16;
/** After a refusal it is asked again after this, ms. */
const REFUSED_PAUSE_MS = 2_000;
/** All is listened to anew this often, ms, as Java's clients do: a push may have been lost. */
const ANEW_MS = 300_000;
/** For pushes that cannot be read at most this often, ms: a server may send the same over and over. */
const DOUBT_PAUSE_MS = 30_000;

/** Creates it; nothing is asked before a connection stands. */
export function createGrpcConfigs(options: GrpcConfigsOptions): GrpcConfigs {
  return new Configs(options);
}

/** Reads one text over a connection; undefined where there is none. Rejects with `TransientError`. */
export async function queryText(
  connection: NacosConnection,
  key: { readonly dataId: string; readonly group: string; readonly tenant: string },
): Promise<{ readonly content: string; readonly md5: string } | undefined> {
  const body = await connection.request(configQuery(key));
  try {
    return readConfig(body) ?? undefined;
  } catch (error) {
    throw error instanceof ProtocolError ? new TransientError(error.message) : error;
  }
}

class Configs implements GrpcConfigs {
  readonly #options: GrpcConfigsOptions;
  readonly #texts: FollowedTexts;
  /** To be listened to on the connection that stands. */
  #due = new Set<string>();
  /** To be read. */
  #changed = new Set<string>();
  #dropped = new Set<string>();
  #wake: () => void = () => {};
  #runs = 0;
  /** When all is listened to anew. */
  #anewMs = 0;
  /** Before that it is not for a push that cannot be read. */
  #certainMs = Number.NEGATIVE_INFINITY;

  constructor(options: GrpcConfigsOptions) {
    this.#options = options;
    this.#texts = options.texts ?? new FollowedTexts();
    this.#texts.onChange((added, dropped) => this.#followed(added, dropped));
  }

  get isRead(): boolean {
    return this.#texts.isRead;
  }

  follow(dataIds: Iterable<string>): void {
    this.#texts.follow(dataIds);
  }

  push({ body }: NacosMessage): void {
    const key = readConfigKey(body);
    if (key === undefined || key.group !== this.#options.group || !this.#texts.has(key.dataId)) return;
    this.#changed.add(key.dataId);
    this.#wake();
  }

  doubt(): void {
    const atMs = Math.max(this.#options.clock.now(), this.#certainMs);
    if (this.#anewMs <= atMs) return;
    this.#anewMs = atMs;
    this.#certainMs = atMs + DOUBT_PAUSE_MS;
    this.#wake();
  }

  async run(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    this.#runs++;
    try {
      await this.#run(connection, signal);
    } finally {
      this.#runs--;
    }
  }

  async #run(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    const { clock, log, what, onLost } = this.#options;
    this.#dropped.clear();
    this.#anewMs = 0;
    let told = "";
    while (connection.isOpen && !signal.aborted) {
      if (clock.now() >= this.#anewMs) {
        this.#anewMs = clock.now() + ANEW_MS;
        this.#due = new Set(this.#texts.ids);
      }
      try {
        await this.#turn(connection);
        if (told !== "") log.info(`${what} are given again`);
        told = "";
        onLost(undefined);
      } catch (error) {
        if (!connection.isOpen || signal.aborted) return;
        const reason = (error as Error).message;
        if (!(error instanceof TransientError)) log.error(`${what}: reading failed`, { error: (error as Error).stack });
        else if (told === "") log.warn(`${what} are refused; trying on`, { reason });
        told = reason;
        onLost(reason);
        await pause(clock, REFUSED_PAUSE_MS, signal);
        continue;
      }
      await this.#news(connection, this.#anewMs - clock.now(), signal);
    }
  }

  /** All that is due now: listening first, so that no change is missed while texts are read. */
  async #turn(connection: NacosConnection): Promise<void> {
    while (this.#dropped.size > 0) {
      const ids = [...this.#dropped].slice(0, LISTENED_AT_ONCE);
      await connection.request(
        configListen(
          ids.map((id) => this.#keyOf(id)),
          false,
        ),
      );
      for (const id of ids) this.#dropped.delete(id);
    }
    while (this.#due.size > 0) {
      const ids = [...this.#due].slice(0, LISTENED_AT_ONCE);
      const body = await connection.request(configListen(ids.map((id) => this.#keyOf(id))));
      const changed = new Set(readChangedConfigs(body).map(({ dataId }) => dataId));
      for (const id of ids) {
        this.#due.delete(id);
        if (changed.has(id)) this.#changed.add(id);
        else this.#texts.same(id);
      }
    }
    while (this.#changed.size > 0) await this.#read(connection, [...this.#changed].slice(0, READS_AT_ONCE));
  }

  async #read(connection: NacosConnection, ids: readonly string[]): Promise<void> {
    const texts = new Map<string, { readonly data: Buffer | null }>();
    // What changes while it is read is read again.
    for (const id of ids) this.#changed.delete(id);
    const outcomes = await Promise.allSettled(
      ids.map(async (id) => {
        const text = await queryText(connection, this.#keyOf(id)).catch((error: unknown) => {
          if (this.#texts.has(id)) this.#changed.add(id);
          throw error;
        });
        const data = text === undefined ? null : Buffer.from(text.content).subarray(0, this.#options.maxBytes + 1);
        if (this.#texts.take(id, text?.md5 ?? "", data !== null)) texts.set(id, { data });
      }),
    );
    if (texts.size > 0) this.#options.onTexts(texts);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }

  #keyOf(dataId: string) {
    const { group, tenant } = this.#options;
    return { dataId, group, tenant, md5: this.#texts.md5Of(dataId) };
  }

  #followed(added: readonly string[], dropped: readonly string[]): void {
    for (const id of dropped) {
      for (const set of [this.#due, this.#changed]) set.delete(id);
      // What no connection listens to need not be unlistened to.
      if (this.#runs > 0) this.#dropped.add(id);
    }
    for (const id of added) {
      this.#due.add(id);
      this.#dropped.delete(id);
    }
    this.#wake();
  }

  /** Until something is to be done, the connection is lost (seen within a second), or that much time passed. */
  async #news(connection: NacosConnection, ms: number, signal: AbortSignal): Promise<void> {
    const waking = new AbortController();
    const wake = () => waking.abort();
    this.#wake = wake;
    signal.addEventListener("abort", wake, { once: true });
    const endMs = this.#options.clock.now() + ms;
    const isIdle = () => this.#due.size + this.#changed.size + this.#dropped.size === 0;
    // A call that wakes without work for this connection ends the wait too: an aborted signal would make each pause none.
    while (isIdle() && connection.isOpen && !waking.signal.aborted && this.#options.clock.now() < endMs)
      await pause(this.#options.clock, Math.min(1_000, ms), waking.signal);
    // Another connection may run by now, whose wake it is.
    if (this.#wake === wake) this.#wake = () => {};
    signal.removeEventListener("abort", wake);
  }
}
