import type { CallReason } from "../../base/errors.ts";
import { encodeExceptionAnswer, encodeStatusAnswer } from "../../codecs/dubbo2/answer.ts";
import { SERIALIZATION_MASK } from "../../codecs/dubbo2/frame.ts";
import { OK, type OwnAnswer, ownAnswer } from "../../codecs/dubbo2/status.ts";
import type { CallerPort } from "../context.ts";

/** Who is answered: the caller, with the id and the serialization of its request. */
export interface Addressee {
  readonly caller: CallerPort;
  readonly idHigh: number;
  readonly idLow: number;
  readonly serialization: number;
}

/** Whom to answer the request whose frame begins at `bytes[start]`. */
export function addresseeOf(caller: CallerPort, bytes: Buffer, start: number): Addressee {
  return {
    caller,
    idHigh: bytes.readInt32BE(start + 4),
    idLow: bytes.readInt32BE(start + 8),
    serialization: bytes[start + 2]! & SERIALIZATION_MASK,
  };
}

/** Tells a caller why its call did not go on. */
export function answerReason(to: Addressee, reason: CallReason, message: string): void {
  answerWith(to, ownAnswer(reason), message);
}

/** Sends one of Trestle's own answers: under status 20 an exception, which consumers do not send again, else a text. */
export function answerWith(to: Addressee, answer: OwnAnswer, message: string): void {
  const text = `trestle: ${message}`;
  to.caller.answer(
    answer.status === OK
      ? encodeExceptionAnswer(to.idHigh, to.idLow, to.serialization, text)
      : encodeStatusAnswer(to.idHigh, to.idLow, to.serialization, answer.status, text),
  );
}
