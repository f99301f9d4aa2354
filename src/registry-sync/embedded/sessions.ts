/**
 * Sessions: who is still there. A session outlives its connection until its time-out; it can be taken up again with its id and
 * password. No I/O, no clock. Reference: SessionTrackerImpl of ZooKeeper 3.8.
 */

/** One client's session. */
export interface Session {
  readonly id: bigint;
  readonly password: Uint8Array;
  timeoutMs: number;
  /** When it ends unless it is heard of before, ms since 1970. */
  dueMs: number;
}

/** What sessions are granted. */
export interface SessionLimits {
  readonly maxSessions: number;
  readonly minTimeoutMs: number;
  readonly maxTimeoutMs: number;
}

const PASSWORD_BYTES = 16;

/** The sessions of one registry. */
export class Sessions {
  readonly #byId = new Map<bigint, Session>();
  readonly #limits: SessionLimits;
  readonly #randomBytes: (count: number) => Uint8Array;
  #nextId: bigint;

  /** Ids start from the time, as a server's do, so that a restarted registry doesn't give out those of before. */
  constructor(limits: SessionLimits, nowMs: number, randomBytes: (count: number) => Uint8Array) {
    this.#limits = limits;
    this.#randomBytes = randomBytes;
    this.#nextId = (1n << 56n) | (((BigInt(nowMs) << 24n) & 0xffff_ffff_ffff_ffffn) >> 8n);
  }

  get count(): number {
    return this.#byId.size;
  }

  /** All sessions, oldest first. */
  all(): Iterable<Session> {
    return this.#byId.values();
  }

  /** A new session; undefined when there are too many. */
  create(askedTimeoutMs: number, nowMs: number): Session | undefined {
    if (this.#byId.size >= this.#limits.maxSessions) return undefined;
    const timeoutMs = this.#negotiate(askedTimeoutMs);
    const session = {
      id: this.#nextId++,
      password: this.#randomBytes(PASSWORD_BYTES),
      timeoutMs,
      dueMs: nowMs + timeoutMs,
    };
    this.#byId.set(session.id, session);
    return session;
  }

  /** Takes a session up again; undefined when it is gone or the password is wrong. */
  reopen(id: bigint, password: Uint8Array, askedTimeoutMs: number, nowMs: number): Session | undefined {
    const session = this.#byId.get(id);
    if (session === undefined || !sameBytes(session.password, password)) return undefined;
    session.timeoutMs = this.#negotiate(askedTimeoutMs);
    session.dueMs = nowMs + session.timeoutMs;
    return session;
  }

  /** Notes that a session was heard of; false when it is gone. */
  touch(id: bigint, nowMs: number): boolean {
    const session = this.#byId.get(id);
    if (session === undefined) return false;
    session.dueMs = nowMs + session.timeoutMs;
    return true;
  }

  /** Ends a session; false when it is gone already. */
  close(id: bigint): boolean {
    return this.#byId.delete(id);
  }

  /** Ends every session that is overdue and returns them. */
  expire(nowMs: number): Session[] {
    const overdue = [...this.#byId.values()].filter((session) => session.dueMs <= nowMs);
    for (const session of overdue) this.#byId.delete(session.id);
    return overdue;
  }

  #negotiate(askedMs: number): number {
    return Math.min(Math.max(askedMs, this.#limits.minTimeoutMs), this.#limits.maxTimeoutMs);
  }
}

/** Compares in a time that does not depend on where the first difference is. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a[index] ^ b[index];
  return difference === 0;
}
