import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ChannelCredentials } from "@grpc/grpc-js";
import { realClock } from "../../../base/clock.ts";
import { ConfigError, TransientError } from "../../../base/errors.ts";
import { Latest } from "../../../base/latest.ts";
import type { Logger } from "../../../base/log.ts";
import { pause } from "../../../base/pause.ts";
import type { NamedResource } from "../../../codecs/xds/resources.ts";
import {
  type CertificateValidationContext,
  ROOTS_SECRET,
  type Secret,
  WORKLOAD_SECRET,
} from "../../../codecs/xds/secret.ts";
import { CertificateKeeper, type KeptCertificate } from "../../../control/ca/keeper.ts";
import { hashText } from "../../../model/hash-text.ts";
import type { ControlTls, TrestleConfig } from "../../config/config.ts";
import { AgentFile } from "./agent-file.ts";
import { askCertificate } from "./certificate-client.ts";

/** How long a start waits for another certificate where there is one, ms. */
const PATIENCE_MS = 2_000;

/** How a channel to control is opened. */
export interface ControlChannel {
  readonly credentials: ChannelCredentials;
  readonly options: Readonly<Record<string, string>>;
}

/**
 * A proxy's own identity: asks control for a certificate, by a token or by the certificate that it has, renews it at half its life, and
 * keeps the last good one while control is away, also over a restart where there is a data folder. The key never leaves this host.
 */
export class Agent {
  /** The secrets of the proxy's workers: none before the first certificate. */
  readonly secrets = new Latest<readonly NamedResource<Secret>[]>([]);
  readonly #servers: readonly string[];
  readonly #tls: ControlTls;
  readonly #log: Logger;
  readonly #keeper: CertificateKeeper;
  readonly #file: AgentFile | undefined;
  readonly #ask: typeof askCertificate;
  /** Hash of the token that the certificate goes back to. */
  #askedWith: string | undefined;
  #validation: CertificateValidationContext | undefined;

  constructor(
    { control, data }: Pick<TrestleConfig, "control" | "data">,
    tls: ControlTls,
    log: Logger,
    ask: typeof askCertificate = askCertificate,
  ) {
    this.#ask = ask;
    this.#servers = control.servers;
    this.#tls = tls;
    this.#log = log;
    this.#file = data === undefined ? undefined : new AgentFile(data, log);
    const kept = this.#file?.load();
    this.#validation = kept?.validation;
    this.#askedWith = kept?.token;
    this.#keeper = new CertificateKeeper({
      logger: log,
      random: Math.random,
      request: (csr, current) => this.#request(csr, current),
      ...(kept !== undefined && { initial: kept.certificate }),
    });
  }

  /**
   * Reads the files, which must be there, and asks for the first certificate; resolves after the first answer or failure. With one from
   * before that is good still, nobody waits long for a control that is out of reach.
   */
  async start(): Promise<void> {
    const { roots, token, certificate, key } = this.#tls;
    for (const path of [roots, token, certificate, key]) if (path !== undefined) textOf(path);
    void this.#follow();
    const asked = this.#askFirst();
    if (this.#keeper.current.get() === undefined) return asked;
    const over = new AbortController();
    await Promise.race([asked, pause(realClock, PATIENCE_MS, over.signal)]);
    over.abort();
  }

  async #askFirst(): Promise<void> {
    await this.#keeper.start();
    if (this.#isOther) await this.#keeper.renew();
  }

  /** Whether the token is another one than that of the certificate, and with it maybe the identity. */
  get #isOther(): boolean {
    const now = hashOf(presentText(this.#tls.token));
    return now !== undefined && this.#askedWith !== undefined && now !== this.#askedWith;
  }

  /** The identity's roots and lists of revoked certificates, as control gives them. */
  takeRoots({ validationContext }: Secret): void {
    if (validationContext?.trustedCa?.inlineString === undefined) return;
    this.#validation = validationContext;
    this.#publish();
  }

  /** How to reach control now. Throws a `TransientError` before there is a certificate. */
  async channel(): Promise<ControlChannel> {
    const current = this.#keeper.current.get();
    if (current === undefined) throw new TransientError("there is no certificate yet");
    return this.#channel(current);
  }

  close(): void {
    this.#keeper.close();
    this.secrets.close();
  }

  async #channel(own: Pick<KeptCertificate, "chain" | "key"> | undefined): Promise<ControlChannel> {
    const { credentials } = await import("@grpc/grpc-js");
    const given = this.#validation?.trustedCa?.inlineString ?? "";
    const roots = Buffer.from(`${textOf(this.#tls.roots)}\n${given}`);
    const { name } = this.#tls;
    return {
      credentials:
        own === undefined
          ? credentials.createSsl(roots)
          : credentials.createSsl(roots, Buffer.from(own.key), Buffer.from(own.chain)),
      options: name === undefined ? {} : { "grpc.ssl_target_name_override": name },
    };
  }

  async #request(csr: string, current: KeptCertificate | undefined): Promise<readonly string[]> {
    const { token, certificate, key } = this.#tls;
    const isValid = current !== undefined && current.notAfterMs > realClock.now();
    const configured = () =>
      certificate === undefined || key === undefined ? undefined : { chain: textOf(certificate), key: textOf(key) };
    const kept = () => current;
    let failure: unknown;
    // A certificate that control refuses, such as a revoked one, must not keep the token from being looked at; a new token is looked at first.
    for (const ownOf of !isValid ? [configured] : this.#isOther ? [configured, kept] : [kept, configured])
      for (const server of this.#servers)
        try {
          const own = ownOf();
          const bearer = own !== undefined && own === current ? presentText(token) : token && textOf(token);
          const answer = await this.#ask({ server, ...(await this.#channel(own)), token: bearer?.trim(), csr });
          if (own === undefined || own !== current || this.#askedWith === undefined)
            this.#askedWith = hashOf(bearer) ?? this.#askedWith;
          return answer;
        } catch (error) {
          failure = error;
        }
    throw failure;
  }

  async #follow(): Promise<void> {
    for await (const kept of this.#keeper.current.watch()) if (kept !== undefined) this.#publish();
  }

  #publish(): void {
    const kept = this.#keeper.current.get();
    if (kept === undefined) return;
    const validation = this.#validation ?? { trustedCa: { inlineString: kept.roots } };
    this.#file?.save({
      certificate: kept,
      ...(this.#validation !== undefined && { validation: this.#validation }),
      ...(this.#askedWith !== undefined && { token: this.#askedWith }),
    });
    const own: Secret = {
      name: WORKLOAD_SECRET,
      tlsCertificate: { certificateChain: { inlineString: kept.chain }, privateKey: { inlineString: kept.key } },
    };
    this.secrets.set([
      {
        name: ROOTS_SECRET,
        version: hashText(JSON.stringify(validation)),
        resource: { name: ROOTS_SECRET, validationContext: validation },
      },
      { name: WORKLOAD_SECRET, version: hashText(kept.chain), resource: own },
    ]);
    this.#log.debug("the proxy has a certificate", { until: new Date(kept.notAfterMs).toISOString() });
  }
}

/** A token that may be gone: it was of use once, and the certificate that came of it is enough. */
function presentText(path: string | undefined): string | undefined {
  try {
    return path && textOf(path);
  } catch {
    return undefined;
  }
}

function hashOf(token: string | undefined): string | undefined {
  const text = token?.trim() ?? "";
  return text === "" ? undefined : createHash("sha256").update(text).digest("hex");
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError("control.tls", `${path} can't be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
