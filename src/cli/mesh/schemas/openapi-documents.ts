/** Keeps what the OpenAPI documents say that RestMapping rules name. */
import type { Clock, Timer } from "../../../base/clock.ts";
import { ProtocolError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import { type ReadDocument, readPublished } from "../../../codecs/openapi/published.ts";
import type { Finding } from "../../../model/entry.ts";
import type { ServiceSchema } from "../../../model/schema.ts";
import type { AskedPlace } from "../reach.ts";
import type { DocumentNeed } from "./openapi-needs.ts";
import { schemaFinding } from "./schema-findings.ts";

/** A document, parsed and not judged yet, or why there is none. A file is the same where it still has the stamp that it was read with. */
export type DocumentAnswer =
  | { readonly type: "document"; readonly document: unknown; readonly stamp?: string }
  | { readonly type: "failed"; readonly why: string; readonly stamp?: string }
  | { readonly type: "same" };

/** What the documents depend on. */
export interface OpenapiDocumentsOptions {
  /** Asks one endpoint; never rejects. */
  readonly ask: (at: AskedPlace, path: string) => Promise<DocumentAnswer>;
  /** Reads one file, or says that it still has the stamp; never rejects. */
  readonly read: (file: string, stamp: string | undefined) => Promise<DocumentAnswer>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told all that is known by documents, whenever that changes. */
  readonly onSchemas: (schemas: readonly ServiceSchema[]) => void;
  /** Told that findings may be other now. */
  readonly onFindings?: () => void;
}

/** After a failure it is asked again this soon, then doubled, ms. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
/** A service that stays where it is may be another version of itself; files are read again so often, ms. */
const REFRESH_MS = 300_000;
const FILE_MS = 2_000;
const MAX_DOCUMENTS = 4_096;
const MAX_TOTAL_CHARS = 64 * 1024 * 1024;
/** Most names in one finding. */
const MAX_NAMED = 5;

interface Known {
  need: DocumentNeed;
  key: string;
  dueMs: number;
  /** Of the file as it was read. */
  stamp: string | undefined;
  failures: number;
  /** Why the last try came to nothing. */
  why: string | undefined;
  /** The last good state. */
  read: ReadDocument | undefined;
  text: string;
  schema: ServiceSchema | undefined;
}

/**
 * Each document is asked for once for each set of endpoints, one at a time, and again from time to time. One that fails is asked for
 * again at the next endpoint, ever more slowly; what was read last stays in force while the rule is there.
 */
export class OpenapiDocuments {
  readonly #options: OpenapiDocumentsOptions;
  readonly #known = new Map<string, Known>();
  #timer: Timer | undefined;
  #isAsking = false;
  #isClosed = false;

  constructor(options: OpenapiDocumentsOptions) {
    this.#options = options;
  }

  /** Other documents are needed, or the same in other places. */
  setNeeds(needs: readonly DocumentNeed[]): void {
    const names = new Set(needs.map(({ name }) => name));
    let isLess = false;
    for (const [name, { schema }] of this.#known) {
      if (names.has(name)) continue;
      this.#known.delete(name);
      isLess ||= schema !== undefined;
    }
    for (const need of needs) this.#take(need);
    if (isLess) this.#tell();
    this.#schedule();
  }

  /** What is wrong with the documents, by rule; `javaMethods` names an interface's methods where metadata knows them. */
  findings(javaMethods: (name: string) => readonly string[] = () => []): readonly Finding[] {
    return [...this.#known.values()].flatMap((known) => findingsOf(known, javaMethods(known.need.name)));
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #take(need: DocumentNeed): void {
    const key = JSON.stringify([need.pairing, need.file, need.endpoints]);
    const nowMs = this.#options.clock.now();
    const known = this.#known.get(need.name);
    if (known === undefined) {
      if (this.#known.size >= MAX_DOCUMENTS) return;
      const fresh = { stamp: undefined, failures: 0, why: undefined, read: undefined, text: "", schema: undefined };
      this.#known.set(need.name, { need, key, dueMs: nowMs, ...fresh });
      return;
    }
    known.need = need;
    if (known.key === key) return;
    known.key = key;
    known.stamp = undefined;
    known.failures = 0;
    known.dueMs = nowMs;
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#isAsking || this.#isClosed) return;
    let next: Known | undefined;
    for (const one of this.#known.values()) {
      const canAsk = one.need.file !== undefined || one.need.endpoints.length > 0;
      if (canAsk && one.dueMs < (next?.dueMs ?? Number.POSITIVE_INFINITY)) next = one;
    }
    if (next === undefined) return;
    const { clock } = this.#options;
    const known = next;
    this.#timer = clock.after(Math.max(0, known.dueMs - clock.now()), () => void this.#ask(known));
  }

  async #ask(known: Known): Promise<void> {
    const { ask, read } = this.#options;
    this.#isAsking = true;
    const { need, key } = known;
    // Another one after each failure.
    const place = need.endpoints[known.failures % Math.max(1, need.endpoints.length)];
    const answer = need.file === undefined ? await ask(place!, need.pairing.path) : await read(need.file, known.stamp);
    this.#isAsking = false;
    if (this.#isClosed) return;
    // Other places, or another pairing, are asked at once; what one said that is still there counts, or changes would have to end first.
    const now = known.need;
    const isThere = now.endpoints.some(({ address, port }) => address === place?.address && port === place.port);
    if (known.key === key) this.#learn(known, answer);
    else if (answer.type === "document" && isThere && now.pairing === need.pairing && now.file === need.file) {
      this.#learn(known, answer);
      known.dueMs = this.#options.clock.now();
    }
    this.#schedule();
  }

  #learn(known: Known, answer: DocumentAnswer): void {
    const { clock, log, onFindings } = this.#options;
    const { need } = known;
    if (answer.type === "same") {
      known.dueMs = clock.now() + FILE_MS;
      return;
    }
    const before = known.why;
    known.why = answer.type === "failed" ? answer.why : this.#read(known, answer.document);
    known.stamp = known.why === undefined || answer.type === "failed" ? answer.stamp : undefined;
    if (known.why === undefined) {
      known.failures = 0;
      known.dueMs = clock.now() + (need.file === undefined ? REFRESH_MS : FILE_MS);
    } else {
      known.dueMs = clock.now() + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(known.failures++, 10));
      if (before === undefined) log.warn("no OpenAPI document", { service: need.name, why: known.why });
    }
    if (known.why !== before) onFindings?.();
  }

  /** Why it cannot be used. */
  #read(known: Known, document: unknown): string | undefined {
    const { need } = known;
    let read: ReadDocument;
    try {
      read = readPublished(document, need.pairing);
    } catch (error) {
      if (error instanceof ProtocolError) return error.message;
      throw error;
    }
    const { methods, types } = read;
    const text = JSON.stringify([methods, types]);
    const others = [...this.#known.values()].reduce((sum, one) => sum + (one === known ? 0 : one.text.length), 0);
    if (others + text.length > MAX_TOTAL_CHARS) return `all documents together are over ${MAX_TOTAL_CHARS} characters`;
    known.read = read;
    if (known.text === text) return undefined;
    known.text = text;
    known.schema = Object.freeze({ name: need.name, published: { methods, types } });
    this.#options.log.info("methods taken up from an OpenAPI document", {
      service: need.name,
      methods: methods.length,
    });
    this.#tell();
    this.#options.onFindings?.();
    return undefined;
  }

  #tell(): void {
    this.#options.onSchemas([...this.#known.values()].flatMap(({ schema }) => (schema === undefined ? [] : [schema])));
  }
}

