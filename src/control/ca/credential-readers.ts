import { forgetOldest } from "../../base/bounded.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { Latest } from "../../base/latest.ts";
import type { Logger } from "../../base/log.ts";
import type { KubernetesApi } from "../../kubernetes/api.ts";
import type { Identity } from "../../model/identity.ts";

/** Says which identities may be given the keys of which credentials. Labels, which clients give themselves, count for nothing here. */
export interface CredentialReaders {
  /** Grows when an answer is another one now. */
  readonly changes: Latest<number>;
  /** Undefined while that is not known: nothing is given then. */
  mayRead(identity: Identity, credential: string): boolean | undefined;
  close(): void;
}

/** Whether one of the items `NAMESPACE/ACCOUNT` or `NAMESPACE/*` is an identity. */
export function isListed({ namespace, serviceAccount }: Identity, accounts: readonly string[]): boolean {
  return accounts.some((one) => one === `${namespace}/${serviceAccount}` || one === `${namespace}/*`);
}

/** The accounts that are listed may read all credentials, nobody else any. */
export function listedReaders(accounts: readonly string[]): CredentialReaders {
  const changes = new Latest(0);
  return { changes, mayRead: (identity) => isListed(identity, accounts), close: () => changes.close() };
}

/** What {@link ReviewedReaders} asks, and where. */
export interface ReviewedReadersOptions {
  readonly api: Pick<KubernetesApi, "send">;
  /** Where the Secrets are. */
  readonly namespace: string;
  /** Accounts that need no review. */
  readonly accounts: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often rights are looked at anew, ms. */
const AGAIN_MS = 60_000;
/** Answers that are remembered; of more, those that were asked for longest ago are forgotten. */
const MAX_KNOWN = 10_000;
/** Questions at a time. */
const AT_ONCE = 8;

interface Known {
  readonly account: string;
  readonly credential: string;
  /** Undefined before the first answer. */
  allowed: boolean | undefined;
}

/**
 * A Secret of Kubernetes is given to service accounts of its own namespace that may `get` it themselves, as the API server says
 * (LocalSubjectAccessReview, which a Role of that namespace may allow): so a proxy is told no more than it could read. While nobody answers, the last answer counts.
 * Source: authorization.k8s.io/v1; istio/istio pilot/pkg/credentials/kube.
 */
export class ReviewedReaders implements CredentialReaders {
  readonly changes = new Latest(0);
  readonly #options: ReviewedReadersOptions;
  readonly #known = new Map<string, Known>();
  /** What is to be asked. */
  readonly #asked = new Set<Known>();
  readonly #stop = new AbortController();
  #running = 0;
  #timer: Timer | undefined;
  #said = "";

  constructor(options: ReviewedReadersOptions) {
    this.#options = options;
  }

  mayRead(identity: Identity, credential: string): boolean | undefined {
    const { accounts, namespace } = this.#options;
    if (isListed(identity, accounts)) return true;
    if (identity.namespace !== namespace) return false;
    const key = `${identity.serviceAccount} ${credential}`;
    let one = this.#known.get(key);
    if (one === undefined) {
      one = { account: identity.serviceAccount, credential, allowed: undefined };
      this.#ask(one);
    }
    this.#known.delete(key);
    this.#known.set(key, one);
    forgetOldest(this.#known, MAX_KNOWN);
    return one.allowed;
  }

  close(): void {
    this.#stop.abort();
    this.#timer?.cancel();
    this.changes.close();
  }

  #ask(one: Known): void {
    if (this.#stop.signal.aborted) return;
    this.#asked.add(one);
    this.#timer ??= this.#options.clock.after(AGAIN_MS, () => {
      this.#timer = undefined;
      for (const known of this.#known.values()) this.#ask(known);
    });
    if (this.#running < AT_ONCE) void this.#work();
  }

  async #work(): Promise<void> {
    this.#running++;
    for (const one of this.#asked) {
      this.#asked.delete(one);
      await this.#review(one);
    }
    this.#running--;
  }

  async #review(one: Known): Promise<void> {
    const { api, namespace, log } = this.#options;
    const spec = {
      user: `system:serviceaccount:${namespace}:${one.account}`,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
      resourceAttributes: { namespace, verb: "get", version: "v1", resource: "secrets", name: one.credential },
    };
    const meta = { apiVersion: "authorization.k8s.io/v1", kind: "LocalSubjectAccessReview", metadata: { namespace } };
    const path = `/apis/authorization.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/localsubjectaccessreviews`;
    try {
      const allowed = isAllowed(await api.send("POST", path, { ...meta, spec }, this.#stop.signal));
      this.#said = "";
      if (one.allowed === allowed) return;
      one.allowed = allowed;
      this.changes.set(this.changes.get() + 1);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#said)
        log.warn("who may read credentials can't be asked; answers from before stay, and nobody else is given any", {
          reason,
        });
      this.#said = reason;
    }
  }
}

function isAllowed(answer: unknown): boolean {
  const { status } = (answer ?? {}) as { readonly status?: { readonly allowed?: unknown; readonly denied?: unknown } };
  return status?.allowed === true && status.denied !== true;
}
