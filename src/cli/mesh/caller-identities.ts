import { createHash, timingSafeEqual } from "node:crypto";
import { Latest } from "../../base/latest.ts";
import type { Login, LoginAnswer, OnLogin } from "../../registry-sync/facades/logins.ts";
import type { CallerConfig } from "../config/config.ts";

/** Most addresses whose processes logged in. */
const MAX_ADDRESSES = 100_000;

/** Whom callers without a certificate count as: by the ranges that are configured, and by who logged in at a facade. */
export class CallerIdentities {
  /** SPIFFE ids by address and range; `""` for nobody. */
  readonly current: Latest<Readonly<Record<string, string>>>;
  readonly #fixed: Readonly<Record<string, string>>;
  readonly #logins: ReadonlyMap<string, KnownUser>;
  /** By registry and the user that it vouches for. */
  readonly #vouched: ReadonlyMap<string, string>;
  /** Registries that vouch for users. */
  readonly #vouching: ReadonlySet<string>;
  /** By address: the identities of its connections. */
  readonly #connected = new Map<string, Map<symbol, string>>();
  #due: NodeJS.Immediate | undefined;

  constructor(callers: readonly CallerConfig[]) {
    this.#fixed = Object.fromEntries(
      callers.flatMap(({ identity, addresses }) => addresses.map((address) => [address, identity])),
    );
    this.#logins = new Map(
      callers.flatMap(({ identity, login }) =>
        login?.password === undefined ? [] : [[login.username, { hash: hashOf(login.password), identity }]],
      ),
    );
    this.#vouched = new Map(
      callers.flatMap(({ identity, login }) =>
        login?.registry === undefined ? [] : [[vouchedKey(login.registry, login.username), identity]],
      ),
    );
    this.#vouching = new Set(callers.flatMap(({ login }) => login?.registry ?? []));
    this.current = new Latest(this.#now());
  }

  /** Takes the logins at the facade of a registry; undefined where nobody counts as anybody by them. */
  at(registry: string): OnLogin | undefined {
    return this.#logins.size > 0 || this.#vouching.has(registry) ? (login) => this.login(login, registry) : undefined;
  }

  /** Whether a user counts as somebody by a registry's word. */
  isVouched(registry: string, username: string): boolean {
    return this.#vouched.has(vouchedKey(registry, username));
  }

  /** A client logged in at the facade of a registry. */
  login({ address, username, password }: Login, registry: string): LoginAnswer {
    let identity: string | undefined;
    if (password === undefined) identity = this.#vouched.get(vouchedKey(registry, username));
    else {
      const known = this.#logins.get(username);
      if (known !== undefined && !timingSafeEqual(known.hash, hashOf(password))) return "wrong";
      identity = known?.identity;
    }
    if (identity === undefined || address === "") return "unknown";
    const there = this.#connected.get(address) ?? new Map<symbol, string>();
    if (there.size === 0 && this.#connected.size >= MAX_ADDRESSES) return "unknown";
    this.#connected.set(address, there);
    const connection = Symbol(username);
    there.set(connection, identity);
    this.#publishSoon();
    return () => {
      if (!there.delete(connection)) return;
      if (there.size === 0) this.#connected.delete(address);
      this.#publishSoon();
    };
  }

  /** Logins of one turn are one change: all clients of a facade may come back at once. */
  #publishSoon(): void {
    this.#due ??= setImmediate(() => {
      this.#due = undefined;
      this.#publish();
    });
  }

  #publish(): void {
    const now = this.#now();
    if (JSON.stringify(now) !== JSON.stringify(this.current.get())) this.current.set(now);
  }

  /** An address at which several identities are logged in is nobody's, whatever its range is. Sorted, so that equal facts print alike. */
  #now(): Readonly<Record<string, string>> {
    const all: Record<string, string> = { ...this.#fixed };
    for (const [address, connections] of this.#connected) {
      const [first, ...others] = new Set(connections.values());
      if (first !== undefined) all[address] = others.length === 0 ? first : "";
    }
    return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

interface KnownUser {
  readonly hash: Buffer;
  readonly identity: string;
}

function vouchedKey(registry: string, username: string): string {
  return JSON.stringify([registry, username]);
}

function hashOf(password: string): Buffer {
  return createHash("sha256").update(password).digest();
}