function findingsOf({ need, why, read }: Known, javaMethods: readonly string[]): Finding[] {
  const findings: Finding[] = [];
  const { name, at } = need;
  if (why !== undefined) {
    const state = read === undefined ? "no published method is known" : "what it said last stays in force";
    findings.push(schemaFinding("TR0320", `the OpenAPI document of ${name} can't be used (${why}); ${state}`, at));
  }
  if (read === undefined) return findings;
  const known = new Set([...need.own, ...read.methods.map((method) => method.name)]);
  const lost = javaMethods.filter((one) => !known.has(one));
  if (read.missing.length > 0)
    findings.push(
      schemaFinding("TR0321", `the OpenAPI document of ${name} has no operation ${shown(read.missing)}`, at),
    );
  if (lost.length > 0)
    findings.push(schemaFinding("TR0321", `no operation of the OpenAPI document is for ${shown(lost)} of ${name}`, at));
  if (read.problems.length > 0)
    findings.push(schemaFinding("TR0322", `operations that no call of ${name} can be: ${shown(read.problems)}`, at));
  if (read.unnamed.length > 0)
    findings.push(
      schemaFinding(
        "TR0323",
        `enums without a class, given to callers of ${name} as texts: ${shown(read.unnamed)}`,
        at,
      ),
    );
  return findings;
}

function shown(names: readonly string[]): string {
  return `${names.slice(0, MAX_NAMED).join(", ")}${names.length > MAX_NAMED ? " and others" : ""}`;
}
