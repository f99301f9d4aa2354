import type { Clock, Timer } from "../../../base/clock.ts";
import { isRecord } from "../../../codecs/nacos/body.ts";
import type { Entered } from "../logins.ts";

/** What a token of a Nacos (a JWT) says, before anybody has checked it. */
export interface ReadToken {
  readonly username: string;
  /** When it runs out, ms since 1970. */
  readonly expiresMs: number;
  /** The same token with another signature. */
  readonly forged: string;
}

/** What {@link HeldToken} needs. */
export interface HeldTokenParts {
  readonly clock: Clock;
  /** Whether the registry refuses a request with this token and nothing else. Rejects where it says neither yes nor no. */
  readonly refuses: (token: string) => Promise<boolean>;
  /** A client at an address is a user; gives what is to be called when it is so no longer, undefined where it counts as nobody. */
  readonly enter: (address: string, username: string) => (() => void) | undefined;
}

/** How long it is believed that a registry takes a token, and that it does not, ms. */
const TAKEN_MS = 60_000;
const REFUSED_MS = 600_000;
/** How soon a registry is asked again that said neither; twice as long after each time, up to the latter, ms. */
const AGAIN_MS = 5_000;
const MAX_AGAIN_MS = 300_000;
/** How long a token counts after it ran out: clients renew theirs shortly before, and clocks differ, ms. */
const GRACE_MS = 15_000;
const MAX_CHARS = 4_096;

interface Holder {
  readonly address: string;
  leave: (() => void) | undefined;
}

/**
 * A token and the clients that have it. They count as its user from when the registry is seen to take that token alone and to refuse the same
 * with another signature, until it refuses it or the token has run out.
 */
export class HeldToken {
  /** The registry has said yes or no for the first time. */
  readonly settled: Promise<void>;
  readonly #parts: HeldTokenParts;
  readonly #token: string;
  readonly #read: ReadToken;
  readonly #holders = new Set<Holder>();
  #settle: () => void = () => {};
  #isTaken = false;
  #isAsking = false;
  #timer: Timer | undefined;
  #againMs = AGAIN_MS;

  constructor(parts: HeldTokenParts, token: string, read: ReadToken) {
    this.#parts = parts;
    this.#token = token;
    this.#read = read;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Whether no client has it. */
  get isFree(): boolean {
    return this.#holders.size === 0;
  }

  /** A client at an address has it. */
  hold(address: string): Entered {
    const holder: Holder = { address, leave: undefined };
    this.#holders.add(holder);
    if (this.#isTaken) this.#enter(holder);
    else if (this.#timer === undefined) this.check();
    return {
      get isSomebody() {
        return holder.leave !== undefined;
      },
      leave: () => {
        this.#holders.delete(holder);
        holder.leave?.();
        holder.leave = undefined;
        if (this.isFree) this.#timer?.cancel();
      },
    };
  }

  /** Asks the registry now. */
  check(): void {
    if (this.#isAsking || this.isFree) return;
    this.#timer?.cancel();
    const leftMs = this.#read.expiresMs - this.#parts.clock.now();
    if (leftMs + GRACE_MS <= 0) this.#become(false);
    else if (leftMs <= 0) this.#later(leftMs + GRACE_MS);
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    try {
      this.#become(await this.#isGood());
      this.#againMs = AGAIN_MS;
      this.#later(this.#isTaken ? TAKEN_MS : REFUSED_MS);
    } catch {
      this.#later(this.#againMs);
      this.#againMs = Math.min(2 * this.#againMs, MAX_AGAIN_MS);
    } finally {
      this.#isAsking = false;
    }
  }

  /** What a client asked for may have been done for another reason: another login that stood in it too, or none that it needed. */
  async #isGood(): Promise<boolean> {
    const { refuses } = this.#parts;
    return (this.#isTaken || (await refuses(this.#read.forged))) && !(await refuses(this.#token));
  }

  #later(ms: number): void {
    if (this.isFree) return;
    const leftMs = this.#read.expiresMs + GRACE_MS - this.#parts.clock.now();
    this.#timer = this.#parts.clock.after(Math.max(0, Math.min(ms, leftMs)), () => this.check());
  }

  #become(isTaken: boolean): void {
    this.#isTaken = isTaken;
    this.#settle();
    for (const holder of this.#holders) {
      if (isTaken && holder.leave === undefined) this.#enter(holder);
      else if (!isTaken) {
        holder.leave?.();
        holder.leave = undefined;
      }
    }
  }

  #enter(holder: Holder): void {
    holder.leave = this.#parts.enter(holder.address, this.#read.username);
  }
}

/** What a token says; undefined for what is none of a Nacos. */
export function readToken(token: string): ReadToken | undefined {
  const [head = "", payload = "", signature = "", ...more] = token.split(".");
  if (token.length > MAX_CHARS || more.length > 0 || signature === "") return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const { sub: username, exp } = isRecord(claims) ? claims : {};
    if (typeof username !== "string" || username === "" || username.length > 256) return undefined;
    if (typeof exp !== "number") return undefined;
    const forged = `${head}.${payload}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    return { username, expiresMs: exp * 1_000, forged };
  } catch {
    return undefined;
  }
}
