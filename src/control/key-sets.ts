import { type Clock, realClock, type Timer } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { Rule } from "../model/rule.ts";
import type { JwtRule, RequestAuthentication } from "../model/rules/request-authentication.ts";

/** Gets the text at an address; rejects with words for people. */
export type FetchText = (uri: string) => Promise<string>;

/** What fetching keys needs. */
export interface KeySetsOptions {
  readonly log: Logger;
  /** Keys of rules that were given came or changed. */
  readonly onChange: () => void;
  readonly fetchText?: FetchText;
  readonly clock?: Clock;
}

/** How long keys are good before they are asked for again, ms; Istio's own (PILOT_JWT_PUB_KEY_REFRESH_INTERVAL). */
export const REFRESH_MS = 20 * 60_000;
/** The same after they could not be had. */
export const RETRY_MS = 60_000;
const FETCH_MS = 5_000;
const MAX_BYTES = 1024 * 1024;
/** Addresses that keys are fetched from, all rules together. */
export const MAX_ADDRESSES = 1_000;

interface Fetched {
  /** The last that was good. */
  text: string | undefined;
  failing: boolean;
  timer: Timer | undefined;
}

/** Fetches the keys of RequestAuthentications, refreshes them and keeps the last good ones of an address that fails. */
export class KeySets {
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #fetchText: FetchText;
  readonly #clock: Clock;
  readonly #sets = new Map<string, Fetched>();
  /** Rules with their keys, so that what did not change stays the object that it was. */
  readonly #filled = new WeakMap<
    RequestAuthentication,
    { readonly keys: string; readonly rule: RequestAuthentication }
  >();
  #closed = false;

  constructor({ log, onChange, fetchText = fetchKeys, clock = realClock }: KeySetsOptions) {
    this.#log = log;
    this.#onChange = onChange;
    this.#fetchText = fetchText;
    this.#clock = clock;
  }

  /** The rules with the keys that are known; those that are not are fetched, and what no rule names any more is forgotten. */
  fill(rules: readonly Rule[]): readonly Rule[] {
    const wanted = new Set<string>();
    const filled = rules.map((rule) => (rule.kind === "RequestAuthentication" ? this.#fillRule(rule, wanted) : rule));
    for (const [uri, { timer }] of this.#sets) {
      if (wanted.has(uri)) continue;
      timer?.cancel();
      this.#sets.delete(uri);
    }
    return filled;
  }

  close(): void {
    this.#closed = true;
    for (const { timer } of this.#sets.values()) timer?.cancel();
    this.#sets.clear();
  }

  #fillRule(rule: RequestAuthentication, wanted: Set<string>): RequestAuthentication {
    const jwtRules = rule.jwtRules.map((one): JwtRule => {
      const { jwksUri } = one;
      if (jwksUri === undefined) return one;
      const text = this.#want(jwksUri, wanted);
      return text === undefined ? one : { ...one, jwks: text };
    });
    const keys = jwtRules.map(({ jwks }) => jwks ?? "").join("\n");
    const known = this.#filled.get(rule);
    if (known?.keys === keys) return known.rule;
    const made = { ...rule, jwtRules };
    this.#filled.set(rule, { keys, rule: made });
    return made;
  }

  #want(uri: string, wanted: Set<string>): string | undefined {
    if (wanted.size >= MAX_ADDRESSES && !wanted.has(uri)) {
      this.#log.warn("keys are not fetched: too many addresses", { uri, limit: MAX_ADDRESSES });
      return undefined;
    }
    wanted.add(uri);
    const known = this.#sets.get(uri);
    if (known !== undefined) return known.text;
    const fetched: Fetched = { text: undefined, failing: false, timer: undefined };
    this.#sets.set(uri, fetched);
    void this.#refresh(uri, fetched);
    return undefined;
  }

  async #refresh(uri: string, fetched: Fetched): Promise<void> {
    let text: string | undefined;
    try {
      const got = await this.#fetchText(uri);
      if (!isKeySet(got)) throw new Error("what is there is no JSON Web Key Set");
      text = got;
    } catch (error) {
      if (!fetched.failing && !this.#closed)
        this.#log.warn("keys of tokens can't be fetched; the last good ones stay", {
          uri,
          error: (error as Error).message,
        });
    }
    // It may have been forgotten meanwhile.
    if (this.#closed || this.#sets.get(uri) !== fetched) return;
    if (text !== undefined && fetched.failing) this.#log.info("keys of tokens are fetched again", { uri });
    fetched.failing = text === undefined;
    fetched.timer = this.#clock.after(fetched.failing ? RETRY_MS : REFRESH_MS, () => void this.#refresh(uri, fetched));
    if (text === undefined || text === fetched.text) return;
    fetched.text = text;
    this.#onChange();
  }
}

function isKeySet(text: string): boolean {
  try {
    return Array.isArray((JSON.parse(text) as { readonly keys?: unknown } | null)?.keys);
  } catch {
    return false;
  }
}

/** Redirects are not followed: they would lead past the check of the address. */
const fetchKeys: FetchText = async (uri) => {
  const answer = await fetch(uri, {
    redirect: "error",
    signal: AbortSignal.timeout(FETCH_MS),
    headers: { accept: "application/json" },
  });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.body ?? []) {
    bytes += (piece as Uint8Array).length;
    if (bytes > MAX_BYTES) throw new Error(`answer is over the limit of ${MAX_BYTES} bytes`);
    pieces.push(piece as Uint8Array);
  }
  return Buffer.concat(pieces).toString("utf8");
};
