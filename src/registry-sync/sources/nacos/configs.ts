import { createHash } from "node:crypto";
import type { Clock } from "../../../base/clock.ts";
import { ProtocolError, TransientError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import { pause } from "../../../base/pause.ts";
import { parseChanged, printListening } from "../../../codecs/nacos/config.ts";
import { retrying } from "../../retrying.ts";
import { FollowedTexts } from "./followed-texts.ts";
import type { NacosHttp } from "./http.ts";

/** Texts of one group and namespace that are followed. */
export interface ConfigWatch {
  /** Follows these and no others from now on. */
  follow(dataIds: Iterable<string>): void;
  /** Whether each text that is followed was read once, or is known not to be there. */
  readonly isRead: boolean;
  /** Runs until the signal; never rejects because the server is out of reach: what was read stays as it was. */
  run(signal: AbortSignal): Promise<void>;
}

/** What to follow, and who is told. */
export interface ConfigWatchOptions {
  /** For the log: `metadata centre nacos-10.0.0.1:8848`. */
  readonly what: string;
  readonly http: NacosHttp;
  readonly group: string;
  /** Id of the namespace; empty for `public`. */
  readonly tenant: string;
  /** What is read of one text; a longer one is cut behind its next byte. */
  readonly maxBytes: number;
  /** Shared with who reads the same texts in another way; of its own unless given. */
  readonly texts?: FollowedTexts;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told texts that came or changed, a few at a time; null for what is not there any more. */
  readonly onTexts: (texts: ReadonlyMap<string, { readonly data: Buffer | null }>) => void;
  /** Told when the server is lost, with the reason, and (undefined) when it is back. */
  readonly onLost: (reason: string | undefined) => void;
}

/** The server holds an answer back this long while nothing changes, less half a second. */
const HOLD_MS = 30_000;
/** How much later than it promises an answer may come, ms. */
const LATE_MS = 10_000;
const READ_TIMEOUT_MS = 5_000;
/** A server that is lost is asked again at least this often, ms. */
const MAX_PAUSE_MS = 5_000;
/** Texts that one request listens to, and texts that are read at a time. */
const MAX_LISTENED = 3_000;
const READS_AT_ONCE = 8;
const TEXTS_AT_ONCE = 64;
/** A server that does not wait, or names what did not change, is asked no more often than this, ms. */
const SPACING_MS = 1_000;
/** Longest answer to a listener: all names, percent-encoded. */
const MAX_CHANGED_BYTES = MAX_LISTENED * 1_024;

/** Creates it; nothing is asked before `run`. */
export function createConfigWatch(options: ConfigWatchOptions): ConfigWatch {
  return new Watch(options);
}

class Watch implements ConfigWatch {
  readonly #options: ConfigWatchOptions;
  readonly #texts: FollowedTexts;
  #interrupt = new AbortController();
  /** The server answered since it was lost last: from now on it may hold answers back. */
  #isReached = false;

  constructor(options: ConfigWatchOptions) {
    this.#options = options;
    this.#texts = options.texts ?? new FollowedTexts();
    this.#texts.onChange(() => this.#interrupt.abort());
  }

  get isRead(): boolean {
    return this.#texts.isRead;
  }

  follow(dataIds: Iterable<string>): void {
    this.#texts.follow(dataIds);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { what, clock, log, onLost } = this.#options;
    const onAbort = () => this.#interrupt.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    await retrying({ what, clock, logger: log, signal, maxPauseMs: MAX_PAUSE_MS }, async (succeeded) => {
      try {
        while (!signal.aborted) {
          await this.#turn(signal, () => {
            if (!this.#isReached) onLost(undefined);
            this.#isReached = true;
            succeeded();
          });
        }
      } catch (error) {
        this.#isReached = false;
        if (!signal.aborted) onLost((error as Error).message);
        throw error instanceof ProtocolError ? new TransientError(error.message) : error;
      }
    });
    signal.removeEventListener("abort", onAbort);
  }

  /** Asks what changed and reads it, once. */
  async #turn(signal: AbortSignal, onReached: () => void): Promise<void> {
    this.#interrupt = new AbortController();
    const { clock } = this.#options;
    if (this.#texts.size === 0) {
      await untilAborted(this.#interrupt.signal, signal);
      return;
    }
    const startMs = clock.now();
    const isHeld = this.#isReached && this.isRead;
    // Of a server that answers, what is new is asked for alone: all of them are a long list.
    const asked = this.#isReached && !isHeld ? this.#texts.unread : this.#texts.ids;
    const changed = await this.#listen(asked, isHeld, this.#interrupt.signal);
    if (changed === undefined) return;
    onReached();
    const names = new Set(changed);
    for (const id of asked) if (!names.has(id)) this.#texts.same(id);
    const isNews = await this.#read(changed, signal);
    if (isHeld && !isNews && (changed.length > 0 || clock.now() - startMs < SPACING_MS))
      await pause(clock, SPACING_MS, signal);
  }

  /** Which of them have another text than is known; undefined where it was interrupted. The first answer with news ends the others' waiting. */
  async #listen(ids: readonly string[], isHeld: boolean, interrupt: AbortSignal): Promise<string[] | undefined> {
    const ending = new AbortController();
    const onAbort = () => ending.abort();
    interrupt.addEventListener("abort", onAbort, { once: true });
    const polls: Promise<string[]>[] = [];
    for (let at = 0; at < ids.length; at += MAX_LISTENED) {
      const poll = this.#poll(ids.slice(at, at + MAX_LISTENED), isHeld, ending.signal).then((found) => {
        if (isHeld && found.length > 0) ending.abort();
        return found;
      });
      polls.push(poll);
    }
    const outcomes = await Promise.allSettled(polls);
    interrupt.removeEventListener("abort", onAbort);
    if (interrupt.aborted) return undefined;
    const found = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
    if (found.length > 0 && ending.signal.aborted) return found;
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    return found;
  }

  async #poll(ids: readonly string[], isHeld: boolean, signal: AbortSignal): Promise<string[]> {
    const { http, group, tenant } = this.#options;
    const list = ids.map((dataId) => ({ dataId, group, tenant, md5: this.#texts.md5Of(dataId) }));
    const { body } = await http.request(
      {
        method: "POST",
        path: "/v1/cs/configs/listener",
        form: { "Listening-Configs": printListening(list) },
        headers: {
          "long-pulling-timeout": String(HOLD_MS),
          ...(!isHeld && { "long-pulling-timeout-no-hangup": "true" }),
        },
        timeoutMs: isHeld ? HOLD_MS + LATE_MS : LATE_MS,
        maxBytes: MAX_CHANGED_BYTES,
      },
      signal,
    );
    const asked = new Set(ids);
    return parseChanged(body.toString())
      .map(({ dataId }) => dataId)
      .filter((id) => asked.delete(id));
  }

  /** Says whether any of them was other than known. */
  async #read(ids: readonly string[], signal: AbortSignal): Promise<boolean> {
    let isNews = false;
    for (let at = 0; at < ids.length; at += TEXTS_AT_ONCE) {
      const texts = new Map<string, { readonly data: Buffer | null }>();
      const waiting = ids.slice(at, at + TEXTS_AT_ONCE);
      const readers = Array.from({ length: READS_AT_ONCE }, async () => {
        for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
          const { data, md5 } = await this.#readOne(id, signal);
          if (this.#texts.take(id, md5, data !== null)) texts.set(id, { data });
        }
      });
      const outcomes = await Promise.allSettled(readers);
      isNews ||= texts.size > 0;
      if (texts.size > 0) this.#options.onTexts(texts);
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    }
    return isNews;
  }

  async #readOne(dataId: string, signal: AbortSignal): Promise<{ data: Buffer | null; md5: string }> {
    const { http, group, tenant, maxBytes } = this.#options;
    const { status, headers, body } = await http.request(
      {
        method: "GET",
        path: "/v1/cs/configs",
        query: { dataId, group, ...(tenant !== "" && { tenant }) },
        timeoutMs: READ_TIMEOUT_MS,
        maxBytes: maxBytes + 1,
        statuses: [404],
      },
      signal,
    );
    if (status === 404) return { data: null, md5: "" };
    const said = headers.get("content-md5") ?? "";
    return { data: body, md5: /^[0-9a-f]{32}$/.test(said) ? said : createHash("md5").update(body).digest("hex") };
  }
}

function untilAborted(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
}
