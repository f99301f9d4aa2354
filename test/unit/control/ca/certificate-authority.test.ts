import { createPublicKey, randomBytes, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { parsePem } from "../../../../src/codecs/x509/pem.ts";
import { createKey, createRoot, readAuthority } from "../../../../src/control/ca/authority.ts";
import { CertificateAuthority } from "../../../../src/control/ca/certificate-authority.ts";

const DAY_MS = 86_400_000;
const start = Date.UTC(2026, 0);
const names = { uris: ["spiffe://cluster.local/ns/shop/sa/orders"] };
const publicKey = createPublicKey(createKey("ec")).export({ format: "der", type: "spki" });

function rootAt(nowMs: number, number: number) {
  const texts = createRoot("cluster.local", "ec", Buffer.alloc(16, number), nowMs);
  return { pem: texts.certificate, authority: readAuthority(texts, nowMs) };
}

function opened() {
  const clock = new ManualClock(start);
  return { clock, ca: new CertificateAuthority({ clock, random: randomBytes, overlapMs: 1_000 }) };
}

const trustedBy = (ca: CertificateAuthority) => ca.validation.get()?.trustedCa.inlineString;
const issuerOf = (leaf: { chain: readonly string[] }, root: string) =>
  new X509Certificate(leaf.chain[0]!).verify(new X509Certificate(root).publicKey);

test("nothing is signed before there is a key", () => {
  const { ca } = opened();
  expect(() => ca.sign({ publicKey }, names)).toThrow("the authority has no key yet");
  expect(trustedBy(ca)).toBeUndefined();
});

test("every leaf has another serial number of 16 bytes", () => {
  const { ca } = opened();
  ca.take(rootAt(start, 1).authority);
  const serials = Array.from(
    { length: 50 },
    () => new X509Certificate(ca.sign({ publicKey }, names).chain[0]!).serialNumber,
  );
  expect(new Set(serials).size).toBe(50);
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
});

test("while the root changes, every leaf's root is trusted by all who were told before it was signed", () => {
  const { ca, clock } = opened();
  const old = rootAt(start, 1);
  const fresh = rootAt(start, 2);
  ca.take(old.authority);
  const first = ca.sign({ publicKey }, names);
  expect(issuerOf(first, old.pem)).toBe(true);
  const told: (string | undefined)[] = [trustedBy(ca)];
  clock.advance(DAY_MS / 2);
  ca.take(fresh.authority);
  expect(trustedBy(ca)).toBe(fresh.pem + old.pem);
  told.push(trustedBy(ca));
  clock.advance(999);
  expect(issuerOf(ca.sign({ publicKey }, names), old.pem)).toBe(true);
  clock.advance(1);
  const second = ca.sign({ publicKey }, names);
  expect(issuerOf(second, fresh.pem)).toBe(true);
  expect(told.at(-1)).toContain(fresh.pem);
  expect(trustedBy(ca)).toBe(old.pem + fresh.pem);
  expect(second.chain.slice(1)).toEqual([old.pem, fresh.pem]);
  clock.advance(DAY_MS);
  expect(trustedBy(ca)).toBe(fresh.pem);
});

test("what leaves of before a restart need is trusted after it, though the files were changed meanwhile", () => {
  const before = opened();
  const old = rootAt(start, 1);
  before.ca.take(old.authority);
  before.ca.sign({ publicKey }, names);
  const after = opened();
  after.ca.restore(before.ca.memory);
  expect(after.ca.memory).toEqual(before.ca.memory);
  const fresh = rootAt(start, 2);
  after.ca.take(fresh.authority);
  expect(trustedBy(after.ca)).toBe(old.pem + fresh.pem);
  after.clock.advance(DAY_MS + 1);
  expect(trustedBy(after.ca)).toBe(fresh.pem);
});

test("a root of before that the files name too is trusted once", () => {
  const before = opened();
  const old = rootAt(start, 1);
  before.ca.take(old.authority);
  before.ca.sign({ publicKey }, names);
  const after = opened();
  after.ca.restore(before.ca.memory);
  after.ca.take(old.authority);
  expect(trustedBy(after.ca)).toBe(old.pem);
});

test("lists of revoked ones are there once one is kept, of every authority that signs or will", () => {
  const { ca, clock } = opened();
  ca.take(rootAt(start, 1).authority);
  expect(ca.validation.get()?.crl).toBeUndefined();
  ca.revoke(["aa"]);
  const lists = () => ca.validation.get()!.crl!.inlineString.split("BEGIN X509 CRL").length - 1;
  expect(lists()).toBe(1);
  expect(ca.validation.get()!.onlyVerifyLeafCertCrl).toBeUndefined();
  const leaf = ca.sign({ publicKey }, names);
  const [der] = parsePem("CERTIFICATE", leaf.sent);
  expect(ca.isRevoked(der!)).toBe(false);
  ca.revoke(["aa", new X509Certificate(der!).serialNumber.toLowerCase()]);
  expect(ca.isRevoked(der!)).toBe(true);
  ca.take(rootAt(start, 2).authority);
  expect(lists()).toBe(2);
  clock.advance(1_000);
  expect(lists()).toBe(2);
});

test("lists are signed anew long before they end", () => {
  const { ca, clock } = opened();
  ca.take(rootAt(start, 1).authority);
  ca.revoke(["aa"]);
  const first = ca.validation.get()!.crl!.inlineString;
  clock.advance(DAY_MS);
  expect(ca.validation.get()!.crl!.inlineString).toBe(first);
  // Timers are for a day each.
  for (let day = 0; day < 31; day++) clock.advance(DAY_MS);
  expect(ca.validation.get()!.crl!.inlineString).not.toBe(first);
  ca.close();
});

test("a certificate of a root that signs no more can be revoked while it lives", () => {
  const { ca, clock } = opened();
  const old = rootAt(start, 1);
  ca.take(old.authority);
  ca.revoke([]);
  ca.sign({ publicKey }, names);
  ca.take(rootAt(start, 2).authority);
  clock.advance(1_000);
  const before = ca.validation.get()!.crl!.inlineString;
  const lists = () => ca.validation.get()!.crl!.inlineString.split("BEGIN X509 CRL").length - 1;
  expect(lists()).toBe(2);
  ca.revoke(["aa"]);
  const now = ca.validation.get()!.crl!.inlineString.split(/(?=-----BEGIN)/);
  expect(now.filter((list) => before.includes(list))).toEqual([]);
  for (let day = 0; day < 2; day++) clock.advance(DAY_MS);
  expect(lists()).toBe(1);
  ca.close();
});

test("what did not change is told once", () => {
  const { ca } = opened();
  const one = rootAt(start, 1);
  ca.take(one.authority);
  const before = ca.validation.get();
  ca.take(one.authority);
  expect(ca.validation.get()).toBe(before);
  ca.close();
});
