import { createPublicKey, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { CLOCK_SKEW_MS, createKey, createRoot, readAuthority } from "../../../../src/control/ca/authority.ts";
import { clampValidity, DEFAULT_VALIDITY, MIN_VALIDITY_MS, signLeaf } from "../../../../src/control/ca/sign.ts";

const DAY_S = 86_400;
const WISHES: readonly (readonly [string, number | undefined, number])[] = [
  ["none", undefined, DAY_S],
  ["0", 0, DAY_S],
  ["less than 0", -5, DAY_S],
  ["no number", Number.NaN, DAY_S],
  ["an hour", 3_600, 3_600],
  ["a second", 1, MIN_VALIDITY_MS / 1_000],
  ["ten years", 3_650 * DAY_S, 90 * DAY_S],
];

test.each(WISHES)("a wish for %s is cut to what is given", (_, seconds, wanted) => {
  expect(clampValidity(seconds, DEFAULT_VALIDITY)).toBe(wanted * 1_000);
});

const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
const authority = readAuthority(createRoot("cluster.local", "ec", Buffer.alloc(16, 1), nowMs), nowMs);
const fields = {
  publicKey: createPublicKey(createKey("ec")).export({ format: "der", type: "spki" }),
  altNames: { uris: ["spiffe://cluster.local/ns/shop/sa/orders"] },
  serial: Buffer.alloc(16, 0x41),
};

test("a leaf begins before now, ends when it was asked to, and has the names alone that it was given", () => {
  const leaf = signLeaf(authority, { ...fields, validityMs: 3_600_000 }, nowMs);
  const certificate = new X509Certificate(leaf.chain[0]!);
  expect(Date.parse(certificate.validFrom)).toBe(nowMs - CLOCK_SKEW_MS);
  expect(Date.parse(certificate.validTo)).toBe(nowMs + 3_600_000);
  expect([leaf.notBeforeMs, leaf.notAfterMs]).toEqual([nowMs - CLOCK_SKEW_MS, nowMs + 3_600_000]);
  expect([certificate.subject, certificate.subjectAltName]).toEqual([
    undefined,
    "URI:spiffe://cluster.local/ns/shop/sa/orders",
  ]);
  expect(certificate.serialNumber).toBe("41".repeat(16));
});

test("a leaf ends with its authority at the latest", () => {
  const late = authority.notAfterMs - 60_000;
  expect(signLeaf(authority, { ...fields, validityMs: 3_600_000 }, late).notAfterMs).toBe(authority.notAfterMs);
});

test("the answer is the leaf first and its own root last, other roots before it", () => {
  const other = createRoot("cluster.local", "ec", Buffer.alloc(16, 2), nowMs).roots;
  const [own] = authority.roots;
  const { chain, sent } = signLeaf(authority, { ...fields, validityMs: 1 }, nowMs, [own!, other]);
  expect(chain.slice(1)).toEqual([other, own]);
  expect(sent).toBe(chain[0]);
});
