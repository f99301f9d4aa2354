import type { CallReason } from "../../base/errors.ts";
import { DEADLINE_CALLER } from "../call-table.ts";
import type { ProxyContext, TryOwner } from "../context.ts";
import type { CallerWatch, EndsWithCaller } from "../dubbo/caller-watch.ts";
import { requestHttp, type WholeAnswer, type WholeAnswerListener } from "../http/request.ts";
import type { TryDeadline } from "../policies/try-deadline.ts";
import type { HttpEndpoint } from "../upstream/endpoint.ts";
import { faultOf, type TranslatedRestCall, toDubboRestAnswer } from "./to-rest.ts";

/** What a Dubbo2 call's try at a REST provider is made from. */
export interface RestTryParts extends TryDeadline {
  /** The Dubbo2 call: it gets a Dubbo2 answer, or is told why there is none. */
  readonly owner: TryOwner;
  readonly endpoint: HttpEndpoint;
  readonly call: TranslatedRestCall;
  readonly idHigh: number;
  readonly idLow: number;
  /** Where it hears that its caller is gone; undefined for calls that go on all the same. */
  readonly watch: CallerWatch | undefined;
}

const NO_BYTES = Buffer.alloc(0);

/** Makes one try of a Dubbo2 call at a REST provider. The returned function gives it up, after which its owner hears nothing. */
export function tryRest(context: ProxyContext, parts: RestTryParts): () => void {
  const { endpoint, call, deadlineMs } = parts;
  const { verb, target, fields, body = NO_BYTES } = call.request;
  const { address, port } = endpoint.host;
  const request = {
    method: verb,
    path: target,
    fields: [["host", hostField(address, port)] as const, ...fields],
    body,
    deadlineMs,
    maxAnswerBytes: context.limits.maxSkipBytes,
  };
  const tried = new RestTry(parts);
  parts.watch?.add(tried);
  tried.giveUp = requestHttp(context, endpoint, request, tried);
  return tried.giveUp;
}

function hostField(address: string, port: number): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return port === 80 ? host : `${host}:${port}`;
}

class RestTry implements WholeAnswerListener, EndsWithCaller {
  place = -1;
  /** Ends the request, while it is under way. */
  giveUp = () => {};
  readonly #parts: RestTryParts;

  constructor(parts: RestTryParts) {
    this.#parts = parts;
  }

  onAnswer({ status, fields: lines, body }: WholeAnswer): void {
    const { owner, idHigh, idLow, call, watch } = this.#parts;
    watch?.remove(this);
    const fields: string[] = [];
    for (let i = 0; i < lines.count; i++) fields.push(lines.name(i).toLowerCase(), lines.value(i));
    const contentType = lines.get("content-type") ?? "";
    const contentEncoding = lines.get("content-encoding") ?? "";
    let frame: Buffer;
    try {
      frame = toDubboRestAnswer(idHigh, idLow, call, { status, contentType, contentEncoding, body, fields });
    } catch (error) {
      const fault = faultOf(error);
      if (fault === undefined) throw error;
      owner.failed("undecodable", `the provider's answer cannot be translated: ${fault.message}`);
      return;
    }
    owner.answered(frame, 0, frame.length);
  }

  onFailed(reason: CallReason, message: string): void {
    const { owner, deadlineKind, watch } = this.#parts;
    watch?.remove(this);
    if (reason === "timeout" && deadlineKind === DEADLINE_CALLER) owner.abandoned();
    else owner.failed(reason, message);
  }

  /** Nobody waits for the answer: the request is given up. */
  onCallerGone(): void {
    this.giveUp();
    this.#parts.owner.abandoned();
  }

  hasOther(): boolean {
    return this.#parts.owner.hasOther();
  }
}
