import { parsePlaceUrl } from "./place-url.ts";
import type { Fail } from "./registries.ts";

/** A Kubernetes cluster as a source of rules. */
export interface ClusterPlace {
  /** As it was written: what it is called. */
  readonly url: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Namespaces whose objects count; none for all. */
  readonly namespaces: readonly string[];
  /** Whether what became of an object is written into its status. */
  readonly status: boolean;
  /** Whether things begin while kinds of security can't be read. */
  readonly optionalPolicies: boolean;
}

const QUERY: readonly string[] = ["context", "namespace", "status", "policies"];

/** Whether an item of `rules` is a cluster and not a path. */
export function isCluster(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//.test(text);
}

/** Reads an item of `rules` that {@link isCluster}: `kubernetes://KUBECONFIG?context=NAME&namespace=a,b&status=off&policies=optional`; faults go to `fail`. */
export function parseCluster(text: string, fail: (message: string) => void): ClusterPlace {
  const url = parsePlaceUrl(text);
  if (typeof url === "string" || url.scheme !== "kubernetes") {
    fail(
      typeof url === "string"
        ? url
        : `rules are read from files, folders and kubernetes://, not from ${url.scheme}://; a path needs no scheme`,
    );
    return { url: text, namespaces: [], status: false, optionalPolicies: false };
  }
  const { context, namespace, status = "on", policies = "required" } = url.query;
  for (const [name, value] of Object.entries(url.query)) {
    if (!QUERY.includes(name)) fail(`unknown parameter "${name}"; known here: ${QUERY.join(", ")}`);
    else if (value === "") fail(`${name} is empty; leave it out`);
  }
  const namespaces = namespace === undefined ? [] : [...new Set(namespace.split(","))];
  const wrong = namespaces.find((one) => !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(one));
  if (wrong !== undefined && namespace !== "") fail(`"${wrong}" is no name of a namespace`);
  if (!["on", "off", ""].includes(status)) fail(`status is "${status}"; it must be on or off`);
  if (!["required", "optional", ""].includes(policies))
    fail(`policies is "${policies}"; it must be required or optional`);
  return {
    url: text,
    ...(url.path !== "" && { kubeconfig: url.path }),
    ...(context !== undefined && { context }),
    namespaces,
    status: status !== "off",
    optionalPolicies: policies === "optional",
  };
}

const READER = /^[A-Za-z0-9._-]{1,253}\/(\*|[A-Za-z0-9._-]{1,253})$/;

/** Checks `credentials`, a folder, or a cluster with the one namespace whose Secrets count, and `credentialReaders`. */
export function checkCredentials(
  place: string | undefined,
  readers: readonly string[],
  fail: Fail,
): { readonly credentials?: string; readonly credentialReaders: readonly string[] } {
  for (const [i, reader] of readers.entries())
    if (!READER.test(reader))
      fail(`credentialReaders[${i}]`, `"${reader}" is no NAMESPACE/ACCOUNT or NAMESPACE/*, such as edge/gateway`);
  if (place === undefined) {
    if (readers.length > 0) fail("credentialReaders", "there are no credentials to be read; give credentials");
    return { credentialReaders: readers };
  }
  if (isCluster(place)) {
    const { namespaces } = parseCluster(place, (message) => fail("credentials", message));
    if (namespaces.length > 1) fail("credentials", "Secrets are read of one namespace; name one");
  }
  return { credentials: place, credentialReaders: readers };
}

/** Checks the items of `rules`; `at` says where the i-th stands. */
export function checkRules(rules: readonly string[], at: (i: number) => string, fail: Fail): readonly string[] {
  for (const [i, text] of rules.entries()) if (isCluster(text)) parseCluster(text, (message) => fail(at(i), message));
  return rules;
}
