/**
 * Changes the attachments of an answer under status 20 where it stands; see body.ts for its kinds and attachment-plan.ts for the map.
 *
 * | serialization | body |
 * |---|---|
 * | hessian2 | the kind as an int, the value (not of kinds 2 and 5), the map of kinds 3 to 5 |
 * | fastjson2 | the same, each behind its length in four bytes; the kind is `bd0X` |
 *
 * Kinds 0 to 2 have no attachments: they become 3 to 5, which a caller reads whose protocol version says so.
 * Reference: DecodeableRpcResult of Apache Dubbo 2.6 to 3.3.
 */
import { ProtocolError } from "../../base/errors.ts";
import { decodeFastjson2 } from "../fastjson2/reader.ts";
import { encodeFastjson2 } from "../fastjson2/writer.ts";
import { Skipper } from "../hessian2/skip.ts";
import { type MapValue, mapValue } from "../value.ts";
import { type AttachmentEdits, AttachmentPlan } from "./attachment-plan.ts";
import { Attachments } from "./attachments.ts";
import { responseKind } from "./body.ts";
import { FASTJSON2, HEADER_BYTES, serializationId, writeBodyLength } from "./frame.ts";
import { asDubbo2 } from "./head.ts";

/** Changes to an answer's attachments, in turn. */
export type AnswerEdits = Pick<AttachmentEdits, "set" | "add" | "remove">;

const FIRST_WITH_ATTACHMENTS = 3;
const LENGTH_BYTES = 4;

/**
 * A new frame with the edits made; the answer `bytes[start, end)` stays as it is. `takesAttachments`: its caller reads them where it has none so far. Undefined
 * for an answer that cannot have them: an error, another serialization, a caller that reads none. Throws `ProtocolError("dubbo2", ...)` for a
 * body that is malformed.
 */
export function editAnswer(
  bytes: Buffer,
  start: number,
  end: number,
  edits: readonly AnswerEdits[],
  takesAttachments: boolean,
): Buffer | undefined {
  const kind = responseKind(bytes, start, end);
  if (kind < 0 || (kind < FIRST_WITH_ATTACHMENTS && !takesAttachments)) return undefined;
  try {
    const pieces =
      serializationId(bytes, start) === FASTJSON2
        ? editFastjson2(bytes.subarray(start + HEADER_BYTES, end), kind, edits)
        : editHessian2(bytes, start + HEADER_BYTES, end, kind, edits);
    const frame = Buffer.concat([bytes.subarray(start, start + HEADER_BYTES), ...pieces]);
    writeBodyLength(frame, 0, frame.length - HEADER_BYTES);
    return frame;
  } catch (error) {
    throw asDubbo2(error);
  }
}

function editHessian2(bytes: Buffer, from: number, end: number, kind: number, edits: readonly AnswerEdits[]): Buffer[] {
  const skipper = new Skipper().reset(bytes, from + 1, end);
  if (kind % 3 !== 2) skipper.skipValues(1);
  const hasMap = kind >= FIRST_WITH_ATTACHMENTS;
  const valueEnd = skipper.offset;
  const map = new Attachments();
  // What stands behind a value without attachments is no map: dubbo-go writes a null there.
  map.load(hasMap ? skipper : new Skipper().reset(bytes, valueEnd, valueEnd), bytes, hasMap ? end : valueEnd);
  const plan = new AttachmentPlan(bytes, map, hasMap ? end : valueEnd);
  for (const one of edits) plan.make(one);
  const pieces = [
    Buffer.of(0x90 + (hasMap ? kind : kind + FIRST_WITH_ATTACHMENTS)),
    bytes.subarray(from + 1, valueEnd),
  ];
  plan.write(pieces);
  return pieces;
}

function editFastjson2(body: Buffer, kind: number, edits: readonly AnswerEdits[]): Buffer[] {
  const kindEnd = pieceEnd(body, 0);
  const valueEnd = kind % 3 === 2 ? kindEnd : pieceEnd(body, kindEnd);
  const texts = new Map<string, unknown>();
  if (kind >= FIRST_WITH_ATTACHMENTS) {
    const map = decodeFastjson2(body.subarray(valueEnd + LENGTH_BYTES, pieceEnd(body, valueEnd)));
    for (const [name, value] of (map as MapValue).entries) texts.set(String(name), value);
  }
  for (const one of edits) change(texts, one);
  const map = encodeFastjson2(mapValue([...texts] as never));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(map.length);
  const head = Buffer.from(body.subarray(0, kindEnd));
  head[LENGTH_BYTES + 1] = kind >= FIRST_WITH_ATTACHMENTS ? kind : kind + FIRST_WITH_ATTACHMENTS;
  return [head, body.subarray(kindEnd, valueEnd), length, map];
}

function pieceEnd(body: Buffer, at: number): number {
  const end = at + LENGTH_BYTES <= body.length ? at + LENGTH_BYTES + body.readUInt32BE(at) : body.length + 1;
  if (end > body.length) throw new ProtocolError("dubbo2", "answer in fastjson2 is cut off", at);
  return end;
}

function change(texts: Map<string, unknown>, { set = [], add = [], remove = [] }: AnswerEdits): void {
  const spelled = (name: string) => [...texts.keys()].find((key) => key.toLowerCase() === name.toLowerCase());
  for (const name of remove) {
    for (let key = spelled(name); key !== undefined; key = spelled(name)) texts.delete(key);
  }
  for (const [name, value] of set) texts.set(spelled(name) ?? name, value);
  for (const [name, value] of add) {
    const key = spelled(name);
    texts.set(key ?? name, key === undefined ? value : `${texts.get(key)},${value}`);
  }
}
