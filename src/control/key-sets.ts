import { type Clock, realClock, type Timer } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { KeysFound } from "../model/keys-found.ts";
import type { Rule } from "../model/rule.ts";
import type { JwtRule, RequestAuthentication } from "../model/rules/request-authentication.ts";
import { type FetchedText, type FetchText, fetchText as fetchByHttp } from "./key-fetch.ts";
import { isLinkLocal } from "./rules/kinds/request-authentication.ts";

/** What fetching keys needs. */
export interface KeySetsOptions {
  readonly log: Logger;
  /** Keys of rules that were given came or changed. */
  readonly onChange: () => void;
  readonly fetchText?: FetchText;
  readonly clock?: Clock;
}

/** How long keys are good before they are asked for again, ms, where their issuer does not say how long. */
export const REFRESH_MS = 5 * 60_000;
/** The least of what one may say, and the most: Istio's own interval (PILOT_JWT_PUB_KEY_REFRESH_INTERVAL). */
export const [MIN_REFRESH_MS, MAX_REFRESH_MS] = [60_000, 20 * 60_000];
/** The same after they could not be had. */
export const RETRY_MS = 60_000;
/** Where tokens are signed by keys that are not known, an issuer is asked once in so long at most. */
export const HURRY_MS = 1_000;
/** So many of these it may be asked at once, where it was not asked for a while. */
export const HURRIES = 3;
/** Keys that changed have come to all who follow them after this, ms: who misses one sooner has not got them yet, perhaps. */
export const SETTLE_MS = 2_000;
/** Istio's own limit unless a rule says another. */
const FETCH_MS = 5_000;
const DISCOVERY = "/.well-known/openid-configuration";
/** Addresses that keys are fetched from, all rules together. */
export const MAX_ADDRESSES = 1_000;

/** Where the keys of a rule come from. */
interface Place {
  /** Their address, or that of the document that says it. */
  readonly uri: string;
  /** Of an issuer that has to be asked where they are. */
  readonly discovered: string | undefined;
  readonly timeoutMs: number;
}

interface Fetched {
  readonly place: Place;
  /** Who signs by these keys, as rules say. */
  readonly issuers: Set<string>;
  /** The last that was good. */
  text: string | undefined;
  failing: boolean;
  timer: Timer | undefined;
  busy: boolean;
  askedMs: number;
  changedMs: number;
  /** When it will have been asked no more than once in {@link HURRY_MS}. */
  restedMs: number;
  /** Those who wait for a fetch that began after they asked; `again`: the one under way did not. */
  hurried: { readonly found: Promise<KeysFound>; readonly settle: (found: KeysFound) => void } | undefined;
  again: boolean;
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

  constructor({ log, onChange, fetchText = fetchByHttp, clock = realClock }: KeySetsOptions) {
    this.#log = log;
    this.#onChange = onChange;
    this.#fetchText = fetchText;
    this.#clock = clock;
  }

  /** The rules with the keys that are known; those that are not are fetched, and what no rule names any more is forgotten. */
  fill(rules: readonly Rule[]): readonly Rule[] {
    const wanted = new Set<string>();
    const filled = rules.map((rule) => (rule.kind === "RequestAuthentication" ? this.#fillRule(rule, wanted) : rule));
    for (const [uri, { timer, hurried }] of this.#sets) {
      if (wanted.has(uri)) continue;
      timer?.cancel();
      hurried?.settle("failed");
      this.#sets.delete(uri);
    }
    return filled;
  }

  /**
   * A token of this issuer is signed by a key that is not known: its keys are asked for now, or as soon as they may be again. Resolves to what came
   * of that, once those who follow the keys were told; at once where they could not be had a moment ago.
   */
  readonly hurry = async (issuer: string): Promise<KeysFound> => {
    const asked = [...this.#sets].filter(([, { issuers }]) => issuers.has(issuer));
    const found = await Promise.all(asked.map(([uri, fetched]) => this.#hurryOne(uri, fetched)));
    return found.find((one) => one === "changed") ?? found.find((one) => one === "same") ?? "failed";
  };

  close(): void {
    this.#closed = true;
    for (const { timer, hurried } of this.#sets.values()) {
      timer?.cancel();
      hurried?.settle("failed");
    }
    this.#sets.clear();
  }

  async #hurryOne(uri: string, fetched: Fetched): Promise<KeysFound> {
    const isRecent = fetched.busy || this.#clock.now() - fetched.askedMs < HURRY_MS;
    if (fetched.failing && isRecent) return "failed";
    let { hurried } = fetched;
    if (hurried === undefined) {
      let settle: (found: KeysFound) => void = () => {};
      const found = new Promise<KeysFound>((resolve) => {
        settle = resolve;
      });
      hurried = { found, settle };
      fetched.hurried = hurried;
    }
    if (fetched.busy) fetched.again = true;
    else this.#hasten(uri, fetched);
    return hurried.found;
  }

  #hasten(uri: string, fetched: Fetched): void {
    const mayMs = Math.max(fetched.restedMs - (HURRIES - 1) * HURRY_MS, fetched.changedMs + SETTLE_MS);
    const waitMs = mayMs - this.#clock.now();
    fetched.timer?.cancel();
    if (waitMs <= 0) void this.#refresh(uri, fetched);
    else fetched.timer = this.#clock.after(waitMs, () => void this.#refresh(uri, fetched));
  }

  #fillRule(rule: RequestAuthentication, wanted: Set<string>): RequestAuthentication {
    const jwtRules = rule.jwtRules.map((one): JwtRule => {
      const place = placeOf(one);
      if (place === undefined) return one;
      const text = this.#want(place, one.issuer, wanted);
      return text === undefined ? one : { ...one, jwks: text };
    });
    const keys = jwtRules.map(({ jwks }) => jwks ?? "").join("\n");
    const known = this.#filled.get(rule);
    if (known?.keys === keys) return known.rule;
    const made = { ...rule, jwtRules };
    this.#filled.set(rule, { keys, rule: made });
    return made;
  }

  #want(place: Place, issuer: string, wanted: Set<string>): string | undefined {
    const { uri } = place;
    if (wanted.size >= MAX_ADDRESSES && !wanted.has(uri)) {
      this.#log.warn("keys are not fetched: too many addresses", { uri, limit: MAX_ADDRESSES });
      return undefined;
    }
    wanted.add(uri);
    const known = this.#sets.get(uri);
    if (known !== undefined) {
      known.issuers.add(issuer);
      return known.text;
    }
    const fetched: Fetched = {
      place,
      issuers: new Set([issuer]),
      text: undefined,
      failing: false,
      timer: undefined,
      busy: false,
      askedMs: 0,
      changedMs: Number.NEGATIVE_INFINITY,
      restedMs: 0,
      hurried: undefined,
      again: false,
    };
    this.#sets.set(uri, fetched);
    void this.#refresh(uri, fetched);
    return undefined;
  }

  async #fetchKeys({ uri, discovered, timeoutMs }: Place): Promise<FetchedText> {
    const found = await this.#fetchText(uri, timeoutMs);
    const keys =
      discovered === undefined ? found : await this.#fetchText(keysAddress(found.text, discovered), timeoutMs);
    if (!isKeySet(keys.text)) throw new Error("what is there is no JSON Web Key Set");
    return keys;
  }

