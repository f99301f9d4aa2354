import type { OrderMethod } from "./order-service.ts";

/** One setting of the demo's rules: their text, and what they promise. */
export interface Phase {
  readonly title: string;
  /** Content of the rule file; `""` for no rules at all. */
  readonly rules: string;
  /** Share of v2 in each method's calls, and how far a sample may lie from it. */
  readonly expected: Readonly<Record<OrderMethod, { readonly v2: number; readonly tolerance: number }>>;
}

const SUBSETS = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: order-versions}
spec:
  host: com.acme.OrderService
  subsets:
    - {name: v1, labels: {label: v1}}
    - {name: v2, labels: {label: v2}}
`;

/** Exact where a rule sends everything one way; four standard deviations of a hundred draws where chance decides. */
const EXACT = 0;
const byChance = (share: number) => 4 * Math.sqrt((share * (1 - share)) / 100);

/** What the demo shows, in order. */
export const PHASES: readonly Phase[] = [
  {
    title: "no rule: both versions answer every method",
    rules: "",
    expected: {
      createOrder: { v2: 0.5, tolerance: byChance(0.5) },
      getOrder: { v2: 0.5, tolerance: byChance(0.5) },
      sayHello: { v2: 0.5, tolerance: byChance(0.5) },
    },
  },
  {
    title: "a rule: createOrder goes to v2, sayHello to v2 in 3 of 10 calls, everything else to v1",
    rules: `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders-by-method}
spec:
  hosts: [com.acme.OrderService]
  http:
    - match: [{method: {exact: createOrder}}]
      route:
        - destination: {host: com.acme.OrderService, subset: v2}
    - match: [{method: {exact: sayHello}}]
      route:
        - {destination: {host: com.acme.OrderService, subset: v1}, weight: 70}
        - {destination: {host: com.acme.OrderService, subset: v2}, weight: 30}
    - route:
        - destination: {host: com.acme.OrderService, subset: v1}
---
${SUBSETS}`,
    expected: {
      createOrder: { v2: 1, tolerance: EXACT },
      getOrder: { v2: 0, tolerance: EXACT },
      sayHello: { v2: 0.3, tolerance: byChance(0.3) },
    },
  },
];
