import type { RuleObject } from "../../src/control/kubernetes/objects.ts";

/** A VirtualService of a cluster, shop/orders, as it is read. */
export function ruleObject(changes: Partial<RuleObject> = {}, isValid = true): RuleObject {
  return {
    resource: {
      ...{ kind: "VirtualService", group: "networking.istio.io", plural: "virtualservices", version: "v1" },
      hasStatus: true,
    },
    ...{ namespace: "shop", name: "orders", generation: 1, resourceVersion: "1", parentRefs: [], status: {} },
    state: { path: "VirtualService shop/orders", rules: [], findings: [], valid: isValid },
    ...changes,
  };
}
