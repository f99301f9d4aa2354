import type { Clock } from "../../../base/clock.ts";
import { TransientError } from "../../../base/errors.ts";
import { pause } from "../../../base/pause.ts";
import { isRecord, type NacosBody, textOf } from "../../../codecs/nacos/body.ts";
import { groupedName, type NacosServiceInfo, splitGroupedName } from "../../../codecs/nacos/service-info.ts";
import { type NacosLimits, ServiceBook } from "./service-book.ts";

/** A server that answers about names, over gRPC or HTTP. Every call rejects with `TransientError` where it fails. */
export interface NamingServer {
  /** One page of the names of a group's services, from 1; and how many there are in all. */
  list(
    group: string,
    pageNo: number,
    pageSize: number,
  ): Promise<{ readonly count: number; readonly names: readonly string[] }>;
  /** A service as JSON; where the server pushes, it does from now on. */
  read(group: string, name: string): Promise<unknown>;
  /** No more pushes of it. */
  forget(group: string, name: string): void;
  /** What a service is read from; where that is another than before, it is read again. */
  holderOf(group: string, name: string): object;
  /** Whether what was read is pushed when it changes; else it is read again and again. */
  readonly pushes: boolean;
  /** False once it is of no use any more. */
  readonly isOpen: boolean;
}

/** What {@link NamingMirror} follows, and who is told. */
export interface MirrorOptions {
  readonly groups: readonly string[];
  /** Empty for all. */
  readonly clusters: readonly string[];
  readonly limits: NacosLimits;
  readonly clock: Clock;
  /** Told a service that came or changed, or (undefined) that is gone. */
  readonly onService: (key: string, info: NacosServiceInfo | undefined) => void;
  /** Told when all services were read once, and after each round from then on. */
  readonly onRound: () => void;
}

/** What keeps a part of the registry from being known. */
export interface MirrorFaults {
  /** Services over the limit. */
  readonly overServices: number;
  /** Services that the server does not give, with its reason for one of them. */
  readonly refused: number;
  readonly reason: string;
  readonly leftOut: ServiceBook["leftOut"];
}

const PAGE_SIZE = 2_000;
const READS_AT_ONCE = 32;
/** Names for which a round's pause is not lengthened; 1 ms more for each two above. */
const QUICK_NAMES = 2_000;
/** Pause between two rounds, ms: of servers that push, which are asked for names alone, and of others. */
const PUSHED_ROUND_MS = 1_000;
const POLLED_ROUND_MS = 2_000;
const MAX_ROUND_MS = 10_000;
/** Rounds in which a name must be missing before its service is gone: pages shift while they are read. */
const MISSING_ROUNDS = 2;
/** Services are read again for being in doubt at most this often, ms: a server may push the same over and over. */
const DOUBT_PAUSE_MS = 30_000;
/** Failures to read a service after which the others are not held up by it. */
const MAX_FAILURES = 3;

/**
 * How long instances that a new connection's server does not name stay, ms: a server that was started anew knows them when their clients
 * registered again, which they look after every 3 s (redo of nacos-client).
 */
const GRACE_MS = 6_000;
/** Of connections that follow each other closely each would have them stay for longer: together they do for so long, ms. */
const MAX_GRACE_MS = 30_000;

interface Followed {
  readonly group: string;
  readonly name: string;
  /** What it was read from last. */
  holder: object | undefined;
  /** To be read although it was. */
  isDue: boolean;
  missing: number;
  failures: number;
  reason: string;
}