  async #refresh(uri: string, fetched: Fetched): Promise<void> {
    let keys: FetchedText | undefined;
    fetched.busy = true;
    fetched.askedMs = this.#clock.now();
    fetched.restedMs = Math.max(fetched.restedMs, fetched.askedMs) + HURRY_MS;
    try {
      keys = await this.#fetchKeys(fetched.place);
    } catch (error) {
      if (!fetched.failing && !this.#closed)
        this.#log.warn("keys of tokens can't be fetched; the last good ones stay", {
          uri,
          error: (error as Error).message,
        });
    }
    fetched.busy = false;
    // It may have been forgotten meanwhile.
    if (this.#closed || this.#sets.get(uri) !== fetched) return;
    const text = keys?.text;
    if (text !== undefined && fetched.failing) this.#log.info("keys of tokens are fetched again", { uri });
    fetched.failing = text === undefined;
    const goodMs = keys === undefined ? RETRY_MS : refreshMs(keys);
    fetched.timer = this.#clock.after(goodMs, () => void this.#refresh(uri, fetched));
    const found = text === undefined ? "failed" : text === fetched.text ? "same" : "changed";
    if (found === "changed") {
      fetched.text = text;
      fetched.changedMs = this.#clock.now();
      this.#onChange();
    }
    const { again, hurried } = fetched;
    fetched.again = false;
    if (again && found === "same") {
      this.#hasten(uri, fetched);
      return;
    }
    fetched.hurried = undefined;
    hurried?.settle(found);
  }
}

function placeOf({ issuer, jwks, jwksUri, timeout = FETCH_MS }: JwtRule): Place | undefined {
  if (jwksUri !== undefined) return { uri: jwksUri, discovered: undefined, timeoutMs: timeout };
  if (jwks !== undefined) return undefined;
  return { uri: `${issuer.replace(/\/$/, "")}${DISCOVERY}`, discovered: issuer, timeoutMs: timeout };
}

/** Where an issuer's document says that its keys are (OpenID Connect Discovery). Throws words for people. */
function keysAddress(text: string, issuer: string): string {
  let said: { readonly issuer?: unknown; readonly jwks_uri?: unknown } | null;
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    said = null;
  }
  if (said?.issuer !== issuer) throw new Error(`what is there is no OpenID configuration of ${issuer}`);
  const uri = said.jwks_uri;
  if (typeof uri !== "string" || !URL.canParse(uri) || !/^https?:/.test(uri) || isLinkLocal(new URL(uri).hostname))
    throw new Error("its jwks_uri is no address that keys are fetched from");
  return uri;
}

function isKeySet(text: string): boolean {
  try {
    return Array.isArray((JSON.parse(text) as { readonly keys?: unknown } | null)?.keys);
  } catch {
    return false;
  }
}

function refreshMs({ freshMs = REFRESH_MS }: FetchedText): number {
  return Math.min(MAX_REFRESH_MS, Math.max(MIN_REFRESH_MS, freshMs));
}
