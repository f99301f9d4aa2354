import { describeKill, sharedRegistry } from "../conformance/shared-registry.ts";
import { kubernetesList, startKubernetesRegistry } from "../conformance/sources/kubernetes.ts";
import { describeSources } from "../conformance/sources/run.ts";

// The list of all sources over a real API server of Kubernetes, with impostors that speak TLS with its certificate.
const registry = sharedRegistry(startKubernetesRegistry);
describeKill(registry, [describeSources("kubernetes", ["api"], registry, { lists: { api: kubernetesList } })]);
