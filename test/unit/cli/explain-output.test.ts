import { expect, test } from "vitest";
import { printExplanation } from "../../../src/cli/explain-output.ts";

const explanation = {
  host: "com.acme.a",
  service: "com.acme.A",
  path: "/com.acme.A/get",
  listeners: ["dubbo_10.0.0.5_20880"],
  rule: "a-rules",
  routes: [
    { route: "a-rules/0", at: "r.yaml:3", verdict: "does not match" as const, why: ["x is absent, asked is x = 1"] },
    { route: "a-rules/1", at: "r.yaml:9", verdict: "taken" as const, why: [] },
  ],
  destinations: [
    {
      cluster: "outbound|20880||com.acme.a",
      host: "com.acme.a",
      subset: "",
      share: 100,
      loadBalancer: "RANDOM",
      endpoints: [{ address: "10.0.0.1:20880", protocol: "dubbo", weight: 100, health: "healthy", tag: "gr\u001bay" }],
    },
  ],
  policies: "timeout 2s",
};

test("an explanation is printed for people, without control characters", () => {
  expect(printExplanation(explanation)).toBe(`service:     com.acme.A (host com.acme.a)
path:        /com.acme.A/get
listeners:   dubbo_10.0.0.5_20880
rule:        a-rules
routes:
  a-rules/0 (r.yaml:3): does not match
    x is absent, asked is x = 1
  a-rules/1 (r.yaml:9): taken
destination: outbound|20880||com.acme.a, 100% of calls, RANDOM
  dubbo://10.0.0.1:20880 weight 100, healthy, tag gr?ay
policies:    timeout 2s
`);
});

test("a call that nobody takes says so", () => {
  const none = { ...explanation, destinations: [{ ...explanation.destinations[0]!, endpoints: [] }], policies: "" };
  expect(printExplanation(none)).toContain("no provider is known: the call is answered 503");
  expect(printExplanation({ ...none, answer: { status: 404, reason: "no route" } })).toContain(
    "answer:      404 no route",
  );
});
