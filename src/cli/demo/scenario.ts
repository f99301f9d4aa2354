import type { OrderMethod } from "./order-service.ts";

/** Who calls: each speaks another protocol. */
export const CALLERS = ["Dubbo2", "Triple", "gRPC", "JSON"] as const;

/** A caller of the demo, as its table names it. */
export type Caller = (typeof CALLERS)[number];

/** A share of v2, and how far a sample of a hundred calls may lie from it. */
export interface Share {
  readonly v2: number;
  readonly tolerance: number;
}

/** One setting of the demo's rules: their text, and what they promise. */
export interface Phase {
  readonly title: string;
  /** Content of the rule file; `""` for no rules at all. */
  readonly rules: string;
  /** What is promised of a method's calls by one caller. */
  readonly expected: (method: OrderMethod, caller: Caller) => Share;
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

/** A rule that sends everything one way leaves nothing to chance. */
const exactly = (v2: number): Share => ({ v2, tolerance: 0 });
/** Four standard deviations of a hundred draws. */
const byChance = (v2: number): Share => ({ v2, tolerance: 4 * Math.sqrt((v2 * (1 - v2)) / 100) });

const BY_METHOD: Readonly<Record<OrderMethod, Share>> = {
  createOrder: exactly(1),
  getOrder: exactly(0),
  sayHello: byChance(0.3),
};

/** What the demo shows, in order. */
export const PHASES: readonly Phase[] = [
  {
    title: "no rule: Dubbo2 calls go to v1, which speaks it, all others to v2",
    rules: "",
    expected: (_method, caller) => exactly(caller === "Dubbo2" ? 0 : 1),
  },
  {
    title: "a rule: createOrder goes to v2, so do 3 of 10 sayHello, all else goes to v1",
    rules: `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: orders-by-method}
spec:
  hosts: [com.acme.OrderService]
  http:
    - match:                                    # Java's name, and the one that gRPC has for it
        - {method: {exact: createOrder}}
        - {method: {exact: CreateOrder}}
      route:
        - destination: {host: com.acme.OrderService, subset: v2}
    - match:
        - {method: {exact: sayHello}}
        - {method: {exact: SayHello}}
      route:
        - {destination: {host: com.acme.OrderService, subset: v1}, weight: 70}
        - {destination: {host: com.acme.OrderService, subset: v2}, weight: 30}
    - route:
        - destination: {host: com.acme.OrderService, subset: v1}
---
${SUBSETS}`,
    expected: (method) => BY_METHOD[method],
  },
];
