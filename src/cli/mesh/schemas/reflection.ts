/** Asks Triple and gRPC servers for the types of those services that nobody else says them of. */
import type { Clock, Timer } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { ServiceSchema } from "../../../model/schema.ts";
import type { AskedPlace } from "../reach.ts";

/** What a server said: types, that it has no service of that name, that it has no reflection, or nothing. */
export type ReflectionAnswer =
  | { readonly type: "types"; readonly protobuf: string }
  | { readonly type: "no_service" | "no_reflection" }
  | { readonly type: "failed"; readonly why: string };

/** Who may be asked for one interface's types. */
export interface ReflectionNeed {
  readonly name: string;
  /** Its Triple endpoints; none while all are gone. */
  readonly endpoints: readonly AskedPlace[];
}

/** What reflection depends on. */
export interface ReflectionOptions {
  /** Asks one server; never rejects. */
  readonly ask: (at: AskedPlace, service: string) => Promise<ReflectionAnswer>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told all that is known by reflection, whenever that changes. */
  readonly onSchemas: (schemas: readonly ServiceSchema[]) => void;
}

/** A service that is new is asked for after this time, ms: its metadata may be on its way. */
const SETTLE_MS = 2_000;
/** After the first failure servers are asked again this soon, for they may be starting; then from a minute on, doubled, up to an hour. */
const FIRST_RETRY_MS = 5_000;
const RETRY_MS = 60_000;
const MAX_RETRY_MS = 3_600_000;
/** Of a service whose endpoints change servers are asked no more often than this, ms. */
const SPACING_MS = 10_000;
const MAX_SERVICES = 4_096;
const MAX_TOTAL_CHARS = 64 * 1024 * 1024;

interface Asked {
  endpoints: ReflectionNeed["endpoints"];
  /** The endpoints that were asked, or are to be. */
  key: string;
  dueMs: number;
  askedMs: number;
  failures: number;
  answer: ReflectionAnswer | undefined;
  schema: ServiceSchema | undefined;
}

/**
 * Keeps what reflection tells: each service is asked once for each set of endpoints, one server at a time. What was told once stays
 * while the service is needed. A server that fails is asked again later, one without reflection or without the service in an hour.
 */
export class Reflection {
  readonly #options: ReflectionOptions;
  readonly #asked = new Map<string, Asked>();
  #timer: Timer | undefined;
  #isAsking = false;
  #isClosed = false;

  constructor(options: ReflectionOptions) {
    this.#options = options;
  }

  /** What each needed service's servers answered last; undefined before they did. */
  answerOf(name: string): ReflectionAnswer | undefined {
    return this.#asked.get(name)?.answer;
  }

  /** Other services are needed, or the same by other endpoints. */
  setNeeds(needs: readonly ReflectionNeed[]): void {
    const names = new Set(needs.map(({ name }) => name));
    let isLess = false;
    for (const [name, { schema }] of this.#asked) {
      if (names.has(name)) continue;
      this.#asked.delete(name);
      isLess ||= schema !== undefined;
    }
    for (const need of needs) this.#take(need);
    if (isLess) this.#tell();
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #take({ name, endpoints }: ReflectionNeed): void {
    const key = endpoints.map((one) => JSON.stringify(one)).join();
    const known = this.#asked.get(name);
    if (known === undefined) {
      if (key === "" || this.#asked.size >= MAX_SERVICES) return;
      const fresh = { dueMs: this.#options.clock.now() + SETTLE_MS, askedMs: Number.NEGATIVE_INFINITY, failures: 0 };
      this.#asked.set(name, { endpoints, key, ...fresh, answer: undefined, schema: undefined });
      return;
    }
    known.endpoints = endpoints;
    // Endpoints that go and come back are the same server, most often.
    if (key !== "" && known.key !== key) {
      known.key = key;
      known.failures = 0;
      known.dueMs = Math.max(this.#options.clock.now(), known.askedMs + SPACING_MS);
    }
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#isAsking || this.#isClosed) return;
    let next: [string, Asked] | undefined;
    for (const one of this.#asked) {
      if (one[1].endpoints.length > 0 && one[1].dueMs < (next?.[1].dueMs ?? Number.POSITIVE_INFINITY)) next = one;
    }
    if (next === undefined) return;
    const [name, asked] = next;
    const { clock } = this.#options;
    this.#timer = clock.after(Math.max(0, asked.dueMs - clock.now()), () => void this.#ask(name, asked));
  }

  async #ask(name: string, asked: Asked): Promise<void> {
    const { clock, log, ask } = this.#options;
    this.#isAsking = true;
    const { key } = asked;
    // Another one after each failure.
    const at = asked.endpoints[asked.failures % asked.endpoints.length]!;
    const answer = await ask(at, name);
    this.#isAsking = false;
    if (this.#isClosed) return;
    asked.askedMs = clock.now();
    asked.answer = answer;
    const address = `${at.address}:${at.port}`;
    log.debug("asked for types by reflection", { service: name, address, answer: answer.type });
    if (asked.key === key) asked.dueMs = asked.askedMs + this.#waitOf(asked, answer);
    else asked.dueMs = asked.askedMs + SPACING_MS;
    if (answer.type === "types" && this.#asked.get(name) === asked) this.#learn(name, asked, answer.protobuf);
    this.#schedule();
  }

  #waitOf(asked: Asked, answer: ReflectionAnswer): number {
    if (answer.type === "types") return Number.POSITIVE_INFINITY;
    if (answer.type !== "failed") return MAX_RETRY_MS;
    const failures = asked.failures++;
    return failures === 0 ? FIRST_RETRY_MS : Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (failures - 1));
  }

  #learn(name: string, asked: Asked, protobuf: string): void {
    if (asked.schema?.protobuf === protobuf) return;
    const others = [...this.#asked.values()].reduce((sum, { schema }) => sum + (schema?.protobuf?.length ?? 0), 0);
    if (others - (asked.schema?.protobuf?.length ?? 0) + protobuf.length > MAX_TOTAL_CHARS) return;
    asked.schema = Object.freeze({ name, protobuf });
    this.#options.log.info("types of calls taken up from reflection", { service: name });
    this.#tell();
  }

  #tell(): void {
    this.#options.onSchemas([...this.#asked.values()].flatMap(({ schema }) => (schema === undefined ? [] : [schema])));
  }
}
