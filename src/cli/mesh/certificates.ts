import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { realClock, type Timer } from "../../base/clock.ts";
import { ConfigError } from "../../base/errors.ts";
import type { Latest } from "../../base/latest.ts";
import type { Logger } from "../../base/log.ts";
import { createMetrics, type Metrics } from "../../base/metrics.ts";
import { addressBytes } from "../../codecs/x509/address.ts";
import { parsePem } from "../../codecs/x509/pem.ts";
import { decodeRequest } from "../../codecs/x509/request.ts";
import type { NamedResource, ResourceSet } from "../../codecs/xds/resources.ts";
import type { Secret } from "../../codecs/xds/secret.ts";
import { readAuthority } from "../../control/ca/authority.ts";
import { type Authenticator, byCertificate, certificateIdentity } from "../../control/ca/callers.ts";
import { CertificateAuthority, type TrustMemory } from "../../control/ca/certificate-authority.ts";
import { certificateService, type GrpcService } from "../../control/ca/certificate-service.ts";
import { authorityPaths, type FollowedFiles, followFiles, textsOf } from "../../control/ca/files.ts";
import { createIssue } from "../../control/ca/issue.ts";
import { CertificateKeeper } from "../../control/ca/keeper.ts";
import { makeRoot, needsRoot, writeAuthority } from "../../control/ca/own-root.ts";
import { parseRevoked } from "../../control/ca/revoked.ts";
import { SecretStore } from "../../control/ca/secrets.ts";
import { byTokenReview, reviewsBy } from "../../control/ca/token-review.ts";
import { byToken, parseTokens, type TokenTable } from "../../control/ca/tokens.ts";
import { listenTls, type TlsListener, type TlsMaterial } from "../../control/tls-listener.ts";
import { openKubernetes } from "../../kubernetes/client.ts";
import { renewingApi } from "../../kubernetes/renewing-api.ts";
import type { Finding } from "../../model/entry.ts";
import { hashText } from "../../model/hash-text.ts";
import { type Identity, parseIdentity, printIdentity } from "../../model/identity.ts";
import type { MeshSettings } from "../../model/mesh.ts";
import type { CaConfig, TrestleConfig } from "../config/config.ts";

/** How often the state is written and the age of an own root looked at, ms. */
const KEEP_MS = 60_000;

