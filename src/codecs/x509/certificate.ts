/**
 * X.509 certificates (RFC 5280 section 4), as a mesh uses them: version 3, with the extensions below.
 *
 * | extension | authority | leaf |
 * |---|---|---|
 * | basicConstraints (critical) | CA, with a path length where one is given | no CA |
 * | keyUsage (critical) | keyCertSign, cRLSign | digitalSignature, keyEncipherment |
 * | extKeyUsage | none | serverAuth, clientAuth |
 * | subjectAltName | none | critical where the subject is empty |
 * | subjectKeyIdentifier, authorityKeyIdentifier | both | both |
 */
import { type KeyObject, sign } from "node:crypto";
import { ProtocolError } from "../../base/errors.ts";
import { contextTag, DerReader, der, oid, printOid, sequence, TAG, TRUE, time, unsigned } from "./der.ts";
import { type AltNames, decodeAltNames, encodeAltNames, keyIdOf, signedSequence, signingAlgorithm } from "./names.ts";

/** Largest certificate that is read, bytes. */
export const MAX_CERTIFICATE_BYTES = 64 * 1024;
const MAX_EXTENSIONS = 100;

/** Who signs: an authority's name as its own certificate has it, its private key and that key's id. */
export interface Issuer {
  /** A Name's DER. */
  readonly name: Uint8Array;
  readonly key: KeyObject;
  readonly keyId: Uint8Array;
}

/** What a certificate says; the issuer is said apart. */
export interface CertificateFields {
  /** 1 to 20 bytes, read as a number that is not negative. */
  readonly serial: Uint8Array;
  /** A Name's DER. */
  readonly subject: Uint8Array;
  /** A SubjectPublicKeyInfo's DER. */
  readonly publicKey: Uint8Array;
  /** ms since 1970; the part of a second is cut off. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly altNames?: AltNames;
  /** Set for a certificate that may sign others. */
  readonly authority?: { readonly pathLength?: number };
}

/** Encodes and signs a certificate. */
export function encodeCertificate(fields: CertificateFields, issuer: Issuer): Buffer {
  const { hash, identifier } = signingAlgorithm(issuer.key);
  const toSign = sequence(
    der(contextTag(0), unsigned(Buffer.from([2]))),
    unsigned(fields.serial),
    identifier,
    issuer.name,
    sequence(time(fields.notBeforeMs), time(fields.notAfterMs)),
    fields.subject,
    fields.publicKey,
    der(contextTag(3), sequence(...encodeExtensions(fields, issuer))),
  );
  return signedSequence(toSign, identifier, sign(hash, toSign, issuer.key));
}

