import { ConfigError } from "../../base/errors.ts";
import { printPem } from "../../codecs/x509/pem.ts";
import { encodeRevocationList } from "../../codecs/x509/revocation.ts";
import type { Authority } from "./authority.ts";

/** Most serial numbers that are read. */
export const MAX_REVOKED = 100_000;

/**
 * Reads serial numbers, one a line in hex as `openssl x509 -serial` prints them, colons and `serial=` or not; what stands behind `#` is a
 * note. Throws a `ConfigError` that names the line.
 */
export function parseRevoked(text: string): readonly string[] {
  const serials = new Set<string>();
  text.split(/\r?\n/).forEach((line, i) => {
    const plain = line.replace(/#.*/, "").trim().toLowerCase();
    if (plain === "") return;
    const serial = plain
      .replace(/^serial=/, "")
      .replaceAll(":", "")
      .replace(/^0+(?=.)/, "");
    if (!/^[0-9a-f]{1,40}$/.test(serial))
      throw new ConfigError("ca.revoked", `line ${i + 1} is no serial number in hex`);
    serials.add(serial);
    if (serials.size > MAX_REVOKED) throw new ConfigError("ca.revoked", `over ${MAX_REVOKED} serial numbers`);
  });
  return [...serials];
}

/** How long a list is taken by those who check it: past the end of every leaf, so that none ends for want of a newer list. */
const LIST_VALIDITY_MS = 100 * 86_400_000;

/** An authority's list of revoked serial numbers as PEM, followed by the lists of those above it that its files brought. */
export function printRevocations(authority: Authority, serials: readonly string[], nowMs: number): string {
  const list = encodeRevocationList(
    {
      serials: serials.map((serial) => Buffer.from(serial.padStart(serial.length + (serial.length % 2), "0"), "hex")),
      number: Math.floor(nowMs / 1_000),
      thisUpdateMs: nowMs - 120_000,
      nextUpdateMs: nowMs + LIST_VALIDITY_MS,
    },
    authority.issuer,
  );
  return printPem("X509 CRL", list) + authority.revocations;
}