/** The certificate authority of a running mesh, with what it serves. */
export class Certificates {
  readonly authority: CertificateAuthority;
  readonly secrets: SecretStore;
  readonly metrics: Metrics = createMetrics();
  readonly #options: {
    readonly ca: CaConfig;
    readonly mesh: MeshSettings;
    readonly data: string | undefined;
    readonly log: Logger;
  };
  readonly #identity: Identity;
  readonly #followed: FollowedFiles[] = [];
  #tokens: TokenTable = new Map();
  #listener: TlsListener | undefined;
  #stopServing: (() => void) | undefined;
  #timer: Timer | undefined;
  #keeper: CertificateKeeper | undefined;
  #kept = "";
  #revokedFault: string | undefined;

  constructor({ mesh, proxy, data }: Pick<TrestleConfig, "mesh" | "proxy" | "data">, ca: CaConfig, log: Logger) {
    const { validityMs, maxValidityMs, overlapMs, key } = ca;
    const { trustDomain, namespace } = mesh;
    this.#options = { ca, mesh, data, log };
    this.#identity = { trustDomain, namespace, serviceAccount: proxy.serviceAccount };
    const validity = { defaultMs: validityMs, maxMs: maxValidityMs };
    this.authority = new CertificateAuthority({ random: randomBytes, validity, overlapMs });
    this.secrets = new SecretStore({ authority: this.authority, keyType: key, random: Math.random });
  }

  /** What is wrong with the files that it goes by. */
  findings(): readonly Finding[] {
    if (this.#revokedFault === undefined) return [];
    const message = `the list of revoked certificates can't be used, the last good one stays in force: ${this.#revokedFault}`;
    return [{ code: "TR0801", severity: "error", message, at: this.#options.ca.revoked ?? "" }];
  }

  /** Where certificates are asked for, `host:port`; undefined where that is not served. */
  get address(): string | undefined {
    return this.#listener?.address;
  }

  /** The secrets of this process' own proxies. */
  own(): readonly NamedResource<Secret>[] {
    return this.secrets.secretsOf(this.#identity);
  }

  /** The identity of a client certificate that TLS has checked, as a SPIFFE id; undefined for one of another mesh, or revoked. */
  identityOf(der: Uint8Array): string | undefined {
    if (this.authority.isRevoked(der)) return undefined;
    const identity = certificateIdentity(der, this.#options.mesh.trustDomain);
    return identity === undefined ? undefined : printIdentity(identity);
  }

  /** The secrets of a SPIFFE id of {@link identityOf}. */
  secretsOf(uri: string): readonly NamedResource<Secret>[] {
    const identity = parseIdentity(uri);
    return identity === undefined ? [] : this.secrets.secretsOf(identity);
  }

  /** Reads all files, and makes a root where there is none. Rejects with a `ConfigError` where there is no key then. */
  async start(): Promise<void> {
    const { ca } = this.#options;
    this.authority.restore(this.#readMemory());
    this.#followAuthority();
    if (ca.revoked !== undefined) this.#followRevoked(ca.revoked);
    if (ca.tokens !== undefined)
      this.#follow([ca.tokens], "the file of tokens", ([text]) => {
        if (text === undefined)
          this.#options.log.warn("the file of tokens is not there: nobody has one", { path: ca.tokens });
        this.#tokens = parseTokens(text ?? "", this.#options.mesh.trustDomain);
      });
    await Promise.all(this.#followed.map((one) => one.rescan()));
    // Who is revoked must be known before anybody is let in.
    if (this.#revokedFault !== undefined) throw new ConfigError("ca.revoked", this.#revokedFault);
    // The reason is logged by whoever reads the files.
    if (this.authority.trust === undefined)
      throw new ConfigError("ca", "the certificate authority has no key: nothing can be signed");
    if (this.authority.validation.get()?.onlyVerifyLeafCertCrl === true)
      this.#options.log.warn(
        "revoked certificates need ca-crl.pem beside an intermediate: Trestle's proxies refuse all peers without",
        {
          folder: ca.certificates,
        },
      );
    this.#keepOn();
  }

  /** Listens where the configuration says, for certificates and these services. Rejects where the address can't be had. */
  async serve(services: readonly GrpcService[]): Promise<void> {
    const { listen } = this.#options.ca;
    if (listen !== undefined) await this.#serve(listen, services);
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#keeper?.close();
    for (const one of this.#followed) one.close();
    this.#stopServing?.();
    await this.#listener?.close();
    this.#keep();
    this.secrets.close();
    this.authority.close();
  }

  /** A list that is gone, or cannot be read, leaves the last good one in force. */
  #followRevoked(path: string): void {
    this.#followed.push(
      followFiles({
        paths: [path],
        what: "the list of revoked certificates",
        logger: this.#options.log,
        take: ([text]) => {
          if (text === undefined) throw new ConfigError("ca.revoked", `${path} is missing`);
          this.authority.revoke(parseRevoked(text));
          this.#listener?.recheck();
        },
        onFault: (reason) => {
          this.#revokedFault = reason;
        },
      }),
    );
  }

  #follow(paths: readonly string[], what: string, take: (texts: readonly (string | undefined)[]) => void): void {
    this.#followed.push(followFiles({ paths, what, take, logger: this.#options.log }));
  }

  /** The folder that is configured, else our own below `data`, else a root that lives as long as this process. */
  #followAuthority(): void {
    const { ca, data, log } = this.#options;
    const folder = ca.certificates ?? (data === undefined ? undefined : join(data, "ca"));
    if (folder === undefined) {
      log.warn("the root of the certificate authority is kept in memory alone; give data or ca.certificates");
      this.authority.take(readAuthority(this.#newRoot(), realClock.now()));
      return;
    }
    if (ca.certificates === undefined) this.#makeRootIn(folder);
    this.#follow(authorityPaths(folder), `the certificate authority of ${folder}`, (texts) =>
      this.authority.take(readAuthority(textsOf(texts), realClock.now())),
    );
  }

  #newRoot() {
    const { ca, mesh } = this.#options;
    return makeRoot({ trustDomain: mesh.trustDomain, key: ca.key, random: randomBytes, nowMs: realClock.now() });
  }

  /** Makes our own root where there is none, and the next one before it ends; that one is taken up as any other that is put there. */
  #makeRootIn(folder: string): void {
    const texts = textsOf(authorityPaths(folder).map(readIfThere));
    if (!needsRoot(texts, realClock.now())) return;
    writeAuthority(folder, this.#newRoot());
    this.#options.log.info("made a root for the certificate authority", { folder });
  }

  #keepOn(): void {
    const { ca, data } = this.#options;
    this.#keep();
    try {
      if (data !== undefined && ca.certificates === undefined && this.authority.trust !== undefined)
        this.#makeRootIn(join(data, "ca"));
    } catch (error) {
      this.#options.log.error("the next root can't be written; trying on", { reason: (error as Error).message });
    }
    this.#timer = realClock.after(KEEP_MS, () => this.#keepOn());
  }

  #memoryPath(): string | undefined {
    const { data } = this.#options;
    return data === undefined ? undefined : join(data, "ca-trust.json");
  }

  #readMemory(): TrustMemory {
    const path = this.#memoryPath();
    const text = path === undefined ? undefined : readIfThere(path);
    if (text === undefined) return [];
    try {
      return JSON.parse(text) as TrustMemory;
    } catch {
      this.#options.log.error("what was kept of former roots can't be read", { path });
      return [];
    }
  }

  #keep(): void {
    const path = this.#memoryPath();
    const text = JSON.stringify(this.authority.memory);
    if (path === undefined || this.authority.trust === undefined || text === this.#kept) return;
    try {
      writeFileSync(`${path}.new`, text, { mode: 0o600 });
      renameSync(`${path}.new`, path);
      this.#kept = text;
    } catch (error) {
      this.#options.log.error("the roots in use can't be written down", { reason: (error as Error).message });
    }
  }

  async #serve(
    { host, port }: { readonly host: string; readonly port: number },
    services: readonly GrpcService[],
  ): Promise<void> {
    const { log } = this.#options;
    const { Server, ServerCredentials } = await import("@grpc/grpc-js");
    const issue = createIssue({
      authority: this.authority,
      ways: await this.#ways(),
      metrics: this.metrics,
      logger: log,
    });
    const server = new Server({
      "grpc.max_receive_message_length": 4 * 1024 * 1024,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": 100,
      // Clients that are gone without a word are noticed by this.
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 20_000,
      "grpc.enable_channelz": 0,
    });
    for (const one of [certificateService(issue, log), ...services])
      server.addService(one.definition, one.implementation);
    this.#keeper = this.#openKeeper();
    await this.#keeper.start();
    const material = this.#material();
    if (material === undefined) throw new ConfigError("ca", "the certificate of ca.listen can't be made");
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#listener = await listenTls({
      host,
      port,
      material,
      logger: log,
      isRefused: (der) => this.authority.isRevoked(der),
      onConnection: (socket) => injector.injectConnection(socket),
    });
    this.#stopServing = () => {
      injector.destroy();
      server.forceShutdown();
    };
    for (const one of [this.authority.validation, this.#keeper.current]) void this.#followLatest(one);
  }

  /** Certificates and roots change; connections from then on get the new ones. */
  async #followLatest(latest: Pick<Latest<unknown>, "watch">): Promise<void> {
    for await (const _ of latest.watch()) {
      const material = this.#material();
      if (material !== undefined) this.#listener?.update(material);
    }
  }

  async #ways(): Promise<readonly Authenticator[]> {
    const { ca, mesh } = this.#options;
    const ways = [byCertificate(mesh.trustDomain, (der) => this.authority.isRevoked(der))];
    if (ca.tokens !== undefined) ways.push(byToken(() => this.#tokens));
    if (ca.kubernetes !== undefined) {
      const { kubeconfig, audiences } = ca.kubernetes;
      const open = () => openKubernetes(kubeconfig === undefined ? {} : { kubeconfig });
      // A kubeconfig that is wrong ends the start; later its tokens and certificates may be replaced.
      await open();
      const api = renewingApi(open);
      ways.push(byTokenReview(reviewsBy(api), audiences, mesh.trustDomain));
    }
    return ways;
  }

  /** The server's own certificate: signed here, for the names that are configured. */
  #openKeeper(): CertificateKeeper {
    const { ca, log } = this.#options;
    const names = {
      dns: ca.names.filter((name) => isIP(name) === 0),
      ips: ca.names.filter((name) => isIP(name) !== 0).map(addressBytes),
    };
    return new CertificateKeeper({
      logger: log,
      random: Math.random,
      request: async (csr) => this.authority.sign(decodeRequest(parsePem("CERTIFICATE REQUEST", csr)[0]!), names).chain,
    });
  }

  /** What the port shows and trusts; undefined before its certificate is there. */
  #material(): TlsMaterial | undefined {
    const kept = this.#keeper?.current.get();
    const validation = this.authority.validation.get();
    if (kept === undefined || validation === undefined) return undefined;
    const { trustedCa, crl, onlyVerifyLeafCertCrl } = validation;
    return {
      chain: kept.chain,
      key: kept.key,
      roots: trustedCa.inlineString,
      ...(crl !== undefined && onlyVerifyLeafCertCrl !== true && { crl: crl.inlineString }),
    };
  }
}

/** A set with a proxy's own secrets in it, under another version; without secrets the set itself. */
export function withSecrets(
  resources: ResourceSet,
  secrets: readonly NamedResource<Secret>[] | undefined,
): ResourceSet {
  if (secrets === undefined || secrets.length === 0) return resources;
  const version = hashText([resources.version, ...secrets.map((one) => one.version)].join());
  return { ...resources, version, secrets };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
