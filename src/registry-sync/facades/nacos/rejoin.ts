import type { Fields } from "../../../codecs/fields.ts";
import { parseBody } from "../../../codecs/nacos/body.ts";
import {
  NO_RIGHT,
  readConnectionSetup,
  readResult,
  readServerCheck,
  request,
  UN_REGISTER,
} from "../../../codecs/nacos/messages.ts";
import { decodePayload, encodePayload, type NacosPayload } from "../../../codecs/nacos/payload.ts";
import { decodeAnswer, type Outcome, type Upstream } from "./upstream.ts";

/** What a client said when it came, and what it has at the server. */
export interface RejoinParts {
  readonly upstream: Upstream;
  /** The client's ConnectionSetupRequest. */
  readonly setup: Buffer;
  readonly streamFields: Fields;
  readonly callFields: Fields;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Its registrations, subscriptions and listenings. */
  readonly messages: readonly Buffer[];
  /** The server took one of `messages`. */
  readonly onTaken: (sent: NacosPayload, answer: NacosPayload) => void;
  readonly onReady: () => void;
  /** It cannot be made here; `isDenied` where the server says that the client may not have what it had. */
  readonly onFailed: (isDenied: boolean) => void;
}

/** Messages that are sent before the first of them is answered. */
const IN_FLIGHT = 32;
/** A server that asks for a setup but announces no acknowledgement is given this long, as nacos-client gives it, ms. */
const SETTLE_MS = 100;
/** As long as clients wait for each step, ms. */
const STEP_MS = 3_000;
/** Times that a server may say it does not know the connection yet. */
const RETRIES = 20;

/** Makes a client's connection again at a server: check, setup, then all that it has there, unseen by the client. */
export class Rejoin {
  readonly #parts: RejoinParts;
  readonly #queue: Buffer[];
  /** Those that the server was not ready for. */
  #later: Buffer[] = [];
  #inFlight = 0;
  #retries = RETRIES;
  #step: "check" | "setup" | "replay" | "over" = "check";
  #dueMs: number;

  constructor(parts: RejoinParts) {
    this.#parts = parts;
    this.#queue = [...parts.messages];
    this.#dueMs = parts.now() + STEP_MS;
    const { headers, clientIp } = decodePayload(parts.setup);
    const check = encodePayload({
      type: "ServerCheckRequest",
      headers,
      clientIp,
      body: JSON.stringify(request("ServerCheckRequest", "internal").body),
    });
    this.#call(check, (outcome) => this.#checked(outcome));
  }

  /** When `tick` is due, ms since 1970. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** The server acknowledged the setup. */
  acknowledged(): void {
    if (this.#step === "setup") this.#replay();
  }

  /** Time has passed. */
  tick(nowMs: number): void {
    if (this.#step === "over" || nowMs < this.#dueMs) return;
    if (this.#step === "setup") this.#replay();
    else if (this.#step === "replay" && this.#later.length > 0 && this.#inFlight === 0) {
      this.#queue.push(...this.#later);
      this.#later = [];
      this.#send();
    } else this.#fail();
  }

  #checked(outcome: Outcome): void {
    if (outcome.type === "failure") {
      this.#fail();
      return;
    }
    const { upstream, setup, streamFields } = this.#parts;
    const answer = parseBody(decodePayload(outcome.message).body);
    if (!readResult(answer).isOk || !upstream.openStream(streamFields)) {
      this.#fail();
      return;
    }
    upstream.send(setup);
    this.#step = "setup";
    const { hasAbilityTable } = readConnectionSetup(parseBody(decodePayload(setup).body));
    this.#dueMs = this.#parts.now() + (readServerCheck(answer).negotiates && hasAbilityTable ? STEP_MS : SETTLE_MS);
  }

  #replay(): void {
    this.#step = "replay";
    this.#send();
  }

  #send(): void {
    this.#dueMs = this.#parts.now() + STEP_MS;
    while (this.#step === "replay" && this.#inFlight < IN_FLIGHT && this.#queue.length > 0) {
      const message = this.#queue.shift()!;
      this.#inFlight++;
      this.#call(message, (outcome) => this.#answered(message, outcome));
    }
    if (this.#step !== "replay" || this.#inFlight > 0 || this.#queue.length > 0) return;
    if (this.#later.length > 0) {
      this.#dueMs = this.#parts.now() + SETTLE_MS;
      return;
    }
    this.#step = "over";
    this.#parts.onReady();
  }

  #answered(message: Buffer, outcome: Outcome): void {
    this.#inFlight--;
    if (this.#step !== "replay") return;
    if (outcome.type === "failure") {
      // What it asked for stands at the server all the same.
      if (outcome.isTooLarge) this.#send();
      else this.#fail();
      return;
    }
    const answer = decodeAnswer(outcome.message);
    const body = parseBody(answer.body);
    const { isOk, errorCode } = readResult(body);
    if (isOk) {
      this.#parts.onTaken(decodePayload(message), answer);
      this.#send();
    } else if (errorCode === UN_REGISTER && --this.#retries > 0) {
      // Its stream's first message is still on its way through the server.
      this.#later.push(message);
      this.#send();
    } else this.#fail(errorCode === NO_RIGHT);
  }

  #call(message: Buffer, done: (outcome: Outcome) => void): void {
    if (this.#parts.upstream.call(message, this.#parts.callFields, done) === undefined) this.#fail();
  }

  #fail(isDenied = false): void {
    if (this.#step === "over") return;
    this.#step = "over";
    this.#parts.onFailed(isDenied);
  }
}
