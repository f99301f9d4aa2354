import { createHash, timingSafeEqual } from "node:crypto";
import { Latest } from "../../base/latest.ts";
import type { CallerConfig } from "../config/config.ts";

/** Most addresses whose processes logged in. */
const MAX_ADDRESSES = 100_000;

/** Whom callers without a certificate count as: by the ranges that are configured, and by who logged in at a facade. */
export class CallerIdentities {
  /** SPIFFE ids by address and range; `""` for nobody. */
  readonly current: Latest<Readonly<Record<string, string>>>;
  readonly #fixed: Readonly<Record<string, string>>;
  readonly #logins: ReadonlyMap<string, { readonly hash: Buffer; readonly identity: string }>;
  /** By address: the identities of its connections. */
  readonly #connected = new Map<string, Map<symbol, string>>();
  #due: NodeJS.Immediate | undefined;

  constructor(callers: readonly CallerConfig[]) {
    this.#fixed = Object.fromEntries(
      callers.flatMap(({ identity, addresses }) => addresses.map((address) => [address, identity])),
    );
    this.#logins = new Map(
      callers.flatMap(({ identity, login }) =>
        login === undefined ? [] : [[login.username, { hash: hashOf(login.password), identity }]],
      ),
    );
    this.current = new Latest(this.#now());
  }

  /** A client at an address logged in. Gives what to call when its connection ends; undefined where it is nobody that is known. */
  login(address: string, username: string, password: string): (() => void) | undefined {
    const known = this.#logins.get(username);
    if (known === undefined || address === "" || !timingSafeEqual(known.hash, hashOf(password))) return undefined;
    const there = this.#connected.get(address) ?? new Map<symbol, string>();
    if (there.size === 0 && this.#connected.size >= MAX_ADDRESSES) return undefined;
    this.#connected.set(address, there);
    const connection = Symbol(username);
    there.set(connection, known.identity);
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

function hashOf(password: string): Buffer {
  return createHash("sha256").update(password).digest();
}
