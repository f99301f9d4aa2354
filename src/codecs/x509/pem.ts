/** PEM (RFC 7468): base64 between two lines that name what it is. */
import { ProtocolError } from "../../base/errors.ts";

/** What stands between the dashes of the PEM texts that are used here. */
export type PemLabel = "CERTIFICATE" | "CERTIFICATE REQUEST" | "PRIVATE KEY" | "X509 CRL";

/** Longest PEM text that is read, characters. */
export const MAX_PEM_CHARACTERS = 256 * 1024;

/** Prints DER bytes as PEM, 64 characters a line, a line break at the end. */
export function printPem(label: PemLabel, bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("base64");
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += 64) lines.push(text.slice(at, at + 64));
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The DER bytes of every block of that label, in order; other text is passed over. Throws a `ProtocolError` for what is cut off or no base64. */
export function parsePem(label: PemLabel, text: string): Buffer[] {
  if (text.length > MAX_PEM_CHARACTERS)
    throw fault(`pem text of ${text.length} characters is over ${MAX_PEM_CHARACTERS}`);
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const blocks: Buffer[] = [];
  let at = text.indexOf(begin);
  while (at >= 0) {
    const from = at + begin.length;
    const to = text.indexOf(end, from);
    if (to < 0) throw fault(`pem block ${label} has no end`);
    const body = text.slice(from, to).replace(/\s+/g, "");
    if (body === "" || body.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(body))
      throw fault(`pem block ${label} is not base64`);
    blocks.push(Buffer.from(body, "base64"));
    at = text.indexOf(begin, to + end.length);
  }
  return blocks;
}

function fault(message: string): ProtocolError {
  return new ProtocolError("x509", message);
}
