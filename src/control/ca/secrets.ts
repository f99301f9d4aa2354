import { createPublicKey } from "node:crypto";
import { forgetOldest } from "../../base/bounded.ts";
import { type Clock, realClock, type Timer } from "../../base/clock.ts";
import { Latest } from "../../base/latest.ts";
import { parsePem } from "../../codecs/x509/pem.ts";
import type { NamedResource } from "../../codecs/xds/resources.ts";
import {
  type CertificateValidationContext,
  ROOTS_SECRET,
  type Secret,
  WORKLOAD_SECRET,
} from "../../codecs/xds/secret.ts";
import { hashText } from "../../model/hash-text.ts";
import { type Identity, printIdentity } from "../../model/identity.ts";
import { createKey, type KeyType } from "./authority.ts";
import type { CertificateAuthority } from "./certificate-authority.ts";
import { renewalMs } from "./keeper.ts";

/** What secrets are made with. */
export interface SecretStoreOptions {
  readonly authority: CertificateAuthority;
  readonly keyType?: KeyType;
  readonly clock?: Clock;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Identities that are remembered; the one that was asked for longest ago is forgotten first. */
  readonly maxIdentities?: number;
}

interface Kept {
  /** DER of the certificate. */
  readonly der: Uint8Array;
  readonly resource: NamedResource<Secret>;
  readonly renewAtMs: number;
  /** With the roots, as it was given out last. */
  list: readonly NamedResource<Secret>[];
}

/**
 * Secrets that control makes for others: a key with its certificate for each identity, and the roots to trust. Both are given to an
 * authenticated connection of that identity alone, or to a worker of this process.
 */
export class SecretStore {
  /** Grows with every change of a secret that was given out. */
  readonly changes = new Latest(0);
  readonly #options: SecretStoreOptions;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #roots: { readonly of: CertificateValidationContext; readonly resource: NamedResource<Secret> } | undefined;
  #timer: Timer | undefined;
  readonly #stop = new AbortController();

  constructor(options: SecretStoreOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    void this.#followRoots();
  }

  /** The secrets of an identity, in order of names; none while the authority has no key. What did not change is the same list and object. */
  secretsOf(identity: Identity): readonly NamedResource<Secret>[] {
    const roots = this.#rootsNow();
    if (roots === undefined) return [];
    const uri = printIdentity(identity);
    const known = this.#kept.get(uri);
    const one = known === undefined || known.renewAtMs <= this.#clock.now() ? this.#make(identity) : known;
    this.#kept.delete(uri);
    this.#kept.set(uri, one);
    forgetOldest(this.#kept, this.#options.maxIdentities ?? 20_000);
    this.#wait();
    if (one.list[0] !== roots) one.list = [roots, one.resource];
    return one.list;
  }

  close(): void {
    this.#stop.abort();
    this.#timer?.cancel();
    this.changes.close();
  }

  async #followRoots(): Promise<void> {
    const { authority } = this.#options;
    for await (const _ of authority.validation.watch(this.#stop.signal)) {
      // A certificate that is revoked is not given out any more: its owner gets another one.
      for (const [uri, { der }] of this.#kept) if (authority.isRevoked(der)) this.#kept.delete(uri);
      this.#tell();
    }
  }

  #tell(): void {
    this.changes.set(this.changes.get() + 1);
  }

  #rootsNow(): NamedResource<Secret> | undefined {
    const of = this.#options.authority.validation.get();
    if (of !== undefined && this.#roots?.of !== of) this.#roots = { of, resource: rootsSecret(of) };
    return this.#roots?.resource;
  }

  #make(identity: Identity): Kept {
    const { authority, keyType = "ec", random } = this.#options;
    const key = createKey(keyType);
    const publicKey = createPublicKey(key).export({ format: "der", type: "spki" });
    const leaf = authority.sign({ publicKey }, { uris: [printIdentity(identity)] });
    const privateKey = key.export({ format: "pem", type: "pkcs8" }) as string;
    const [der] = parsePem("CERTIFICATE", leaf.chain[0]!);
    return {
      der: der!,
      resource: workloadSecret(leaf.sent, privateKey),
      renewAtMs: renewalMs(leaf, random()),
      list: [],
    };
  }

  /** Forgets what is due, and tells: who needs it asks again and gets a new one. */
  #wait(): void {
    if (this.#timer !== undefined) return;
    const dueMs = Math.min(...[...this.#kept.values()].map(({ renewAtMs }) => renewAtMs));
    if (!Number.isFinite(dueMs)) return;
    const waitMs = Math.min(Math.max(1_000, dueMs - this.#clock.now()), 86_400_000);
    this.#timer = this.#clock.after(waitMs, () => {
      this.#timer = undefined;
      const due = [...this.#kept].filter(([, { renewAtMs }]) => renewAtMs <= this.#clock.now());
      for (const [uri] of due) this.#kept.delete(uri);
      if (due.length > 0) this.#tell();
      this.#wait();
    });
  }
}

/** Names the version by the certificate: another key has another. */
function workloadSecret(chain: string, privateKey: string): NamedResource<Secret> {
  return {
    name: WORKLOAD_SECRET,
    version: hashText(chain),
    resource: {
      name: WORKLOAD_SECRET,
      tlsCertificate: { certificateChain: { inlineString: chain }, privateKey: { inlineString: privateKey } },
    },
  };
}

function rootsSecret(validationContext: CertificateValidationContext): NamedResource<Secret> {
  const resource = { name: ROOTS_SECRET, validationContext };
  return { name: ROOTS_SECRET, version: hashText(JSON.stringify(validationContext)), resource };
}
