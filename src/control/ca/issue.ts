import { type Clock, realClock } from "../../base/clock.ts";
import { type Code, ProtocolError, TransientError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Metrics } from "../../base/metrics.ts";
import { parsePem } from "../../codecs/x509/pem.ts";
import { type CertificateRequest, decodeRequest, MAX_REQUEST_BYTES } from "../../codecs/x509/request.ts";
import { printIdentity } from "../../model/identity.ts";
import { type Authenticator, type Caller, type Credentials, identify } from "./callers.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { RateLimiter } from "./rate-limit.ts";
import type { SignedLeaf } from "./sign.ts";

/** Longest CSR text that is read, characters: PEM of the largest request. */
export const MAX_CSR_CHARACTERS = MAX_REQUEST_BYTES * 2;

/** What a caller asks for. */
export interface IssueRequest {
  /** PEM; its names are not looked at and its text is never told to anybody. */
  readonly csr: string;
  /** Wanted validity, seconds; 0 for the default. */
  readonly validitySeconds: number;
  readonly credentials: Credentials;
}

/** Why a request was refused, in words for the caller; `code` is gRPC's. */
export class IssueRefusal extends Error {
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.name = "IssueRefusal";
    this.code = code;
  }
}

/** What certificates are issued with. */
export interface IssueParts {
  readonly authority: CertificateAuthority;
  readonly ways: readonly Authenticator[];
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly limiter?: RateLimiter;
}

/** Issues certificates to callers that prove who they are. */
export type Issue = (request: IssueRequest, signal: AbortSignal) => Promise<SignedLeaf>;

/**
 * Makes the service's own part: who calls is found out, the request is checked, the leaf gets the caller's identity and nothing of what
 * the request names. Rejects with an {@link IssueRefusal}. Counts under Istio's names (istio/istio security/pkg/server/ca/monitoring.go).
 */
export function createIssue({ authority, ways, metrics, logger, clock = realClock, limiter }: IssueParts): Issue {
  const count = (name: string, help: string, ...labels: string[]) => metrics.counter({ name, help, labels });
  const requests = count("citadel_server_csr_count", "Certificate requests that came in.");
  const unknown = count(
    "citadel_server_authentication_failure_count",
    "Certificate requests of callers that proved nothing.",
  );
  const unread = count(
    "citadel_server_csr_parsing_err_count",
    "Certificate requests that can't be read or are refused.",
  );
  const unsigned = count("citadel_server_csr_sign_err_count", "Errors while signing, by kind.", "error");
  const issued = count("citadel_server_success_cert_issuance_count", "Certificates that were issued.");
  const limited = count("trestle_ca_rate_limited_total", "Certificate requests refused for coming too often.");
  for (const one of [requests, unknown, unread, issued, limited]) one.add(0);
  const rates = limiter ?? new RateLimiter();

  const callerOf = async (credentials: Credentials, signal: AbortSignal): Promise<Caller> => {
    let caller: Caller | undefined;
    try {
      caller = await identify(ways, credentials, signal);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      unknown.add(1);
      logger.warn("a caller of the certificate service can't be identified now", { reason: error.message });
      throw new IssueRefusal("unavailable", "the caller can't be identified now");
    }
    if (caller !== undefined) return caller;
    unknown.add(1);
    throw new IssueRefusal("unauthenticated", "request authenticate failure");
  };

  return async ({ csr, validitySeconds, credentials }, signal) => {
    requests.add(1);
    const tooOften = () => {
      limited.add(1);
      return new IssueRefusal("resource_exhausted", "too many certificate requests");
    };
    if (!rates.takeOfAll(clock.now())) throw tooOften();
    const { identity, by } = await callerOf(credentials, signal);
    const uri = printIdentity(identity);
    if (!rates.take(`${uri} ${credentials.address}`, clock.now())) throw tooOften();
    const request = readRequest(csr, () => unread.add(1));
    try {
      const leaf = authority.sign(request, { uris: [uri] }, validitySeconds);
      issued.add(1);
      logger.debug("issued a certificate", { identity: uri, by, until: new Date(leaf.notAfterMs).toISOString() });
      return leaf;
    } catch (error) {
      const isWaiting = error instanceof TransientError;
      unsigned.add(1, isWaiting ? "CA_NOT_READY" : "CSR_ERROR");
      logger.error("a certificate can't be signed", { identity: uri, reason: (error as Error).message });
      throw new IssueRefusal(isWaiting ? "unavailable" : "internal", "the certificate can't be signed");
    }
  };
}

function readRequest(csr: string, onFault: () => void): CertificateRequest {
  try {
    if (csr.length > MAX_CSR_CHARACTERS)
      throw new ProtocolError("x509", `certificate request of ${csr.length} characters is over ${MAX_CSR_CHARACTERS}`);
    // OpenSSL's older label means the same.
    const text = csr.replaceAll("NEW CERTIFICATE REQUEST-----", "CERTIFICATE REQUEST-----");
    const [bytes, ...more] = parsePem("CERTIFICATE REQUEST", text);
    if (bytes === undefined || more.length > 0)
      throw new ProtocolError("x509", "certificate request is not one block of PEM");
    return decodeRequest(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    onFault();
    throw new IssueRefusal("invalid_argument", error.message);
  }
}
