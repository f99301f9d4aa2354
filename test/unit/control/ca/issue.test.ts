import { randomBytes, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { TransientError } from "../../../../src/base/errors.ts";
import { createMetrics } from "../../../../src/base/metrics.ts";
import { createRoot, readAuthority } from "../../../../src/control/ca/authority.ts";
import type { Authenticator } from "../../../../src/control/ca/callers.ts";
import { CertificateAuthority } from "../../../../src/control/ca/certificate-authority.ts";
import { createIssue, MAX_CSR_CHARACTERS } from "../../../../src/control/ca/issue.ts";
import { RateLimiter } from "../../../../src/control/ca/rate-limit.ts";
import { byToken, parseTokens } from "../../../../src/control/ca/tokens.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

const TOKEN = "token-of-the-orders-service";
const csr = (name: string) => readFileSync(`fixtures/wire/x509/${name}.csr.pem`, "utf8");
const { signal } = new AbortController();

function opened(more: readonly Authenticator[] = [], hasKey = true) {
  const clock = new ManualClock();
  const authority = new CertificateAuthority({ clock, random: randomBytes });
  const nowMs = clock.now();
  if (hasKey) authority.take(readAuthority(createRoot("cluster.local", "ec", Buffer.alloc(16, 1), nowMs), nowMs));
  const metrics = createMetrics();
  const { logger, lines } = recordingLogger();
  const table = parseTokens(`${TOKEN} shop/orders`, "cluster.local");
  const limiter = new RateLimiter({ burst: 3, refillMs: 1_000, allPerSecond: 10, maxCallers: 10 });
  const ways = [byToken(() => table), ...more];
  const issue = createIssue({ authority, ways, metrics, logger, clock, limiter });
  const ask = (request: string, token: string | undefined = TOKEN, validitySeconds = 0) =>
    issue(
      { csr: request, validitySeconds, credentials: { address: "10.0.0.1", ...(token !== undefined && { token }) } },
      signal,
    );
  return { ask, metrics, clock, logged: () => JSON.stringify(lines) };
}

const refusalOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "issued",
    (error) => `${error.code}: ${error.message}`,
  );

test("a leaf has the caller's identity, whatever name the request has", async () => {
  const { ask, metrics, logged } = opened();
  const leaf = await ask(csr("rsa"), TOKEN, 3_600);
  const certificate = new X509Certificate(leaf.chain[0]!);
  expect(certificate.subjectAltName).toBe("URI:spiffe://cluster.local/ns/shop/sa/orders");
  expect(leaf.notAfterMs - leaf.notBeforeMs).toBe(3_720_000);
  expect(metrics.expose()).toContain("citadel_server_success_cert_issuance_count 1\n");
  expect(logged()).toContain("spiffe://cluster.local/ns/shop/sa/orders");
  for (const secret of [TOKEN, "a-token-not-an-account", "BEGIN"]) expect(logged()).not.toContain(secret);
});

test("both labels of a request are read", async () => {
  const { ask } = opened();
  await ask(csr("p256").replaceAll("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"));
});

const REFUSED: readonly (readonly [string, string, string | undefined, string, string])[] = [
  [
    "no token",
    csr("rsa"),
    undefined,
    "unauthenticated: request authenticate failure",
    "citadel_server_authentication_failure_count 1",
  ],
  [
    "another token",
    csr("rsa"),
    `${TOKEN}x`,
    "unauthenticated: request authenticate failure",
    "citadel_server_authentication_failure_count 1",
  ],
  [
    "no request",
    "",
    TOKEN,
    "invalid_argument: certificate request is not one block of PEM",
    "citadel_server_csr_parsing_err_count 1",
  ],
  [
    "two requests",
    csr("rsa") + csr("p256"),
    TOKEN,
    "invalid_argument: certificate request is not one block of PEM",
    "citadel_server_csr_parsing_err_count 1",
  ],
  [
    "a small key",
    csr("rsa1024"),
    TOKEN,
    "invalid_argument: certificate request has an RSA key of 1024 bits, not 2048 to 4096",
    "citadel_server_csr_parsing_err_count 1",
  ],
  [
    "a large text",
    "a".repeat(MAX_CSR_CHARACTERS + 1),
    TOKEN,
    "invalid_argument: certificate request of 32769 characters is over 32768",
    "citadel_server_csr_parsing_err_count 1",
  ],
];

test.each(REFUSED)("%s is refused and counted", async (_, request, token, message, count) => {
  const { metrics, logged, ask } = opened();
  expect(await refusalOf(ask(request, token ?? ""))).toBe(message);
  expect(metrics.expose()).toContain(`${count}\n`);
  expect(metrics.expose()).toContain("citadel_server_csr_count 1\n");
  expect(logged()).not.toContain(TOKEN);
});

test("a caller that asks too often waits, and is served again", async () => {
  const { ask, clock, metrics } = opened();
  for (let i = 0; i < 3; i++) await ask(csr("p256"));
  expect(await refusalOf(ask(csr("p256")))).toBe("resource_exhausted: too many certificate requests");
  clock.advance(1_000);
  await ask(csr("p256"));
  expect(metrics.expose()).toContain("trestle_ca_rate_limited_total 1\n");
});

test("strangers together are held to the limit of all", async () => {
  const { ask } = opened();
  const asked = await Promise.all(Array.from({ length: 11 }, () => refusalOf(ask(csr("p256"), "stranger"))));
  expect(asked.filter((one) => one.startsWith("resource_exhausted"))).toHaveLength(1);
});

test("where who calls can't be found out now, the caller may come again", async () => {
  const down: Authenticator = {
    name: "kubernetes",
    authenticate: async () => {
      throw new TransientError("the API server does not answer");
    },
  };
  const { ask, logged } = opened([down]);
  expect(await refusalOf(ask(csr("p256"), "a token"))).toBe("unavailable: the caller can't be identified now");
  expect(logged()).toContain("the API server does not answer");
});

test("without a key callers may come again", async () => {
  const { ask, metrics } = opened([], false);
  expect(await refusalOf(ask(csr("p256")))).toBe("unavailable: the certificate can't be signed");
  expect(metrics.expose()).toContain('citadel_server_csr_sign_err_count{error="CA_NOT_READY"} 1\n');
});
