import { X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { Secret } from "../../codecs/xds/secret.ts";
import type { CommonTlsContext, DataSource, PeerValidation, TlsParameters } from "../../codecs/xds/tls.ts";
import { compileNames, compilePins, type KeyTest, type NameTest } from "./peer.ts";
import { Trust } from "./trust.ts";

/** How long a session can be taken up again, s. It ends with the secrets that it began under. */
const SESSION_SECONDS = 3_600;
/** Contexts of OpenSSL that are kept for others to share; each has some ten KB. */
const MAX_SECURE = 64;
/** Roots with their lists that are kept for contexts to share. */
const MAX_TRUSTS = 16;
/** What Envoy takes, AES of 128 bits first: it is the cheapest where the processor has AES. */
const CIPHERS = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
];
/** Those of TLS 1.3, which are not chosen. */
const CIPHERS_13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
const VERSIONS = { TLSv1_0: "TLSv1", TLSv1_1: "TLSv1.1", TLSv1_2: "TLSv1.2", TLSv1_3: "TLSv1.3" } as const;

/** A TLS context as it is in force now; another object after every change of its secrets. */
export interface MadeContext {
  readonly secure: SecureContext;
  /** Undefined where any name will do. */
  readonly names: NameTest | undefined;
  /** Undefined where any key will do. */
  readonly pins: KeyTest | undefined;
  /** Whether a peer is asked for a certificate. */
  readonly asks: boolean;
  /** Whether a peer's chain has to be good. */
  readonly verifies: boolean;
  /** What peers are held against whose handshake is over. */
  readonly trust: Trust;
  /** Our own certificate and those above it, as it is shown. */
  readonly own: readonly X509Certificate[];
}

/** What TLS contexts are made from, with the secrets and files that they name. */
export class TlsContexts {
  readonly #secrets = new Map<string, Secret>();
  readonly #contexts = new Map<string, TlsContext>();
  /** By what they are made of: contexts that differ in names alone share one. */
  readonly #secure = new Map<string, SecureContext>();
  readonly #trusts = new Map<string, Trust>();
  readonly #readFile: (path: string) => string;
  /** Counts changes of secrets and looks at files: what was made before is looked at again. */
  version = 0;

  /** `readFile` throws where a file cannot be read. */
  constructor(readFile: (path: string) => string) {
    this.#readFile = readFile;
  }

  /** Puts a secret in place of the one of that name. New connections use it; those that are there live on. */
  setSecret(name: string, secret: Secret | undefined): void {
    if (secret === undefined) this.#secrets.delete(name);
    else this.#secrets.set(name, secret);
    this.version++;
  }

