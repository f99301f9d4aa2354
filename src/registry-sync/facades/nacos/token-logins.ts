import type { Clock } from "../../../base/clock.ts";
import { isRecord } from "../../../codecs/nacos/body.ts";
import { type OnLogin, StandingLogins } from "../logins.ts";

/** What {@link TokenLogins} needs. */
export interface TokenLoginParts {
  readonly clock: Clock;
  readonly onLogin: OnLogin;
  /** Whether the registry refuses a request with this token and nothing else. Rejects where it cannot be asked. */
  readonly refuses: (token: string) => Promise<boolean>;
}

/** The login of one client's connection. */
export interface ClientLogin {
  /** The registry did what the client asked with this token. */
  accepted(token: string): void;
  /** The connection is gone. */
  leave(): void;
}

/** Clients of HTTP beat every 5 s, ms. */
const STAND_MS = 30_000;
/** How long it is believed what the registry says of a token, ms. */
const KNOWN_MS = 600_000;
/** How soon it is asked again that could not be asked, ms. */
const AGAIN_MS = 5_000;
const MAX_TOKENS = 10_000;
const MAX_CHARS = 8_192;

/**
 * Who calls at a Nacos facade, by tokens that the registry accepts: the user that a token names, once the registry is seen to take that token
 * alone, and to refuse the same with another signature. One that asks for no login vouches for nobody.
 */
export class TokenLogins {
  readonly #parts: TokenLoginParts;
  readonly #standing: StandingLogins;
  readonly #users = new Map<string, { readonly user: Promise<string | undefined>; readonly untilMs: number }>();

  constructor(parts: TokenLoginParts) {
    this.#parts = parts;
    this.#standing = new StandingLogins(parts.clock, STAND_MS);
  }

  /** A client that has come, from an address. */
  client(address: string): ClientLogin {
    let known = "";
    let leave = () => {};
    return {
      accepted: (token) => {
        if (token === known) return;
        known = token;
        // A token that takes the place of another of the same user leaves him no moment without.
        leave = this.#enter(address, token, leave);
      },
      leave: () => leave(),
    };
  }

  /** The registry did what was asked over HTTP with this token. */
  heard(address: string, token: string): void {
    this.#standing.heard(`${address} ${token}`, () => this.#enter(address, token, () => {}));
  }

  /** Those of HTTP are gone. */
  close(): void {
    this.#standing.close();
  }

  /** Logs in whom the token names, and then out who was there before. */
  #enter(address: string, token: string, before: () => void): () => void {
    let isGone = false;
    let leave = before;
    const ask = async () => {
      const username = await this.#userOf(token);
      if (isGone) return;
      const answer = username === undefined ? "unknown" : this.#parts.onLogin({ address, username });
      before();
      leave = typeof answer === "function" ? answer : () => {};
    };
    const tryIt = () => {
      if (!isGone) ask().catch(() => void this.#parts.clock.after(AGAIN_MS, tryIt));
    };
    tryIt();
    return () => {
      isGone = true;
      leave();
    };
  }

  /** Rejects where the registry cannot be asked. */
  #userOf(token: string): Promise<string | undefined> {
    const nowMs = this.#parts.clock.now();
    const known = this.#users.get(token);
    if (known !== undefined && nowMs < known.untilMs) return known.user;
    const user = this.#find(token);
    this.#users.delete(token);
    this.#users.set(token, { user, untilMs: nowMs + KNOWN_MS });
    for (const oldest of this.#users.keys()) if (this.#users.size > MAX_TOKENS) this.#users.delete(oldest);
    user.catch(() => this.#users.delete(token));
    return user;
  }

  async #find(token: string): Promise<string | undefined> {
    const read = token.length > MAX_CHARS ? undefined : readToken(token);
    if (read === undefined) return undefined;
    // What the client asked may have been done for another reason: another login that stood in it too, or none that it needed.
    return (await this.#parts.refuses(read.forged)) && !(await this.#parts.refuses(token)) ? read.username : undefined;
  }
}

/** The user that a token (a JWT) names, and the same token with another signature; undefined for what is no such token. */
export function readToken(token: string): { readonly username: string; readonly forged: string } | undefined {
  const [head = "", payload = "", signature = "", ...more] = token.split(".");
  if (more.length > 0 || signature === "") return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const username = isRecord(claims) ? claims["sub"] : undefined;
    if (typeof username !== "string" || username === "" || username.length > 256) return undefined;
    const forged = `${head}.${payload}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    return { username, forged };
  } catch {
    return undefined;
  }
}
