import type { Clock } from "../../base/clock.ts";
import { Latest } from "../../base/latest.ts";
import type { Logger } from "../../base/log.ts";
import type { NamedResource } from "../../codecs/xds/resources.ts";
import type { Secret } from "../../codecs/xds/secret.ts";
import type { KubernetesApi } from "../../kubernetes/api.ts";
import { reflect } from "../../kubernetes/reflector.ts";
import { type CredentialTexts, secretsOf } from "../credentials.ts";

/** Where Secrets are. */
export interface SecretsSourceOptions {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Most credentials that are followed. */
const MAX_CREDENTIALS = 500;
const ROOTS_SUFFIX = "-cacert";
/** As a Secret of the type `kubernetes.io/tls` calls its parts, and as Istio called them in those of no type. */
const KEYS: Readonly<Record<keyof CredentialTexts, readonly string[]>> = {
  certificate: ["tls.crt", "cert"],
  key: ["tls.key", "key"],
  roots: ["ca.crt", "cacert"],
};

interface Followed {
  readonly stop: AbortController;
  readonly done: Promise<unknown>;
  /** Of the Secret itself, and of that with its roots. */
  readonly parts: Map<string, CredentialTexts>;
  secrets: readonly NamedResource<Secret>[];
}

/**
 * Follows those Secrets of a namespace that rules name as credentials, each by its name alone: no other one is read. The roots may stand
 * in the Secret, or in another with `-cacert` behind its name. One that is wrong, and one that is out of reach, stays as it was.
 */
export class SecretsSource {
  readonly current = new Latest<readonly NamedResource<Secret>[]>([]);
  readonly #options: SecretsSourceOptions;
  readonly #followed = new Map<string, Followed>();

  constructor(options: SecretsSourceOptions) {
    this.#options = options;
  }

  /** The credentials that count from now on. */
  follow(names: ReadonlySet<string>): void {
    for (const [name, { stop }] of this.#followed) {
      if (names.has(name)) continue;
      stop.abort();
      this.#followed.delete(name);
    }
    for (const name of names)
      if (!this.#followed.has(name) && this.#followed.size < MAX_CREDENTIALS)
        this.#followed.set(name, this.#followOne(name));
    this.#publish();
  }

  async close(): Promise<void> {
    const all = [...this.#followed.values()];
    for (const { stop } of all) stop.abort();
    this.current.close();
    await Promise.all(all.map(({ done }) => done));
  }

  #followOne(credential: string): Followed {
    const { api, namespace, clock, log } = this.#options;
    const stop = new AbortController();
    const parts = new Map<string, CredentialTexts>();
    let said = "";
    const done = [credential, `${credential}${ROOTS_SUFFIX}`].map((name) => {
      const put = (object: unknown) => {
        if (object === undefined) parts.delete(name);
        else parts.set(name, textsOf(object));
        this.#make(credential, followed);
      };
      return reflect({
        ...{ api, clock, signal: stop.signal },
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`,
        query: `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`,
        onList: ([object]) => put(object),
        onObject: (object, isDeleted) => put(isDeleted ? undefined : object),
        onAnswer: () => {
          said = "";
        },
        onFailure: (error) => {
          const reason = error instanceof Error ? error.message : String(error);
          if (reason !== said)
            log.warn("a credential can't be read; what was read of it before stays", { credential, reason });
          said = reason;
        },
      });
    });
    const followed: Followed = { stop, parts, secrets: [], done: Promise.all(done) };
    return followed;
  }

  #make(credential: string, followed: Followed): void {
    const own = followed.parts.get(credential) ?? {};
    const roots = followed.parts.get(`${credential}${ROOTS_SUFFIX}`)?.roots ?? own.roots;
    try {
      followed.secrets = secretsOf(credential, { ...own, ...(roots !== undefined && { roots }) });
    } catch (error) {
      const reason = (error as Error).message;
      this.#options.log.error("a credential can't be used; what was read of it before stays", { credential, reason });
      return;
    }
    this.#publish();
  }

  #publish(): void {
    const list = [...this.#followed.values()].flatMap(({ secrets }) => secrets);
    list.sort((a, b) => (a.name < b.name ? -1 : 1));
    const before = this.current.get();
    if (list.length !== before.length || list.some((one, i) => one !== before[i])) this.current.set(list);
  }
}

/** What a Secret holds of a credential; its data are base64. */
function textsOf(object: unknown): CredentialTexts {
  const { data } = (object ?? {}) as { readonly data?: Readonly<Record<string, unknown>> };
  const found = Object.entries(KEYS).flatMap(([part, keys]) => {
    const key = keys.find((one) => typeof data?.[one] === "string" && data[one] !== "");
    return key === undefined ? [] : [[part, Buffer.from(data![key] as string, "base64").toString("utf8")] as const];
  });
  return Object.fromEntries(found);
}
