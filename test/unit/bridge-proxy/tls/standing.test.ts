import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { TlsContexts } from "../../../../src/bridge-proxy/tls/contexts.ts";
import { TlsRecord } from "../../../../src/bridge-proxy/tls/counters.ts";
import { StandingPeers } from "../../../../src/bridge-proxy/tls/standing.ts";
import {
  createTestLeaf,
  createTestRoot,
  type LeafOptions,
  revoke,
  secretsOf,
  type TestCertificate,
} from "../../../support/certificates.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

const root = createTestRoot();
const own = createTestLeaf(root);
// Certificates know whole seconds.
const nowMs = Math.floor(Date.now() / 1_000) * 1_000;

/** Connections of one context, whose clock is what a tick is told, and what was done to each. */
function stage(ownLeaf: TestCertificate = own) {
  const contexts = new TlsContexts(() => "");
  const { logger } = recordingLogger();
  const record = new TlsRecord(logger);
  const standing = new StandingPeers(contexts, record, () => 0);
  const put = (leaf: TestCertificate, crl?: string) => {
    for (const secret of secretsOf(leaf, root.pem, crl)) contexts.setSecret(secret.name, secret);
  };
  put(ownLeaf);
  const context = contexts.of({
    tlsCertificateSdsSecretConfigs: [{ name: "default" }],
    combinedValidationContext: {
      defaultValidationContext: {},
      validationContextSdsSecretConfig: { name: "ROOTCA" },
    },
  });
  const made = context.current()!;
  const add = (leaf: TestCertificate, isOurs = false, under = made) => {
    const done: string[] = [];
    const steps = {
      leave: () => void done.push("leave"),
      end: () => void done.push("end"),
      destroy: () => void done.push("destroy"),
    };
    const chain = [new X509Certificate(leaf.chain)];
    const close = standing.add({ address: "10.0.0.1", chain, context, made: under, isOurs, ...steps }, nowMs);
    return { done, close };
  };
  return { standing, put, add, record, made };
}

const leafUntil = (ms: number, options: LeafOptions = {}) =>
  createTestLeaf(root, { ...options, notAfterMs: nowMs + ms });

test("a revoked peer is left, then ended, then dropped; others are not touched", () => {
  const { standing, put, add, record } = stage();
  const [bad, good] = [createTestLeaf(root), createTestLeaf(root)];
  const [first, second, fine] = [add(bad), add(bad, true), add(good)];
  standing.tick(nowMs);
  put(own, revoke(root, bad.serial));
  expect(first.done).toEqual([]);
  standing.tick(nowMs + 1_000);
  expect(first.done).toEqual(["leave"]);
  standing.tick(nowMs + 10_900);
  expect(first.done).toEqual(["leave"]);
  standing.tick(nowMs + 11_000);
  expect(first.done).toEqual(["leave", "end"]);
  standing.tick(nowMs + 12_000);
  standing.tick(nowMs + 60_000);
  expect(first.done).toEqual(["leave", "end", "destroy"]);
  expect(second.done).toEqual(first.done);
  expect(fine.done).toEqual([]);
  expect(record.counters.tlsEnded).toBe(2);
  for (const { close } of [first, second, fine]) close();
  expect(standing.size).toBe(0);
});

test("a peer whose handshake ended under secrets that had changed meanwhile is looked at, too", () => {
  const { standing, put, add, made } = stage();
  const bad = createTestLeaf(root);
  put(own, revoke(root, bad.serial));
  standing.tick(nowMs);
  const { done } = add(bad, false, made);
  standing.tick(nowMs + 1_000);
  expect(done).toEqual(["leave"]);
});

test("secrets that are of no use end nothing", () => {
  const { standing, put, add } = stage();
  const { done } = add(createTestLeaf(root));
  put({ ...own, key: "none" });
  standing.tick(nowMs + 1_000);
  expect(done).toEqual([]);
});

test("an accepted connection ends when its peer's certificate expires; one of ours is left before, and ends then", () => {
  const { standing, add, record } = stage();
  const leaf = leafUntil(100_000);
  const [accepted, ours] = [add(leaf), add(leaf, true)];
  standing.tick(nowMs + 89_000);
  expect([accepted.done, ours.done]).toEqual([[], []]);
  standing.tick(nowMs + 90_000);
  expect([accepted.done, ours.done]).toEqual([[], ["leave"]]);
  expect(record.counters.tlsEnded).toBe(0);
  standing.tick(nowMs + 100_000);
  expect([accepted.done, ours.done]).toEqual([["leave"], ["leave", "end"]]);
  expect(record.counters.tlsExpired).toBe(0);
  expect(record.counters.tlsEnded).toBe(1);
});

test("one of ours is left before our own certificate expires, and where it is revoked; accepted ones are not", () => {
  const short = leafUntil(50_000);
  const { standing, put, add } = stage(short);
  const [accepted, ours] = [add(leafUntil(100_000)), add(leafUntil(100_000), true)];
  standing.tick(nowMs + 45_000);
  expect([accepted.done, ours.done]).toEqual([[], ["leave"]]);
  const revoked = stage(own);
  const [there, here] = [revoked.add(createTestLeaf(root)), revoked.add(createTestLeaf(root), true)];
  revoked.put(createTestLeaf(root), revoke(root, own.serial));
  revoked.standing.tick(nowMs + 1_000);
  expect([there.done, here.done]).toEqual([[], ["leave"]]);
  put(short);
});

test("peers that show nothing are not kept", () => {
  const { standing, made } = stage();
  const nothing = () => {};
  const context = new TlsContexts(() => "").of({});
  const steps = { leave: nothing, end: nothing, destroy: nothing };
  standing.add({ address: "", chain: [], context, made, isOurs: false, ...steps }, nowMs)();
  expect(standing.size).toBe(0);
});
