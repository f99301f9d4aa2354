import { createHash } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Clock } from "../../../base/clock.ts";
import { ProtocolError, TransientError } from "../../../base/errors.ts";
import { decodeEurekaBody, formatOf } from "../../../codecs/eureka/body.ts";
import type { RawApplication } from "../../../codecs/eureka/document.ts";
import type { PassedRequest } from "./headers.ts";

/** The registry's list, or what it said instead. */
export type ListAnswer =
  | { readonly isList: true; readonly applications: readonly RawApplication[] }
  | { readonly isList: false; readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: Buffer };

/** What {@link RegistryLists} needs. */
export interface ListsOptions {
  /** Passes a request to the registry; its body read whole and decompressed. */
  readonly ask: (request: PassedRequest) => Promise<{ readonly answer: IncomingMessage; readonly body: Buffer }>;
  /** Where the list is: `/eureka/apps`. */
  readonly path: string;
  /** How long one answer serves all who ask with the same credentials, ms. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
}

/** Lists that are kept, and that are asked for at once, each for other credentials or regions: clients may say any, and one may be 100 MB. */
const MAX_ASKERS = 64;
const MAX_PARSED = 4;
/** So long who comes later waits for the answer that is under way, ms: a list of 100,000 instances takes longer than one is kept. */
const UNDER_WAY_MS = 5_000;

interface Asked {
  readonly atMs: number;
  readonly answer: Promise<ListAnswer>;
  isUnderWay: boolean;
}

/** The registry's whole list, asked for with each client's own credentials, once for all that ask at about the same time. */
export class RegistryLists {
  readonly #options: ListsOptions;
  readonly #asked = new Map<string, Asked>();
  #underWay = 0;
  /** By a hash of the body: an answer that did not change is not parsed again. */
  readonly #parsed = new Map<string, readonly RawApplication[]>();

  constructor(options: ListsOptions) {
    this.#options = options;
  }

  /** How many answers are kept, or under way. */
  get size(): number {
    return this.#asked.size;
  }

  /** Throws `TransientError` when no server answers or too many are asked, `ProtocolError` when the answer cannot be read. */
  get(authorization: string | undefined, regions: string): Promise<ListAnswer> {
    const nowMs = this.#options.clock.now();
    this.#forget(nowMs);
    const key = JSON.stringify([authorization ?? "", regions]);
    const known = this.#asked.get(key);
    if (known !== undefined) return known.answer;
    if (this.#underWay >= MAX_ASKERS)
      return Promise.reject(new TransientError(`over ${MAX_ASKERS} lists are asked for at once`));
    this.#underWay++;
    const asked: Asked = { atMs: nowMs, answer: this.#ask(authorization, regions), isUnderWay: true };
    this.#asked.set(key, asked);
    for (const old of this.#asked.keys()) {
      if (this.#asked.size <= MAX_ASKERS) break;
      this.#asked.delete(old);
    }
    const ended = (isList: boolean) => {
      this.#underWay--;
      asked.isUnderWay = false;
      if (!isList && this.#asked.get(key) === asked) this.#asked.delete(key);
    };
    asked.answer.then(
      () => ended(true),
      () => ended(false),
    );
    return asked.answer;
  }

  /** Lets go of answers that serve nobody any more: each holds a whole list. */
  #forget(nowMs: number): void {
    const { maxAgeMs } = this.#options;
    for (const [key, { atMs, isUnderWay }] of this.#asked) {
      if (Math.abs(nowMs - atMs) >= (isUnderWay ? Math.max(UNDER_WAY_MS, maxAgeMs) : maxAgeMs)) this.#asked.delete(key);
    }
  }

  async #ask(authorization: string | undefined, regions: string): Promise<ListAnswer> {
    const { ask, path } = this.#options;
    const { answer, body } = await ask({
      method: "GET",
      path: regions === "" ? path : `${path}?regions=${encodeURIComponent(regions)}`,
      headers: {
        accept: "application/json",
        "accept-encoding": "gzip",
        ...(authorization !== undefined && { authorization }),
      },
      body: Buffer.alloc(0),
    });
    const status = answer.statusCode ?? 0;
    const type = answer.headers["content-type"];
    if (status !== 200) {
      const { "www-authenticate": challenge } = answer.headers;
      const headers = {
        ...(type !== undefined && { "content-type": type }),
        ...(challenge && { "www-authenticate": challenge }),
      };
      return { isList: false, status, headers, body };
    }
    return { isList: true, applications: this.#parse(body, type) };
  }

  #parse(body: Buffer, type: string | undefined): readonly RawApplication[] {
    const hash = createHash("sha1").update(body).digest("base64");
    const known = this.#parsed.get(hash);
    if (known !== undefined) return known;
    const document = decodeEurekaBody(body, formatOf(type));
    if (document.kind !== "applications") throw new ProtocolError("eureka", `eureka list is one ${document.kind}`);
    this.#parsed.set(hash, document.applications);
    for (const old of this.#parsed.keys()) {
      if (this.#parsed.size <= MAX_PARSED) break;
      this.#parsed.delete(old);
    }
    return document.applications;
  }
}
