/**
 * Text in header fields. Fields hold one character a byte (latin1), as the HTTP codecs give and take them; Java's peers take them
 * for latin1, others for UTF-8.
 */
import { isUtf8 } from "node:buffer";
import { CallError } from "../../base/errors.ts";

/** Text of a field's value: UTF-8 where its bytes are that, else latin1. */
export function fromField(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value) || /[^\u0000-\u00ff]/.test(value)) return value;
  const bytes = Buffer.from(value, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : value;
}

/**
 * A field's value for a text: latin1 as Java peers read and write it, UTF-8 where it has other characters; spaces at both ends are left
 * out as RFC 9113 section 8.2.1 asks. Throws CallError
 * `invalid_argument` for control characters: `\r\n` would be a header, or a whole message, of its author's making.
 */
export function toField(name: string, text: string): string {
  const bad = /[\u0000-\u0008\u000a-\u001f\u007f]/.exec(text)?.[0];
  if (bad !== undefined) {
    const hex = bad.charCodeAt(0).toString(16).padStart(2, "0");
    const place = JSON.stringify(name.slice(0, 100));
    throw new CallError("invalid_argument", "undecodable", `value of header ${place} has control character 0x${hex}`);
  }
  const trimmed = withoutBlankEnds(text);
  return /[^\u0000-\u00ff]/.test(trimmed) ? Buffer.from(trimmed, "utf8").toString("latin1") : trimmed;
}

/** By hand: an expression for the end would be tried anew from each blank within. */
function withoutBlankEnds(text: string): string {
  const isBlank = (at: number) => text[at] === " " || text[at] === "\t";
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return text.slice(start, end);
}

/** Whether a name is one that HTTP/2 takes: a token in lower case. */
export function isFieldName(name: string): boolean {
  return name.length <= 256 && /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name);
}

/** Bytes as `-bin` fields have them: base64 without padding. */
export function toBinaryField(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64").replace(/=+$/, "");
}

/** Bytes of a `-bin` field, padded or not; undefined for what is no base64. */
export function fromBinaryField(value: string): Buffer | undefined {
  const trimmed = value.replace(/={1,2}$/, "");
  if (trimmed.length % 4 === 1 || !/^[A-Za-z0-9+/]*$/.test(trimmed)) return undefined;
  return Buffer.from(trimmed, "base64");
}

/** Characters of a message that are sent; Java cuts there too. */
export const MAX_MESSAGE_CHARS = 1024;

/**
 * A status message as `grpc-message` has it: percent-encoded UTF-8 of the first {@link MAX_MESSAGE_CHARS} characters. Space and
 * plus are encoded too, since Java reads the field as form data.
 */
export function encodeMessage(text: string): string {
  let cut = text.slice(0, MAX_MESSAGE_CHARS);
  if (cut.length < text.length && /[\ud800-\udbff]$/.test(cut)) cut = cut.slice(0, -1);
  let out = "";
  for (const byte of Buffer.from(cut, "utf8")) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x25 && byte !== 0x2b;
    out += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/** Text of a `grpc-message`; a `%` that starts no code stays, as 3.3's providers send messages without any encoding. */
export function decodeMessage(value: string): string {
  return fromField(
    value.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
}