/** Mirrors the services of some groups, whatever server there is; what was known stays until something else is known. */
export class NamingMirror {
  readonly #options: MirrorOptions;
  readonly #book: ServiceBook;
  readonly #followed = new Map<string, Followed>();
  /** Those that failed too often, kept aside: most rounds nothing is wrong with any of thousands. */
  readonly #refused = new Set<Followed>();
  #overServices = 0;
  #isRead = false;
  #isInDoubt = false;
  /** Before that nothing is read again for being in doubt. */
  #certainMs = Number.NEGATIVE_INFINITY;
  /** Until then lists do not shrink; undefined where they may. */
  #graceUntilMs: number | undefined;
  /** Since when they do not; undefined once all was read when they might. */
  #graceFromMs: number | undefined;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#book = new ServiceBook(options.limits, options.clusters);
  }

  /** Whether all services that are there were read once. */
  get isRead(): boolean {
    return this.#isRead;
  }

  get faults(): MirrorFaults {
    const [first] = this.#refused;
    return {
      overServices: this.#overServices,
      refused: this.#refused.size,
      reason: first?.reason ?? "",
      leftOut: this.#book.leftOut,
    };
  }

  /** Follows a server until it is of no use, or the signal; rejects with `TransientError` where names can't be listed. */
  async run(server: NamingServer, signal: AbortSignal): Promise<void> {
    this.#book.forgetTimes();
    this.renewed();
    while (server.isOpen && !signal.aborted) {
      this.#endGrace();
      for (const group of this.#options.groups) {
        await this.#list(server, group);
        if (!server.isOpen || signal.aborted) return;
      }
      this.#resolveDoubt();
      await this.#readAll(server, signal);
      if (!server.isOpen || signal.aborted) return;
      if ([...this.#followed.values()].every((one) => one.holder !== undefined || one.failures >= MAX_FAILURES)) {
        this.#isRead = true;
        if (this.#graceUntilMs === undefined) this.#graceFromMs = undefined;
        this.#options.onRound();
      }
      const more = Math.max(0, this.#followed.size - QUICK_NAMES) / 2;
      await pause(
        this.#options.clock,
        Math.min((server.pushes ? PUSHED_ROUND_MS : POLLED_ROUND_MS) + more, MAX_ROUND_MS),
        signal,
      );
    }
  }

  /** A connection stands anew, or a further one does: its server may be one that was just started, so lists do not shrink for a while. */
  renewed(): void {
    // The first server of all took nobody's place.
    if (!this.#isRead) return;
    const nowMs = this.#options.clock.now();
    this.#graceFromMs ??= nowMs;
    this.#graceUntilMs = Math.min(nowMs + GRACE_MS, this.#graceFromMs + MAX_GRACE_MS);
  }

  /** Once it is over, what was kept is read again. */
  #endGrace(): void {
    if (this.#graceUntilMs === undefined || this.#options.clock.now() < this.#graceUntilMs) return;
    this.#graceUntilMs = undefined;
    for (const key of this.#book.release()) {
      const one = this.#followed.get(key);
      if (one !== undefined) one.isDue = true;
    }
  }

  /** A server pushed what cannot be read: it may have been any service, so all are read again, at most once in a while. */
  doubt(): void {
    this.#isInDoubt = true;
  }

  /** A server pushed a service. */
  push(value: unknown): void {
    if (!isRecord(value)) return;
    const { group, name } = nameOf(value);
    const key = groupedName(group, name);
    const followed = this.#followed.get(key);
    if (followed !== undefined && this.#take(key, value, false) === "stale") followed.isDue = true;
  }

  async #list(server: NamingServer, group: string): Promise<void> {
    const { maxServices } = this.#options.limits;
    const names = new Set<string>();
    let count = 0;
    for (let page = 1; names.size < maxServices; page++) {
      const answer = await server.list(group, page, PAGE_SIZE);
      count = Math.max(count, answer.count);
      const before = names.size;
      for (const name of answer.names) names.add(splitGroupedName(name, group).name);
      // A server that gives the same names again and again would be asked for ever.
      if (names.size === before || names.size >= answer.count) break;
    }
    let over = 0;
    for (const name of names) {
      const key = groupedName(group, name);
      const known = this.#followed.get(key);
      if (known !== undefined) known.missing = 0;
      else if (this.#followed.size >= maxServices) over++;
      else this.#followed.set(key, followedOf(group, name));
    }
    this.#overServices = Math.max(over, count - maxServices);
    // Of pages that shifted some names may be on none.
    if (names.size < Math.min(count, maxServices)) return;
    for (const [key, one] of this.#followed) {
      if (one.group !== group || names.has(one.name)) continue;
      // Nacos takes a name out when it had no instances for a while: one that has some is asked for before it goes.
      if (++one.missing >= MISSING_ROUNDS && (this.#book.get(key)?.hosts.length ?? 0) === 0) this.#drop(key, server);
      else one.isDue = true;
    }
  }

  #resolveDoubt(): void {
    const nowMs = this.#options.clock.now();
    if (!this.#isInDoubt || nowMs < this.#certainMs) return;
    this.#isInDoubt = false;
    this.#certainMs = nowMs + DOUBT_PAUSE_MS;
    for (const one of this.#followed.values()) one.isDue = true;
  }

  async #readAll(server: NamingServer, signal: AbortSignal): Promise<void> {
    const waiting = [...this.#followed].filter(
      ([, one]) => !server.pushes || one.isDue || one.holder !== server.holderOf(one.group, one.name),
    );
    let at = 0;
    const readers = Array.from({ length: READS_AT_ONCE }, async () => {
      while (at < waiting.length && server.isOpen && !signal.aborted) await this.#readOne(server, ...waiting[at++]!);
    });
    await Promise.all(readers);
  }

  async #readOne(server: NamingServer, key: string, one: Followed): Promise<void> {
    one.isDue = false;
    const holder = server.holderOf(one.group, one.name);
    try {
      const value = await server.read(one.group, one.name);
      // It was dropped meanwhile.
      if (this.#followed.get(key) !== one) return;
      const taken = this.#take(key, value, true);
      if (taken === "unreadable") throw new TransientError("nacos answers with something else than the service");
      if (taken === "stale") one.isDue = true;
      one.holder = holder;
      one.failures = 0;
      this.#refused.delete(one);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      one.isDue = true;
      one.failures++;
      one.reason = error.message;
      if (one.failures >= MAX_FAILURES && this.#followed.get(key) === one) this.#refused.add(one);
    }
  }

  #take(key: string, value: unknown, isAnswer: boolean) {
    const keeps = this.#graceUntilMs !== undefined && this.#options.clock.now() < this.#graceUntilMs;
    const taken = this.#book.take(key, value, isAnswer, keeps);
    if (taken === "changed") this.#options.onService(key, this.#book.get(key));
    return taken;
  }

  #drop(key: string, server: NamingServer): void {
    const one = this.#followed.get(key)!;
    this.#followed.delete(key);
    this.#refused.delete(one);
    server.forget(one.group, one.name);
    if (this.#book.drop(key)) this.#options.onService(key, undefined);
  }
}

function followedOf(group: string, name: string): Followed {
  return { group, name, holder: undefined, isDue: false, missing: 0, failures: 0, reason: "" };
}

function nameOf(value: NacosBody): { group: string; name: string } {
  return splitGroupedName(textOf(value, "name"), textOf(value, "groupName"));
}
