import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { TransientError } from "../../../../src/base/errors.ts";
import { parsePem } from "../../../../src/codecs/x509/pem.ts";
import { decodeRequest } from "../../../../src/codecs/x509/request.ts";
import { createRoot, readAuthority } from "../../../../src/control/ca/authority.ts";
import { CertificateAuthority } from "../../../../src/control/ca/certificate-authority.ts";
import {
  CertificateKeeper,
  type KeptCertificate,
  readChain,
  renewalMs,
  retryMs,
} from "../../../../src/control/ca/keeper.ts";
import { recordingLogger, turn } from "../../../support/recording-logger.ts";

const HOUR_MS = 3_600_000;

function opened(initial?: KeptCertificate, nowMs = 0) {
  const clock = new ManualClock();
  clock.advance(nowMs);
  const authority = new CertificateAuthority({ clock, random: randomBytes });
  authority.take(readAuthority(createRoot("cluster.local", "ec", Buffer.alloc(16, 1), clock.now()), clock.now()));
  const asked: (KeptCertificate | undefined)[] = [];
  const state = { isDown: false };
  const { logger, lines } = recordingLogger();
  const keeper = new CertificateKeeper({
    clock,
    logger,
    random: () => 0.5,
    ...(initial !== undefined && { initial }),
    request: async (csr, current) => {
      asked.push(current);
      if (state.isDown) throw new TransientError("nobody answers");
      const request = decodeRequest(parsePem("CERTIFICATE REQUEST", csr)[0]!);
      return authority.sign(request, { uris: ["spiffe://cluster.local/ns/shop/sa/orders"] }, 86_400).chain;
    },
  });
  return { clock, keeper, asked, state, lines, authority };
}

test("a certificate is renewed half-way, a hundredth of its life earlier or later", () => {
  const life = { notBeforeMs: 1_000, notAfterMs: 101_000 };
  expect([0, 0.5, 1].map((random) => renewalMs(life, random))).toEqual([50_000, 51_000, 52_000]);
});

test("pauses grow to a minute", () => {
  expect([1, 2, 3, 7, 100].map((failures) => retryMs(failures, 1))).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
  expect(retryMs(1, 0)).toBe(500);
});

test("a key and its certificate are renewed together, the old certificate shown for it", async () => {
  const { clock, keeper, asked } = opened();
  await keeper.start();
  const first = keeper.current.get()!;
  expect(new X509Certificate(first.chain).checkPrivateKey(createPrivateKey(first.key))).toBe(true);
  clock.advance(11.9 * HOUR_MS);
  expect(keeper.current.get()).toBe(first);
  clock.advance(0.1 * HOUR_MS);
  await turn();
  const second = keeper.current.get()!;
  expect(second.key).not.toBe(first.key);
  expect(new X509Certificate(second.chain).checkPrivateKey(createPrivateKey(second.key))).toBe(true);
  expect(asked).toEqual([undefined, first]);
  expect(second.roots).toBe(first.roots);
  keeper.close();
});

test("while nobody answers the last good one stays, and asking goes on", async () => {
  const { clock, keeper, asked, state, lines } = opened();
  await keeper.start();
  const first = keeper.current.get();
  state.isDown = true;
  for (let minute = 0; minute < 12.5 * 60; minute++) {
    clock.advance(60_000);
    await turn();
  }
  expect(keeper.current.get()).toBe(first);
  expect(asked.length).toBeGreaterThan(20);
  expect(lines.map(([level, text]) => `${level} ${text}`)).toEqual([
    "warn the certificate can't be renewed; the last one stays while it lasts",
  ]);
  state.isDown = false;
  clock.advance(60_000);
  await turn();
  expect(keeper.current.get()).not.toBe(first);
  expect(lines.at(-1)?.[1]).toBe("the certificate is renewed again");
  keeper.close();
});

test("after the end nothing is asked any more", async () => {
  const { clock, keeper, asked } = opened();
  await keeper.start();
  keeper.close();
  clock.advance(100 * HOUR_MS);
  expect(asked).toHaveLength(1);
});

test("answers that can't be used are named", async () => {
  const { authority, clock, keeper } = opened();
  await keeper.start();
  const { chain, key, roots } = keeper.current.get()!;
  const spki = (pem: string) => new X509Certificate(pem).publicKey.export({ format: "der", type: "spki" });
  const own = { pem: key, publicKey: spki(chain) };
  const read = (answer: readonly string[], nowMs = clock.now()) => readChain(answer, own, nowMs);
  expect(read([chain, roots]).notAfterMs).toBe(keeper.current.get()!.notAfterMs);
  expect(() => read([])).toThrow("the authority answered with no certificate");
  expect(() => read([chain])).toThrow("the authority answered without a root");
  expect(() => read([chain, roots], clock.now() + 25 * HOUR_MS)).toThrow(
    "the authority answered with a certificate that has ended",
  );
  expect(() => read([roots, roots])).toThrow("the authority answered with a certificate of another key");
  keeper.close();
  authority.close();
});

test("one that was kept is used until half its life, and asked for anew at once where that is over", async () => {
  const first = opened();
  await first.keeper.start();
  const kept = first.keeper.current.get()!;
  const next = opened(kept, HOUR_MS);
  await next.keeper.start();
  expect(next.keeper.current.get()).toBe(kept);
  expect(next.asked).toEqual([]);
  next.clock.advance(11 * HOUR_MS);
  await turn();
  expect(next.asked).toEqual([kept]);
  const late = opened(kept, 20 * HOUR_MS);
  await late.keeper.start();
  expect(late.asked).toEqual([kept]);
  const ended = opened(kept, 30 * HOUR_MS);
  await ended.keeper.start();
  expect(ended.asked).toEqual([undefined]);
});
