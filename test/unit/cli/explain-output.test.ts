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
      rule: "",
      listedBy: "ServiceEntry default/a",
      policies: "",
      endpoints: [{ address: "10.0.0.1:20880", protocol: "dubbo", weight: 100, health: "healthy", tag: "gr\u001bay" }],
    },
  ],
  policies: "timeout 2s",
  authorization: [],
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
  known from ServiceEntry default/a
  dubbo://10.0.0.1:20880 weight 100, healthy, tag gr?ay
policies:    timeout 2s
`);
});

test("a call that nobody takes says so", () => {
  const refusal = "no provider is known: the call is answered 503";
  const nobody = { ...explanation.destinations[0]!, refusal, endpoints: [] };
  const none = { ...explanation, destinations: [nobody], policies: "" };
  expect(printExplanation(none)).toContain("no provider is known: the call is answered 503");
  expect(printExplanation({ ...none, answer: { status: 404, reason: "no route" } })).toContain(
    "answer:      404 no route",
  );
});

test("a request from outside is printed with its gateway, what it calls, and rules that are passed over", () => {
  const place = { gateway: "default/edge", at: "g.yaml:5", address: "10.0.0.5:8080", tls: "plain text", domain: "*.b" };
  const passedOver = [{ rule: "VirtualService default/x", at: "r.yaml:1", why: "it names no gateway" }];
  const told = { ...explanation, host: "a.b", path: "POST /get", gateway: place, passedOver, calls: "com.acme.A.get" };
  const text = printExplanation(told);
  expect(text).toContain("gateway:     default/edge (g.yaml:5), 10.0.0.5:8080, plain text\n");
  expect(text).toContain("host:        a.b, by the routes of *.b\n");
  expect(text).toContain("passed over:\n  VirtualService default/x (r.yaml:1)\n    it names no gateway\n");
  expect(text).toContain("calls:       com.acme.A.get\n");
  const ended = { ...told, gateway: { ...place, gateway: "", domain: "" }, routes: [], rule: "", path: "" };
  const closed = printExplanation({ ...ended, answer: { reason: "TLS alone" } });
  expect(closed).toContain("gateway:     no server takes this Host, 10.0.0.5:8080, plain text\n");
  expect(closed).toContain("answer:      none: TLS alone\n");
  expect(closed).not.toContain("routes:");
});

test("each proxy's decision is printed with its policies, their places and what the call lacks for them", () => {
  const rule = { kind: "AuthorizationPolicy" as const, policy: "default/a", rule: 0, at: "p.yaml:4", dryRun: false };
  const guard = { kind: "SerializationGuard" as const, policy: "default/g", at: "", dryRun: true };
  const authorization = [
    {
      side: "outbound" as const,
      for: "com.acme.a",
      decision: "denied" as const,
      why: ["there are ALLOW policies, and none matches"],
      policies: [
        {
          ...rule,
          action: "ALLOW" as const,
          verdict: "does not match" as const,
          why: ["path is /a, asked is path = /b"],
        },
        { ...guard, verdict: "unknown" as const, why: [] },
      ],
    },
    {
      side: "outbound" as const,
      for: "b",
      isCopy: true as const,
      decision: "denied" as const,
      why: ["c"],
      policies: [],
    },
    {
      ...{ side: "inbound" as const, for: "in", mtls: "STRICT" as const },
      ...{ decision: "open" as const, why: ["a", "b"], policies: [] },
    },
  ];
  expect(printExplanation({ ...explanation, authorization })).toContain(`policies:    timeout 2s
authorization, outbound, com.acme.a: denied: there are ALLOW policies, and none matches
  ALLOW AuthorizationPolicy default/a rule 0 (p.yaml:4): does not match
    path is /a, asked is path = /b
  SerializationGuard default/g (dry run): unknown
authorization, outbound (a mirror's copy), b: denied: c
authorization, inbound (mutual TLS STRICT), in: allowed if a; b
`);
});
