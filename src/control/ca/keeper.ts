import { createPublicKey } from "node:crypto";
import { type Clock, realClock, type Timer } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import { Latest } from "../../base/latest.ts";
import type { Logger } from "../../base/log.ts";
import { decodeCertificate } from "../../codecs/x509/certificate.ts";
import { parsePem, printPem } from "../../codecs/x509/pem.ts";
import { encodeRequest } from "../../codecs/x509/request.ts";
import { createKey, type KeyType } from "./authority.ts";

/** A key with its certificate; the key is in memory alone. */
export interface KeptCertificate {
  /** PEM: leaf, then intermediates. */
  readonly chain: string;
  /** PEM, PKCS#8. */
  readonly key: string;
  /** PEM of the roots that the authority answered with. */
  readonly roots: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Has a request (PEM) signed; answers as `CreateCertificate` does: leaf first, then intermediates, then roots. */
export type RequestCertificate = (csr: string, current: KeptCertificate | undefined) => Promise<readonly string[]>;

/** What a keeper works with. */
export interface KeeperOptions {
  readonly request: RequestCertificate;
  readonly logger: Logger;
  readonly keyType?: KeyType;
  readonly clock?: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** One that was kept from before; used as long as it lasts. */
  readonly initial?: KeptCertificate;
}

/** Part of a certificate's life after which it is renewed, and how far that is spread: Istio's own. */
const RENEW_AT = 0.5;
const JITTER = 0.01;
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;

/** When a certificate is to be renewed, ms since 1970: half-way, give or take a hundredth of its life. */
export function renewalMs(
  { notBeforeMs, notAfterMs }: Pick<KeptCertificate, "notBeforeMs" | "notAfterMs">,
  random: number,
): number {
  const lifeMs = notAfterMs - notBeforeMs;
  return notBeforeMs + lifeMs * (RENEW_AT + JITTER * (2 * random - 1));
}

/** How long to wait after so many failures, the first being 1, ms: doubled each time, spread by a half, at most a minute. */
export function retryMs(failures: number, random: number): number {
  const whole = Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** Math.min(failures - 1, 10));
  return Math.round(whole * (0.5 + random / 2));
}

/**
 * Reads an answer of `CreateCertificate` for a key. Self-signed certificates of it are roots. Throws a `TransientError` for one that is
 * not for this key, is not valid now, or has no root.
 */
export function readChain(
  answer: readonly string[],
  key: { readonly pem: string; readonly publicKey: Uint8Array },
  nowMs: number,
): KeptCertificate {
  const certificates = answer
    .flatMap((text) => parsePem("CERTIFICATE", text))
    .map((der) => ({ der, read: decodeCertificate(der) }));
  const leaf = certificates[0];
  if (leaf === undefined) throw new TransientError("the authority answered with no certificate");
  if (!Buffer.from(leaf.read.publicKey).equals(Buffer.from(key.publicKey)))
    throw new TransientError("the authority answered with a certificate of another key");
  if (leaf.read.notAfterMs <= nowMs)
    throw new TransientError("the authority answered with a certificate that has ended");
  const isRoot = ({ read }: (typeof certificates)[number]) =>
    read.isAuthority && Buffer.from(read.issuer).equals(Buffer.from(read.subject));
  const roots = certificates.slice(1).filter(isRoot);
  if (roots.length === 0) throw new TransientError("the authority answered without a root");
  const print = (list: typeof certificates) => list.map(({ der }) => printPem("CERTIFICATE", der)).join("");
  return {
    chain: print(certificates.filter((one) => one === leaf || !isRoot(one))),
    key: key.pem,
    roots: print(roots),
    notBeforeMs: leaf.read.notBeforeMs,
    notAfterMs: leaf.read.notAfterMs,
  };
}

/**
 * Keeps a key with a certificate: asks for one at the start, and for the next, with a new key, at half its life. While the authority is
 * out of reach the last good one stays, and it is asked again after a growing pause.
 */
export class CertificateKeeper {
  /** The newest; undefined before the first. */
  readonly current = new Latest<KeptCertificate | undefined>(undefined);
  readonly #options: KeeperOptions;
  readonly #clock: Clock;
  #timer: Timer | undefined;
  #failures = 0;
  #isClosed = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
  }

  /** Asks now, or when the one that was kept is due, and goes on by itself. Resolves after the first answer or failure. */
  async start(): Promise<void> {
    const { initial, random } = this.#options;
    const nowMs = this.#clock.now();
    if (initial !== undefined && initial.notAfterMs > nowMs) {
      this.current.set(initial);
      const waitMs = renewalMs(initial, random()) - nowMs;
      if (waitMs > 0) {
        this.#wait(waitMs);
        return;
      }
    }
    await this.renew();
  }

  /** Asks for a new one now, also before its time: when the roots have changed. */
  async renew(): Promise<void> {
    this.#timer?.cancel();
    const { request, logger, keyType = "ec", random } = this.#options;
    let waitMs: number;
    try {
      const key = createKey(keyType);
      const csr = printPem("CERTIFICATE REQUEST", encodeRequest(key));
      const publicKey = createPublicKey(key).export({ format: "der", type: "spki" });
      const pem = key.export({ format: "pem", type: "pkcs8" }) as string;
      const kept = readChain(await request(csr, this.current.get()), { pem, publicKey }, this.#clock.now());
      if (this.#failures > 0) logger.info("the certificate is renewed again");
      this.#failures = 0;
      this.current.set(kept);
      waitMs = Math.max(MIN_RETRY_MS, renewalMs(kept, random()) - this.#clock.now());
    } catch (error) {
      this.#failures++;
      if (this.#failures === 1)
        logger.warn("the certificate can't be renewed; the last one stays while it lasts", {
          reason: (error as Error).message,
        });
      waitMs = retryMs(this.#failures, random());
    }
    this.#wait(waitMs);
  }

  #wait(ms: number): void {
    // Timers hold 24 days at most.
    if (!this.#isClosed) this.#timer = this.#clock.after(Math.min(ms, 20 * 86_400_000), () => void this.renew());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.current.close();
  }
}
