/**
 * Requests for certificates (PKCS #10, RFC 2986): `SEQUENCE { info { version, subject, key, [0] attributes }, algorithm, signature }`.
 *
 * Only the key of a request is used: what name a certificate gets is never the requester's to say.
 */
import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { ProtocolError } from "../../base/errors.ts";
import { contextTag, DerReader, der, oid, sequence, TAG, unsigned, wholeBits } from "./der.ts";
import {
  type AltNames,
  encodeAltNames,
  encodeName,
  signatureAlgorithm,
  signedSequence,
  signingAlgorithm,
} from "./names.ts";

/** Largest request that is read, bytes of DER. */
export const MAX_REQUEST_BYTES = 16 * 1024;

/** A request whose signature is right, so that the requester has the key. */
export interface CertificateRequest {
  /** SubjectPublicKeyInfo's DER. */
  readonly publicKey: Uint8Array;
  readonly keyType: "rsa" | "ec";
}

/**
 * Reads a request and checks that it is signed by the key in it. Throws a `ProtocolError` that names no text of the request:
 * some clients put their token there. RSA keys have 2,048 to 4,096 bits and a public exponent of at most 32, elliptic ones are
 * of P-256 or P-384; signatures are made with SHA-256, 384 or 512.
 */
export function decodeRequest(bytes: Uint8Array): CertificateRequest {
  if (bytes.length > MAX_REQUEST_BYTES)
    throw fault(`certificate request of ${bytes.length} bytes is over ${MAX_REQUEST_BYTES}`);
  const top = new DerReader(bytes);
  const parts = top.enter();
  top.end();
  const info = parts.read(TAG.sequence);
  const algorithm = signatureAlgorithm(parts);
  const signature = wholeBits(parts.read(TAG.bitString).contents);
  parts.end();
  if (algorithm === undefined) throw fault("certificate request is signed by an algorithm that is not taken");
  const fields = new DerReader(info.contents);
  fields.read(TAG.integer);
  fields.read(TAG.sequence);
  const publicKey = fields.read(TAG.sequence).whole;
  const key = readKey(publicKey);
  if (key.asymmetricKeyType !== algorithm.keyType)
    throw fault("certificate request has a signature of another key type");
  if (!verify(algorithm.hash, info.whole, key, signature))
    throw fault("certificate request is not signed by its own key");
  return { publicKey: Buffer.from(publicKey), keyType: algorithm.keyType };
}

function readKey(publicKey: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
  } catch {
    throw fault("certificate request has a key that can't be read");
  }
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "rsa") {
    if (modulusLength < 2_048 || modulusLength > 4_096)
      throw fault(`certificate request has an RSA key of ${modulusLength} bits, not 2048 to 4096`);
    if (publicExponent < 3n || publicExponent > 0xffff_ffffn)
      throw fault("certificate request has an RSA key with an exponent over 32 bits");
    return key;
  }
  if (namedCurve === "prime256v1" || namedCurve === "secp384r1") return key;
  throw fault("certificate request has a key that is neither RSA nor of P-256 or P-384");
}

/** Encodes a request for `key`'s public part, signed by it; the names are what it asks for, which an authority may pass over. */
export function encodeRequest(key: KeyObject, altNames: AltNames = {}): Buffer {
  const { hash, identifier } = signingAlgorithm(key);
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" });
  const extension = sequence(oid("2.5.29.17"), der(TAG.octetString, encodeAltNames(altNames)));
  const wanted = sequence(oid("1.2.840.113549.1.9.14"), der(TAG.set, sequence(extension)));
  const toSign = sequence(
    unsigned(Buffer.from([0])),
    encodeName({}),
    publicKey,
    der(contextTag(0), ...(Object.keys(altNames).length === 0 ? [] : [wanted])),
  );
  return signedSequence(toSign, identifier, sign(hash, toSign, key));
}

function fault(message: string): ProtocolError {
  return new ProtocolError("x509", message);
}
