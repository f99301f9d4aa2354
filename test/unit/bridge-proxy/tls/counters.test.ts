import { expect, test } from "vitest";
import { TlsRecord } from "../../../../src/bridge-proxy/tls/counters.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

const EXPIRED = { kind: "expired", message: "certificate has expired" } as const;

test("every fault is counted, and each peer's is said once a minute", () => {
  const { logger, lines } = recordingLogger();
  const record = new TlsRecord(logger);
  for (let nowMs = 0; nowMs < 120_000; nowMs += 1_000) record.refused("10.0.0.1", EXPIRED, nowMs);
  record.refused("10.0.0.2", EXPIRED, 120_000);
  expect(record.counters.tlsExpired).toBe(121);
  expect(lines.map(([level, text, fields]) => [level, text, fields.peer, fields.error])).toEqual([
    ["warn", "a TLS peer is refused", "10.0.0.1", "certificate has expired"],
    ["warn", "a TLS peer is refused", "10.0.0.1", "certificate has expired"],
    ["warn", "a TLS peer is refused", "10.0.0.2", "certificate has expired"],
  ]);
});

test("many peers make few lines: those beyond 256 wait until others have been quiet for a minute", () => {
  const { logger, lines } = recordingLogger();
  const record = new TlsRecord(logger);
  for (let i = 0; i < 1_000; i++) record.failed(`10.0.${i >> 8}.${i & 255}`, "no common version", i);
  expect(record.counters.tlsFailures).toBe(1_000);
  expect(lines).toHaveLength(256);
  record.failed("10.9.9.9", "no common version", 61_000);
  expect(lines).toHaveLength(257);
});

test("handshakes and the sessions among them that were taken up again are counted apart", () => {
  const record = new TlsRecord(recordingLogger().logger);
  record.handshake(false);
  record.handshake(true);
  record.plainRefused("10.0.0.1", 0);
  expect(record.counters).toMatchObject({ tlsHandshakes: 2, tlsResumed: 1, tlsPlainRefused: 1 });
});

test("connections that are ended are counted apart, and said", () => {
  const { logger, lines } = recordingLogger();
  const record = new TlsRecord(logger);
  record.ended("10.0.0.1", EXPIRED, 0);
  record.ended("10.0.0.1", EXPIRED, 1);
  expect(record.counters).toMatchObject({ tlsEnded: 2, tlsExpired: 0 });
  record.plainEnded("10.0.0.1", 2);
  expect(record.counters).toMatchObject({ tlsEnded: 2, tlsPlainEnded: 1, tlsPlainRefused: 0 });
  expect(lines.map(([, text]) => text)).toEqual(["a TLS connection is ended", "a connection in plain text is ended"]);
});
