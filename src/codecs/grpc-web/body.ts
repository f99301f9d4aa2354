/**
 * The content of gRPC-Web calls: trailers as an envelope behind the messages, and base64 for clients that can read text alone.
 *
 * | bytes | meaning |
 * |---|---|
 * | 1 | 80: trailers |
 * | 4 | length, unsigned, big-endian |
 * | length | `name: value\r\n` for each, names in lower case |
 *
 * Reference: gRPC-Web (PROTOCOL-WEB.md of grpc/grpc).
 */
import { CallError } from "../../base/errors.ts";
import type { Fields } from "../fields.ts";
import { encodeEnvelope, FLAG_WEB_TRAILERS } from "../triple/envelope.ts";

/** An answer's trailers as its last envelope. Characters that would begin a line of their own become spaces. */
export function encodeWebTrailers(fields: Fields): Buffer {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!.toLowerCase();
    if (!name.startsWith(":")) text += `${plain(name)}: ${plain(fields[i + 1]!)}\r\n`;
  }
  const lines = Buffer.from(text, "latin1");
  return Buffer.concat([encodeEnvelope(lines.length, FLAG_WEB_TRAILERS), lines]);
}

function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, " ");
}

/** One piece of an answer in base64, padded by itself, so that clients can read it before the next one comes. */
export function encodeWebText(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("base64"), "latin1");
}

const OUTSIDE_ALPHABET = /[^A-Za-z0-9+/=]/;

/** Reads base64 that comes in pieces, cut anywhere and padded anywhere. */
export class WebTextDecoder {
  /** Up to three characters of a group of four. */
  #rest = "";

  /** Characters that were taken and wait for the rest of their group. */
  get waiting(): number {
    return this.#rest.length;
  }

  /** The bytes that `piece` completes. Throws CallError `invalid_argument` for what is no base64; the decoder is of no use after that. */
  push(piece: Buffer): Buffer {
    const text = this.#rest + piece.toString("latin1");
    const whole = text.length - (text.length % 4);
    this.#rest = text.slice(whole);
    if (OUTSIDE_ALPHABET.test(text)) throw notBase64("a character that is none of base64's");
    const parts: Buffer[] = [];
    let from = 0;
    for (let at = text.indexOf("="); at >= 0 && at < whole; at = text.indexOf("=", from)) {
      const end = at - (at % 4) + 4;
      if (at % 4 < 2 || (at % 4 === 2 && text[at + 1] !== "=")) throw notBase64("padding inside a group");
      parts.push(Buffer.from(text.slice(from, end), "base64"));
      from = end;
    }
    if (from < whole) parts.push(Buffer.from(text.slice(from, whole), "base64"));
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** No more comes. Throws CallError `invalid_argument` where a group of four characters is not whole. */
  finish(): void {
    if (this.#rest !== "") throw notBase64(`${this.#rest.length} characters behind the last whole group`);
  }
}

function notBase64(what: string): CallError {
  return new CallError("invalid_argument", "undecodable", `grpc-web text is no base64: ${what}`);
}
