import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import { type Entered, type OnLogin, StandingLogins } from "../logins.ts";
import { HeldToken, type HeldTokenParts, readToken } from "./held-token.ts";

/** What {@link TokenLogins} needs. */
export interface TokenLoginParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly onLogin: OnLogin;
  /** Whether a user counts as somebody where the registry vouches for him: it is asked about the tokens of no other. */
  readonly isKnown: (username: string) => boolean;
  /** Whether the registry refuses a request with this token and nothing else. Rejects where it says neither yes nor no. */
  readonly refuses: (token: string) => Promise<boolean>;
}

/** The login of one client's connection. */
export interface ClientLogin {
  /** The registry did what the client asked with this token. */
  accepted(token: string): void;
  /** Tells of tokens that the client's user was given over HTTP. */
  follow(onRenewed: (token: string) => void): void;
  /** The connection is gone. */
  leave(): void;
}

/** Clients of HTTP beat every 5 s, ms. */
const STAND_MS = 30_000;
const NOBODY: Entered = { isSomebody: false, leave: () => {} };

/** Who calls at a Nacos facade, by tokens that the registry vouches for ({@link HeldToken}). One that asks for no login vouches for nobody. */
export class TokenLogins {
  readonly #parts: TokenLoginParts;
  readonly #held: HeldTokenParts;
  readonly #standing: StandingLogins;
  /** Those that clients have now. */
  readonly #tokens = new Map<string, HeldToken>();
  /** Connections by their address. */
  readonly #connections = new Map<string, Set<Connection>>();
  #isSilent = false;

  constructor(parts: TokenLoginParts) {
    this.#parts = parts;
    this.#standing = new StandingLogins(parts.clock, STAND_MS);
    this.#held = {
      clock: parts.clock,
      refuses: (token) => this.#refuses(token),
      enter: (address, username) => {
        const answer = parts.onLogin({ address, username });
        return typeof answer === "function" ? answer : undefined;
      },
    };
  }

  /** A client that has come, from an address. */
  client(address: string): ClientLogin {
    const connection = new Connection((token) => this.#hold(address, token));
    const there = this.#connections.get(address) ?? new Set();
    this.#connections.set(address, there.add(connection));
    return {
      accepted: (token) => connection.take(token),
      follow: (onRenewed) => {
        connection.onRenewed = onRenewed;
      },
      leave: () => {
        connection.leave();
        there.delete(connection);
        if (there.size === 0 && this.#connections.get(address) === there) this.#connections.delete(address);
      },
    };
  }

  /** The registry did what was asked over HTTP with this token. */
  heard(address: string, token: string): void {
    if (this.#isOfKnown(token)) this.#standing.heard(`${address} ${token}`, () => this.#hold(address, token) ?? NOBODY);
  }

  /**
   * The registry gave this token to a client over HTTP: connections of its user from there have it now. Those that only listen say theirs
   * to nobody for as long as they stand.
   */
  renewed(address: string, token: string): void {
    const username = readToken(token)?.username;
    if (username === undefined) return;
    for (const one of this.#connections.get(address) ?? []) if (one.username === username) one.renew(token);
  }

  /** The registry refused a login from an address: whoever is there may be nobody any more. */
  refused(address: string): void {
    for (const { token } of this.#connections.get(address) ?? []) this.#tokens.get(token)?.check();
  }

  /** Those of HTTP are gone. */
  close(): void {
    this.#standing.close();
  }

  #isOfKnown(token: string): boolean {
    const username = readToken(token)?.username;
    return username !== undefined && this.#parts.isKnown(username);
  }

  #hold(address: string, token: string): (Entered & Pick<HeldToken, "settled">) | undefined {
    const read = readToken(token);
    if (read === undefined || !this.#parts.isKnown(read.username)) return undefined;
    const held = this.#tokens.get(token) ?? new HeldToken(this.#held, token, read);
    this.#tokens.set(token, held);
    const entered = held.hold(address);
    return {
      settled: held.settled,
      get isSomebody() {
        return entered.isSomebody;
      },
      leave: () => {
        entered.leave();
        if (held.isFree && this.#tokens.get(token) === held) this.#tokens.delete(token);
      },
    };
  }

  async #refuses(token: string): Promise<boolean> {
    try {
      const refuses = await this.#parts.refuses(token);
      this.#isSilent = false;
      return refuses;
    } catch (error) {
      if (!this.#isSilent)
        this.#parts.log.warn(
          "nacos facade: the registry does not say whose tokens it takes: nobody new counts as their users",
          {
            error: error instanceof Error ? error.message : String(error),
          },
        );
      this.#isSilent = true;
      throw error;
    }
  }
}

type Held = Entered & Pick<HeldToken, "settled">;

/** One connection's token, and the one before it until the registry has said what it thinks of the new one. */
class Connection {
  token = "";
  onRenewed: (token: string) => void = () => {};
  readonly #hold: (token: string) => Held | undefined;
  #now: Held | undefined;
  #next: Held | undefined;

  constructor(hold: (token: string) => Held | undefined) {
    this.#hold = hold;
  }

  /** Whom its token names; undefined for nobody. */
  get username(): string | undefined {
    return readToken(this.token)?.username;
  }

  take(token: string): void {
    if (token === this.token) return;
    this.token = token;
    const next = this.#hold(token);
    this.#next?.leave();
    this.#next = next;
    if (next === undefined) this.#settle(undefined);
    else void next.settled.then(() => this.#next === next && this.#settle(next));
  }

  renew(token: string): void {
    this.take(token);
    this.onRenewed(token);
  }

  leave(): void {
    this.#next?.leave();
    this.#settle(undefined);
  }

  #settle(now: Held | undefined): void {
    this.#next = undefined;
    this.#now?.leave();
    this.#now = now;
  }
}
