import { CallError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";
import {
  CONNECTION,
  EXPECT,
  type FieldLines,
  HOP,
  HOST,
  TRANSFER_ENCODING,
  UPGRADE,
} from "../../codecs/http1/fields.ts";
import type { RequestHead } from "../../codecs/http1/head.ts";
import type { Field } from "../../codecs/http1/output.ts";
import type { Http1Server } from "../../codecs/http1/server.ts";
import { ERROR } from "../../codecs/http2/frame.ts";
import type { CallerStream } from "./caller-stream.ts";

/** What a stream of HTTP/1.1 needs of its connection. */
export interface Http1StreamOwner {
  readonly machine: Http1Server;
  /** Bytes of answers that the caller has not taken. */
  readonly backlogBytes: number;
  /** Every further answer is the connection's last one. */
  readonly isLeaving: boolean;
  /** Has output written at the end of the turn. */
  wake(): void;
  /** Content of the request has been used. */
  released(bytes: number): void;
  /** The answer is complete, or given up. */
  onAnswered(): void;
}

/** From this much on content of an answer counts as queued. */
const QUEUE_BYTES = 256 * 1024;
/** Lines about the connection, which end at this hop; Host is the authority. */
const DROPPED: ReadonlySet<number> = new Set([TRANSFER_ENCODING, CONNECTION, UPGRADE, EXPECT, HOP, HOST]);

/** A request's head with the pseudo fields of HTTP/2, so that calls are seen alike: an authority in its target counts before Host. */
export function fieldsOf(head: RequestHead, scheme = "http"): Fields {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(head.target);
  const host = absolute?.[1] ?? head.fields.get("host") ?? "";
  const target = absolute?.[2] ?? head.target;
  const path = absolute === null || target.startsWith("/") ? target : `/${target}`;
  const fields = [":method", head.method, ":scheme", scheme, ":authority", host, ":path", path];
  for (let i = 0; i < head.fields.count; i++) {
    if (DROPPED.has(head.fields.kind(i))) continue;
    const name = head.fields.name(i).toLowerCase();
    if (!head.nominated.includes(name)) fields.push(name, head.fields.value(i));
  }
  return fields;
}

/** A request's trailers as HTTP/2 has them; those about framing and the connection are for whoever takes them to leave out. */
export function trailersOf(lines: FieldLines): Fields {
  return Array.from({ length: lines.count }, (_, i) => [lines.name(i).toLowerCase(), lines.value(i)]).flat();
}

/** One exchange on an HTTP/1.1 connection, as the caller's side of a call. */
export class Http1CallerStream implements CallerStream {
  requestEnded = false;
  readonly #owner: Http1StreamOwner;
  readonly #id: number;
  #answered = false;

  constructor(owner: Http1StreamOwner, id: number) {
    this.#owner = owner;
    this.#id = id;
  }

  get closed(): boolean {
    return this.#answered && this.requestEnded;
  }

  get queuedBytes(): number {
    const bytes = this.#owner.backlogBytes;
    return bytes > QUEUE_BYTES ? bytes : 0;
  }

  head(fields: Fields, end: boolean): void {
    const length = end ? 0 : lengthOf(fields);
    const status = Number(fieldValue(fields, ":status"));
    this.#send(() => {
      const head = {
        type: "head",
        id: this.#id,
        status,
        fields: lines(fields),
        length,
        close: this.#owner.isLeaving,
        // A tunnel from here on.
        upgrade: status === 101 ? fieldValue(fields, "upgrade") : undefined,
      } as const;
      this.#owner.machine.send(head, 0);
      if (end) this.#end(undefined);
    });
  }

  data(bytes: Buffer, end: boolean): number {
    this.#send(() => {
      if (bytes.length > 0) this.#owner.machine.send({ type: "data", id: this.#id, bytes }, 0);
      if (end) this.#end(undefined);
    });
    return this.queuedBytes;
  }

  trailers(fields: Fields): void {
    this.#send(() => this.#end(lines(fields)));
  }

  release(bytes: number): void {
    this.#owner.released(bytes);
  }

  interim(fields: Fields): void {
    const status = Number(fieldValue(fields, ":status"));
    this.#send(() => {
      if (status === 100) this.#owner.machine.sendContinue(this.#id);
      else this.#owner.machine.send({ type: "head", id: this.#id, status, fields: lines(fields) }, 0);
    });
  }

  reset(_code: number): void {
    this.#owner.machine.send({ type: "abort", id: this.#id }, 0);
    this.#owner.wake();
    if (this.#answered) return;
    this.#answered = true;
    this.#owner.onAnswered();
  }

  #end(trailers: readonly Field[] | undefined): void {
    this.#owner.machine.send({ type: "end", id: this.#id, trailers }, 0);
    this.#answered = true;
    this.#owner.onAnswered();
  }

  /** A callee's answer that HTTP/1.1 has no form for (a control character, more content than announced) ends the exchange. */
  #send(work: () => void): void {
    if (this.#answered) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.reset(ERROR.internal);
    }
    this.#owner.wake();
  }
}

function lines(fields: Fields): Field[] {
  const found: Field[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    if (!fields[i]!.startsWith(":")) found.push([fields[i]!, fields[i + 1]!]);
  }
  return found;
}

function lengthOf(fields: Fields): number | undefined {
  const text = fieldValue(fields, "content-length");
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