function encodeExtensions({ authority, altNames, publicKey, subject }: CertificateFields, issuer: Issuer): Buffer[] {
  const one = (id: string, critical: boolean, value: Uint8Array) =>
    sequence(oid(id), ...(critical ? [TRUE] : []), der(TAG.octetString, value));
  const { pathLength } = authority ?? {};
  const constraints =
    authority === undefined
      ? sequence()
      : sequence(TRUE, ...(pathLength === undefined ? [] : [unsigned(Buffer.from([pathLength]))]));
  // Bits from the left, the count of unused ones first: keyCertSign and cRLSign are 5 and 6, the leaf's two are 0 and 2.
  const usage = der(TAG.bitString, authority === undefined ? Buffer.from([5, 0xa0]) : Buffer.from([1, 0x06]));
  const extensions = [one("2.5.29.15", true, usage)];
  if (authority === undefined)
    extensions.push(one("2.5.29.37", false, sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"))));
  extensions.push(one("2.5.29.19", true, constraints));
  extensions.push(one("2.5.29.14", false, der(TAG.octetString, keyIdOf(publicKey))));
  extensions.push(one("2.5.29.35", false, sequence(der(contextTag(0, false), issuer.keyId))));
  const isNameless = subject.length === 2;
  if (altNames !== undefined) extensions.push(one("2.5.29.17", isNameless, encodeAltNames(altNames)));
  return extensions;
}

/** What is read of a certificate. Nothing here says that its signature is right: TLS or the caller checks that. */
export interface Certificate {
  /** Lower-case hex, without leading zeros. */
  readonly serial: string;
  /** Names' DER. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** SubjectPublicKeyInfo's DER. */
  readonly publicKey: Uint8Array;
  /** ms since 1970. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly altNames: Required<AltNames>;
  readonly isAuthority: boolean;
  /** Its own key's id, as it says it or worked out. */
  readonly keyId: Uint8Array;
}

/** Reads a certificate's DER. Throws a `ProtocolError` for what is none. */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  if (bytes.length > MAX_CERTIFICATE_BYTES)
    throw fault(`certificate of ${bytes.length} bytes is over ${MAX_CERTIFICATE_BYTES}`);
  const top = new DerReader(bytes);
  const signed = top.enter().enter();
  top.end();
  signed.readIf(contextTag(0));
  const serial = printSerial(signed.read(TAG.integer).contents);
  signed.read(TAG.sequence);
  const issuer = signed.read(TAG.sequence).whole;
  const validity = signed.enter();
  const notBeforeMs = readTime(validity);
  const notAfterMs = readTime(validity);
  const subject = signed.read(TAG.sequence).whole;
  const publicKey = signed.read(TAG.sequence).whole;
  const extensions = readExtensions(signed);
  const altNames = extensions.get("2.5.29.17");
  const constraints = extensions.get("2.5.29.19");
  const keyId = extensions.get("2.5.29.14");
  return {
    serial,
    issuer,
    subject,
    publicKey,
    notBeforeMs,
    notAfterMs,
    altNames: altNames === undefined ? { uris: [], dns: [], ips: [] } : decodeAltNames(altNames),
    isAuthority: constraints !== undefined && readIsAuthority(constraints),
    keyId: keyId === undefined ? keyIdOf(publicKey) : new DerReader(keyId).read(TAG.octetString).contents,
  };
}

function readExtensions(signed: DerReader): Map<string, Uint8Array> {
  const extensions = new Map<string, Uint8Array>();
  signed.readIf(contextTag(1, false));
  signed.readIf(contextTag(2, false));
  const field = signed.readIf(contextTag(3));
  if (field === undefined) return extensions;
  const list = new DerReader(field.contents).enter();
  while (!list.atEnd) {
    if (extensions.size >= MAX_EXTENSIONS) throw fault(`certificate has over ${MAX_EXTENSIONS} extensions`);
    const one = list.enter();
    const id = printOid(one.read(TAG.oid).contents);
    one.readIf(TAG.boolean);
    if (extensions.has(id)) throw fault(`certificate has extension ${id} twice`);
    extensions.set(id, one.read(TAG.octetString).contents);
  }
  return extensions;
}

function readIsAuthority(bytes: Uint8Array): boolean {
  const flag = new DerReader(bytes).enter().readIf(TAG.boolean);
  return flag !== undefined && flag.contents[0] !== 0;
}

/** A serial number's contents as {@link Certificate} has it. */
export function printSerial(contents: Uint8Array): string {
  if (contents.length === 0 || contents.length > 32)
    throw fault(`certificate has a serial number of ${contents.length} bytes`);
  return Buffer.from(contents)
    .toString("hex")
    .replace(/^0+(?=.)/, "");
}

function readTime(reader: DerReader): number {
  const { tag, contents } = reader.read();
  const text = Buffer.from(contents).toString("latin1");
  const long = tag === TAG.utcTime ? `${Number(text.slice(0, 2)) >= 50 ? "19" : "20"}${text}` : text;
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(long);
  if ((tag !== TAG.utcTime && tag !== TAG.generalizedTime) || parts === null)
    throw fault("certificate has no such time");
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [number, ...number[]];
  return Date.UTC(year, month! - 1, day, hour, minute, second);
}

function fault(message: string): ProtocolError {
  return new ProtocolError("x509", message);
}
