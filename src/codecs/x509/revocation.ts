/** Lists of revoked certificates (CRL, RFC 5280 section 5), version 2, with a number and the issuer's key id. */
import { sign } from "node:crypto";
import type { Issuer } from "./certificate.ts";
import { contextTag, der, oid, sequence, TAG, time, unsigned } from "./der.ts";
import { signedSequence, signingAlgorithm } from "./names.ts";

/** What a list says. */
export interface RevocationFields {
  /** Serial numbers, each big-endian, 1 to 20 bytes. */
  readonly serials: readonly Uint8Array[];
  /** Grows from list to list of one issuer. */
  readonly number: number;
  /** ms since 1970; also taken as the time of each revocation. */
  readonly thisUpdateMs: number;
  /** A list that is older than this is refused by those that check it. */
  readonly nextUpdateMs: number;
}

/** Encodes and signs a list. */
export function encodeRevocationList(fields: RevocationFields, issuer: Issuer): Buffer {
  const { hash, identifier } = signingAlgorithm(issuer.key);
  const { serials, number, thisUpdateMs, nextUpdateMs } = fields;
  const since = time(thisUpdateMs);
  const numberBytes = Buffer.alloc(8);
  numberBytes.writeBigUInt64BE(BigInt(number));
  const extensions = sequence(
    sequence(oid("2.5.29.35"), der(TAG.octetString, sequence(der(contextTag(0, false), issuer.keyId)))),
    sequence(oid("2.5.29.20"), der(TAG.octetString, unsigned(numberBytes))),
  );
  const toSign = sequence(
    unsigned(Buffer.from([1])),
    identifier,
    issuer.name,
    since,
    time(nextUpdateMs),
    // An empty list of entries must be left out, not written empty (5.1.2.6).
    ...(serials.length === 0 ? [] : [sequence(...serials.map((serial) => sequence(unsigned(serial), since)))]),
    der(contextTag(0), extensions),
  );
  return signedSequence(toSign, identifier, sign(hash, toSign, issuer.key));
}
