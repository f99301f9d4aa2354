import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { createRoot, readAuthority } from "../../../../src/control/ca/authority.ts";
import { CertificateAuthority } from "../../../../src/control/ca/certificate-authority.ts";
import { SecretStore } from "../../../../src/control/ca/secrets.ts";
import { turn } from "../../../support/recording-logger.ts";

const orders = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "orders" };
const gate = { ...orders, serviceAccount: "gate" };

function opened(maxIdentities = 10) {
  const clock = new ManualClock();
  const authority = new CertificateAuthority({ clock, random: randomBytes, overlapMs: 1_000 });
  const root = (number: number) =>
    readAuthority(createRoot("cluster.local", "ec", Buffer.alloc(16, number), clock.now()), clock.now());
  const store = new SecretStore({ authority, clock, random: () => 0.5, maxIdentities });
  return { clock, authority, store, root };
}

test("nobody has secrets before there is a key", () => {
  expect(opened().store.secretsOf(orders)).toEqual([]);
});

test("an identity has its own certificate and key, and the roots that all have", () => {
  const { authority, store, root } = opened();
  authority.take(root(1));
  const [roots, own] = store.secretsOf(orders);
  expect([roots!.name, own!.name]).toEqual(["ROOTCA", "default"]);
  const { certificateChain, privateKey } = own!.resource.tlsCertificate!;
  const certificate = new X509Certificate(certificateChain.inlineString);
  expect(certificate.subjectAltName).toBe("URI:spiffe://cluster.local/ns/shop/sa/orders");
  expect(certificate.checkPrivateKey(createPrivateKey(privateKey.inlineString))).toBe(true);
  expect(roots!.resource.validationContext).toBe(authority.validation.get());
  expect(store.secretsOf(gate)[1]!.version).not.toBe(own!.version);
  expect(store.secretsOf(gate)[0]).toBe(roots);
});

test("what did not change is the same list", () => {
  const { authority, store, root } = opened();
  authority.take(root(1));
  expect(store.secretsOf(orders)).toBe(store.secretsOf(orders));
});

test("at half its life a certificate is told to have changed, once, and made anew for who asks", async () => {
  const { authority, store, root, clock } = opened();
  authority.take(root(1));
  const [, first] = store.secretsOf(orders);
  await turn();
  const before = store.changes.get();
  clock.advance(11 * 3_600_000);
  expect([store.changes.get(), store.secretsOf(orders)[1]]).toEqual([before, first]);
  clock.advance(3_600_000);
  expect(store.changes.get()).toBe(before + 1);
  clock.advance(3_600_000);
  expect(store.changes.get()).toBe(before + 1);
  const [, second] = store.secretsOf(orders);
  expect(second!.version).not.toBe(first!.version);
});

test("another root is told of at once, and the certificates stay", async () => {
  const { authority, store, root } = opened();
  authority.take(root(1));
  await turn();
  const [roots, own] = store.secretsOf(orders);
  const before = store.changes.get();
  authority.take(root(2));
  await turn();
  expect(store.changes.get()).toBe(before + 1);
  expect(store.secretsOf(orders)[0]!.version).not.toBe(roots!.version);
  expect(store.secretsOf(orders)[1]).toBe(own);
  store.close();
});

test("identities over the bound are forgotten, the one that was asked for longest ago first", () => {
  const { authority, store, root } = opened(1);
  authority.take(root(1));
  const [, first] = store.secretsOf(orders);
  store.secretsOf(gate);
  expect(store.secretsOf(orders)[1]!.version).not.toBe(first!.version);
});
