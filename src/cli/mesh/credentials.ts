import { realClock } from "../../base/clock.ts";
import type { Latest } from "../../base/latest.ts";
import type { Logger } from "../../base/log.ts";
import type { NamedResource } from "../../codecs/xds/resources.ts";
import type { Secret } from "../../codecs/xds/secret.ts";
import { createCredentials } from "../../control/credentials.ts";
import { SecretsSource } from "../../control/kubernetes/secrets-source.ts";
import { credentialNames } from "../../control/rules/credential-names.ts";
import { openKubernetes } from "../../kubernetes/client.ts";
import { renewingApi } from "../../kubernetes/renewing-api.ts";
import type { Rule } from "../../model/rule.ts";
import { isCluster, parseCluster } from "../config/rule-places.ts";

/** The certificates that rules name, of a folder or of a cluster's Secrets. */
export interface OpenCredentials {
  readonly current: Latest<readonly NamedResource<Secret>[]>;
  /** Reads a folder for the first time; Secrets come when rules name them. */
  rescan(): Promise<void>;
  /** The rules from now on: of a cluster, what they do not name is not read. */
  setRules(rules: readonly Rule[]): void;
  close(): void;
}

/** Opens the folder, or the cluster, that `place` is; without one there are none. */
export function openCredentials(place: string | undefined, log: Logger): OpenCredentials {
  if (place === undefined || !isCluster(place)) {
    const files = createCredentials({ folder: place, log });
    return { ...files, setRules: () => {} };
  }
  const { namespaces, kubeconfig, context } = parseCluster(place, () => {});
  const at = { ...(kubeconfig !== undefined && { kubeconfig }), ...(context !== undefined && { context }) };
  const api = renewingApi(() => openKubernetes(at));
  const source = new SecretsSource({ api, namespace: namespaces[0] ?? "default", clock: realClock, log });
  return {
    current: source.current,
    rescan: () => Promise.resolve(),
    setRules: (rules) => source.follow(credentialNames(rules)),
    close: () => void source.close(),
  };
}
