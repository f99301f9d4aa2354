/** Lists of revoked certificates (CRL, RFC 5280 section 5), version 2, with a number and the issuer's key id. */
import { sign } from "node:crypto";
import type { Issuer } from "./certificate.ts";
import { contextTag, DerReader, der, oid, sequence, TAG, time, unsigned } from "./der.ts";
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

/** Whom a list is of, and what it revokes: in lower-case hex, numbers without bytes of zero in front. */
export interface RevocationsRead {
  /** The issuer's Name in DER. */
  readonly issuer: string;
  readonly serials: ReadonlySet<string>;
}

/** Reads a list's issuer and serial numbers; its signature and its times are not looked at. Throws a `ProtocolError` for what is no list. */
export function decodeRevocationList(bytes: Uint8Array): RevocationsRead {
  const list = new DerReader(bytes).enter().enter();
  list.readIf(TAG.integer);
  list.read(TAG.sequence);
  const issuer = hex(list.read(TAG.sequence).whole);
  const serials = new Set<string>();
  for (const tag of [TAG.utcTime, TAG.generalizedTime, TAG.utcTime, TAG.generalizedTime]) list.readIf(tag);
  const entries = list.tag === TAG.sequence ? list.enter() : undefined;
  while (entries?.atEnd === false) serials.add(number(entries.enter().read(TAG.integer).contents));
  return { issuer, serials };
}

/** A certificate's issuer and serial number, as lists name them. Throws a `ProtocolError` for what is no certificate. */
export function readSerial(certificate: Uint8Array): { readonly issuer: string; readonly serial: string } {
  const fields = new DerReader(certificate).enter().enter();
  fields.readIf(contextTag(0));
  const serial = number(fields.read(TAG.integer).contents);
  fields.read(TAG.sequence);
  return { issuer: hex(fields.read(TAG.sequence).whole), serial };
}

function number(contents: Uint8Array): string {
  return hex(contents).replace(/^(00)+(?=.)/, "");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
