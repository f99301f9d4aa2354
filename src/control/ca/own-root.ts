import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeCertificate } from "../../codecs/x509/certificate.ts";
import { parsePem } from "../../codecs/x509/pem.ts";
import { AUTHORITY_FILES, type AuthorityTexts, createRoot, type KeyType, ROOT_VALIDITY_MS } from "./authority.ts";

/** Part of its life that a root of our own must have left; below, another takes its place. */
const RENEW_LEFT = 0.2;

/** What a root of our own is made with. */
export interface OwnRootOptions {
  readonly trustDomain: string;
  readonly key: KeyType;
  readonly random: (bytes: number) => Buffer;
  readonly nowMs: number;
}

/** Whether a root is to be made: there is none, or a fifth of its life is left. What can't be read is not made anew: it may be mended. */
export function needsRoot({ certificate, key }: AuthorityTexts, nowMs: number): boolean {
  if (certificate === "" && key === "") return true;
  const [bytes] = parsePem("CERTIFICATE", certificate);
  return bytes !== undefined && decodeCertificate(bytes).notAfterMs - nowMs < ROOT_VALIDITY_MS * RENEW_LEFT;
}

/** Makes a root. */
export function makeRoot({ trustDomain, key, random, nowMs }: OwnRootOptions): AuthorityTexts {
  const serial = random(16);
  serial[0] = 0x40 | (serial[0]! & 0x3f);
  return createRoot(trustDomain, key, serial, nowMs);
}

/**
 * Writes an authority's files, each whole: the folder and the key for their owner alone, the key first, so that no other certificate
 * ever stands beside a key for long.
 */
export function writeAuthority(folder: string, texts: AuthorityTexts): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  for (const part of ["key", "certificate", "roots"] as const) {
    const path = join(folder, AUTHORITY_FILES[part]);
    writeFileSync(`${path}.new`, texts[part], { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}
