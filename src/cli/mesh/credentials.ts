import { realClock } from "../../base/clock.ts";
import type { Latest } from "../../base/latest.ts";
import type { Logger } from "../../base/log.ts";
import type { NamedResource } from "../../codecs/xds/resources.ts";
import type { Secret } from "../../codecs/xds/secret.ts";
import { type CredentialReaders, listedReaders, ReviewedReaders } from "../../control/ca/credential-readers.ts";
import { createCredentials } from "../../control/credentials.ts";
import { SecretsSource } from "../../control/kubernetes/secrets-source.ts";
import { missingCredentials } from "../../control/rules/analyze/missing-credentials.ts";
import { credentialNames } from "../../control/rules/credential-names.ts";
import { openKubernetes } from "../../kubernetes/client.ts";
import { renewingApi } from "../../kubernetes/renewing-api.ts";
import type { Finding } from "../../model/entry.ts";
import type { Rule } from "../../model/rule.ts";
import type { TrestleConfig } from "../config/config.ts";
import { isCluster, parseCluster } from "../config/rule-places.ts";

/** The certificates that rules name, of a folder or of a cluster's Secrets. */
export interface OpenCredentials {
  readonly current: Latest<readonly NamedResource<Secret>[]>;
  /** Reads a folder for the first time; Secrets come when rules name them. */
  rescan(): Promise<void>;
  /** The rules from now on: of a cluster, what they do not name is not read. */
  setRules(rules: readonly Rule[]): void;
  /** Credentials that rules name and a folder does not have. What a cluster lacks, the log says. */
  findings(): readonly Finding[];
  /** Which clients elsewhere may be given them. */
  readonly readers: CredentialReaders;
  close(): void;
}

/** Opens the folder, or the cluster, that `credentials` is; without one there are none. */
export function openCredentials(
  { credentials: place, credentialReaders: accounts }: Pick<TrestleConfig, "credentials" | "credentialReaders">,
  log: Logger,
): OpenCredentials {
  if (place === undefined || !isCluster(place)) {
    const files = createCredentials({ folder: place, log });
    const readers = listedReaders(accounts);
    const close = () => {
      files.close();
      readers.close();
    };
    let rules: readonly Rule[] = [];
    return {
      current: files.current,
      rescan: () => files.rescan(),
      setRules: (some) => {
        rules = some;
      },
      findings: () => missingCredentials(rules, files.current.get()),
      readers,
      close,
    };
  }
  const { namespaces, kubeconfig, context } = parseCluster(place, () => {});
  const at = { ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) };
  const api = renewingApi(() => openKubernetes(at));
  const shared = { api, namespace: namespaces[0] ?? "default", clock: realClock, log };
  const source = new SecretsSource(shared);
  const readers = new ReviewedReaders({ ...shared, accounts });
  return {
    current: source.current,
    rescan: () => Promise.resolve(),
    setRules: (rules) => source.follow(credentialNames(rules)),
    findings: () => [],
    readers,
    close() {
      readers.close();
      void source.close();
    },
  };
}