  /** Has files be read again; those that are the same change nothing. */
  refreshFiles(): void {
    for (const context of this.#contexts.values()) if (context.hasFiles) this.version++;
  }

  /** The context of that description: one for all that are the same. */
  of(common: CommonTlsContext): TlsContext {
    const key = JSON.stringify(common);
    let context = this.#contexts.get(key);
    if (context === undefined) {
      context = new TlsContext(this, common);
      this.#contexts.set(key, context);
    }
    return context;
  }

  /** The text of a source. Throws where a file cannot be read. */
  read(source: DataSource): string {
    return source.filename === undefined ? (source.inlineString ?? "") : this.#readFile(source.filename);
  }

  /** Roots and lists; contexts that have the same share what was read of them. */
  trust(roots: readonly string[], lists: readonly string[]): Trust {
    const key = [...roots, ...lists].join();
    let trust = this.#trusts.get(key);
    if (trust === undefined) {
      trust = new Trust(roots, lists);
      const [oldest] = this.#trusts.keys();
      if (oldest !== undefined && this.#trusts.size >= MAX_TRUSTS) this.#trusts.delete(oldest);
      this.#trusts.set(key, trust);
    }
    return trust;
  }

  /** OpenSSL's own context of these; the oldest are forgotten. Throws where they are of no use. */
  secureContext(options: SecureContextOptions): SecureContext {
    const key = JSON.stringify(options);
    let secure = this.#secure.get(key);
    if (secure === undefined) {
      secure = createSecureContext(options);
      const [oldest] = this.#secure.keys();
      if (oldest !== undefined && this.#secure.size >= MAX_SECURE) this.#secure.delete(oldest);
      this.#secure.set(key, secure);
    }
    return secure;
  }

  /** Throws where there is none. */
  secret(name: string): Secret {
    const secret = this.#secrets.get(name);
    if (secret === undefined) throw new Error(`secret ${name} is not known yet`);
    return secret;
  }
}

interface ReadOptions extends SecureContextOptions {
  readonly cert?: string[];
  readonly ca?: string[];
  readonly crl?: string[];
}

/** One description of TLS and what is made of it as secrets come and change. */
export class TlsContext {
  /** Some of its parts are files. */
  readonly hasFiles: boolean;
  readonly #contexts: TlsContexts;
  readonly #common: CommonTlsContext;
  #seenVersion = -1;
  #material = "";
  #made: MadeContext | undefined;
  #fault = "";

  constructor(contexts: TlsContexts, common: CommonTlsContext) {
    this.#contexts = contexts;
    this.#common = common;
    this.hasFiles = JSON.stringify(common).includes('"filename"');
  }

  /**
   * What is in force; undefined, and {@link fault} says why, where a secret is missing or of no use. One that was of use stays in force
   * when what takes its place is not.
   */
  current(): MadeContext | undefined {
    if (this.#seenVersion === this.#contexts.version) return this.#made;
    this.#seenVersion = this.#contexts.version;
    try {
      const { options, validation } = this.#read();
      const { ca, crl, cert } = options;
      const material = JSON.stringify([options, validation]);
      if (material === this.#material && this.#made !== undefined) return this.#made;
      this.#made = {
        secure: this.#contexts.secureContext(options),
        names: compileNames(validation?.matchTypedSubjectAltNames),
        pins: compilePins(validation),
        asks: ca !== undefined || validation?.trustChainVerification !== "ACCEPT_UNTRUSTED",
        verifies: validation?.trustChainVerification !== "ACCEPT_UNTRUSTED",
        trust: this.#contexts.trust(ca ?? [], crl ?? []),
        own: (cert?.[0]?.match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one)),
      };
      this.#material = material;
      this.#fault = "";
    } catch (error) {
      this.#fault = (error as Error).message;
    }
    return this.#made;
  }

  /** Why what was given last is not in force; `""` where it is. */
  get fault(): string {
    return this.#fault;
  }

  #read(): { readonly options: ReadOptions; readonly validation: PeerValidation | undefined } {
    const { read, certificates, validation } = this.#parts();
    return {
      validation,
      options: {
        ...agreed(this.#common.tlsParams),
        honorCipherOrder: true,
        sessionIdContext: "trestle",
        sessionTimeout: SESSION_SECONDS,
        ...(certificates.length > 0 && {
          cert: certificates.map(({ certificateChain }) => read(certificateChain)),
          key: certificates.map(({ privateKey }) => read(privateKey)),
        }),
        ...(validation?.trustedCa !== undefined && { ca: certificatesOf(read(validation.trustedCa)) }),
        ...(validation?.crl !== undefined && { crl: listsOf(read(validation.crl)) }),
      },
    };
  }

  #parts() {
    const contexts = this.#contexts;
    const common = this.#common;
    const own = common.tlsCertificateSdsSecretConfigs?.map(({ name }) => {
      const { tlsCertificate } = contexts.secret(name);
      if (tlsCertificate === undefined) throw new Error(`secret ${name} has no certificate`);
      return tlsCertificate;
    });
    const certificates = own ?? common.tlsCertificates ?? [];
    const roots = common.combinedValidationContext?.validationContextSdsSecretConfig;
    const named = roots ?? common.validationContextSdsSecretConfig;
    const trusted = named === undefined ? undefined : contexts.secret(named.name).validationContext;
    if (named !== undefined && trusted === undefined) throw new Error(`secret ${named.name} has no roots`);
    const asked = common.combinedValidationContext?.defaultValidationContext ?? common.validationContext;
    const validation: PeerValidation | undefined =
      trusted === undefined && asked === undefined ? undefined : { ...trusted, ...asked };
    return { read: (source: DataSource) => contexts.read(source), certificates, validation };
  }
}

/** OpenSSL takes TLS before 1.2 at its lowest level of security alone. */
function agreed({ tlsMinimumProtocolVersion: least = "TLSv1_2", ...more }: TlsParameters = {}) {
  const { tlsMaximumProtocolVersion: most, cipherSuites = CIPHERS } = more;
  const isOld = least === "TLSv1_0" || least === "TLSv1_1";
  return {
    minVersion: VERSIONS[least],
    ...(most !== undefined && { maxVersion: VERSIONS[most] }),
    ciphers: [...CIPHERS_13, ...cipherSuites, ...(isOld ? ["@SECLEVEL=0"] : [])].join(":"),
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const LIST = /-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g;

/** Each by itself: of a text with several, Node takes the first alone for one of them. */
function certificatesOf(pem: string): string[] {
  const found = pem.match(CERTIFICATE);
  if (found === null) throw new Error("the roots hold no certificate in PEM");
  return found;
}

function listsOf(pem: string): string[] {
  return pem.match(LIST) ?? [];
}
