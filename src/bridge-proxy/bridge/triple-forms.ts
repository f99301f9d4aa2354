import { HEADER_BYTES } from "../../codecs/dubbo2/frame.ts";
import type { RequestHead } from "../../codecs/dubbo2/head.ts";
import type { Fields } from "../../codecs/fields.ts";
import { printTimeout, withTimeout } from "../../codecs/triple/head.ts";
import { ArgumentWalk, hasAt } from "../../codecs/triple/moves.ts";
import { encodeFields } from "../../codecs/triple/protobuf.ts";
import type { ServiceKey } from "../../model/service.ts";

/** Forms that are kept for one service: its methods, times its providers. */
const MAX_FORMS = 32;
/** Heads and attachments over this are not worth keeping. */
const MAX_KEPT_BYTES = 4096;

/** Where a call goes, and how long it may take. */
interface Destination {
  readonly authority: string;
  readonly service: ServiceKey;
  readonly timeoutMs: number;
  readonly token: string;
}

/** The call in Triple's form; see `TripleRequest`. */
interface Translated {
  readonly fields: Fields;
  readonly body: Buffer;
  readonly readsAttachments: boolean;
}

/** What calls from one place in one program have in common: all but their arguments. */
interface TripleForm {
  readonly authority: string;
  readonly token: string;
  /** The frame's body up to the arguments, and behind them. */
  readonly front: Buffer;
  readonly back: Buffer;
  readonly count: number;
  /** The wrapper's fields for the arguments' types. */
  readonly types: Buffer;
  readonly readsAttachments: boolean;
  /** The time-out that `fields` say, as they say it; `""` for none. */
  timeout: string;
  fields: Fields;
}

const forms = new WeakMap<ServiceKey, { readonly list: TripleForm[]; next: number }>();
const walk = new ArgumentWalk();

/**
 * The request frame in Triple's form, where a call with the same head and attachments went to the same provider before: its
 * arguments are moved behind what is known. Undefined where there was none, or the arguments cannot be moved.
 */
export function likeBefore(frame: Buffer, to: Destination): Translated | undefined {
  const kept = forms.get(to.service);
  if (kept === undefined) return undefined;
  const timeout = timeoutText(to.timeoutMs);
  for (const form of kept.list) {
    if (form.authority !== to.authority || form.token !== to.token) continue;
    if ((form.timeout === "") !== (timeout === "") || !hasAt(frame, HEADER_BYTES, form.front)) continue;
    const { front, back, count } = form;
    if (!walk.inBody(frame, HEADER_BYTES + front.length, frame.length, count)) return undefined;
    if (frame.length - walk.end !== back.length || !hasAt(frame, walk.end, back)) continue;
    const body = walk.encodeWrapper(form.types);
    walk.release();
    if (timeout !== form.timeout) {
      form.fields = withTimeout(form.fields, timeout);
      form.timeout = timeout;
    }
    return { fields: form.fields, body, readsAttachments: form.readsAttachments };
  }
  return undefined;
}

/** Keeps what the call had that `head` was scanned from; `textOnly`: all its attachments are texts, so that they need nothing before them. */
export function keepForm(
  head: RequestHead,
  to: Destination,
  request: Omit<Translated, "body">,
  argTypes: readonly string[],
  textOnly: boolean,
): void {
  const { bytes, bodyStart, bodyEnd, argsStart, argumentCount } = head;
  if (!textOnly || !walk.inBody(bytes, argsStart, bodyEnd, argumentCount)) return;
  if (argsStart - bodyStart + bodyEnd - walk.end > MAX_KEPT_BYTES) return;
  const kept = forms.get(to.service) ?? { list: [], next: 0 };
  forms.set(to.service, kept);
  kept.list[kept.next] = {
    authority: to.authority,
    token: to.token,
    front: Buffer.from(bytes.subarray(bodyStart, argsStart)),
    back: Buffer.from(bytes.subarray(walk.end, bodyEnd)),
    count: argumentCount,
    types: encodeFields(argTypes.map((type) => [3, type])),
    readsAttachments: request.readsAttachments,
    timeout: timeoutText(to.timeoutMs),
    fields: request.fields,
  };
  kept.next = (kept.next + 1) % MAX_FORMS;
  walk.release();
}

function timeoutText(timeoutMs: number): string {
  return Number.isFinite(timeoutMs) ? printTimeout(Math.max(1, timeoutMs)) : "";
}
