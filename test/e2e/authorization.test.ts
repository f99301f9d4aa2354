import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { policyText } from "../support/policies.ts";
import { stopAll } from "../support/process.ts";
import { takeUp } from "../support/rules-in-force.ts";

// AuthorizationPolicy as real consumers meet it: what is denied, what it is answered, and that nobody sends it again.
const service = { group: "g", version: "1.0.0" };
const lines = ["2.6", "3.3"] as const;
let mesh: Mesh;
let consumers: Record<(typeof lines)[number], Consumer>;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  await startProvider("2.7", { ...service, registry: mesh.inside, host: hosts.provider1, label: "v1", warmup: 1 });
  // Dubbo's own default: a call that fails is sent again twice.
  const options = { ...service, registry: mesh.inside, retries: 2 };
  const [old, young] = await Promise.all([
    startConsumer("2.6", { ...options, application: "old-shop" }),
    startConsumer("3.3", { ...options, application: "young-shop" }),
  ]);
  consumers = { "2.6": old, "3.3": young };
  await Promise.all([old, young].map((one) => one.call("whoAmI")));
});

afterAll(async () => {
  await stopAll();
});

/** How many calls were counted as denied so far. */
async function denied(): Promise<number> {
  const { body } = await mesh.trestle.get("/metrics");
  return body
    .split("\n")
    .filter(
      (line) =>
        line.startsWith("istio_requests_total{") &&
        line.includes('response_code="403"') &&
        line.includes('grpc_response_status="7"'),
    )
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

type Call = readonly [method: string, arg?: unknown, attach?: Readonly<Record<string, string>>];

const rows: { name: string; policies: string[]; passes: Call[]; refused: Call[] }[] = [
  {
    name: "a method",
    policies: [policyText("d", "{action: DENY, rules: [{to: [{operation: {methods: [cancelOrder]}}]}]}")],
    passes: [["getOrder", 1]],
    refused: [["cancelOrder", 1]],
  },
  {
    name: "all but some methods",
    policies: [
      policyText(
        "a",
        '{rules: [{to: [{operation: {paths: ["/com.acme.OrderService/get*", "/com.acme.OrderService/sayHi"]}}]}]}',
      ),
    ],
    passes: [
      ["getOrder", 1],
      ["sayHi", "Ann"],
    ],
    refused: [["cancelOrder", 1]],
  },
  {
    name: "an attachment",
    policies: [policyText("a", "{rules: [{when: [{key: 'request.headers[user]', values: [ann]}]}]}")],
    passes: [["sayHi", "Ann", { user: "ann" }]],
    refused: [
      ["sayHi", "Ann"],
      ["sayHi", "Ann", { user: "bob" }],
    ],
  },
  {
    name: "an argument",
    policies: [
      policyText(
        "d",
        "{action: DENY, rules: [{to: [{operation: {methods: [getOrder]}}], when: [{key: 'request.headers[dubbo-arg-0]', values: ['7']}]}]}",
      ),
    ],
    passes: [
      ["getOrder", 1],
      ["sayHi", "7"],
    ],
    refused: [["getOrder", 7]],
  },
  {
    name: "a group and a version",
    policies: [
      policyText(
        "a",
        "{rules: [{when: [{key: 'request.headers[dubbo-group]', values: [g]}, {key: 'request.headers[dubbo-version]', values: [1.0.0]}]}]}".replace(
          "[1.0.0]",
          '["1.0.0"]',
        ),
      ),
    ],
    passes: [["getOrder", 1]],
    refused: [],
  },
  {
    name: "callers without an identity",
    policies: [policyText("a", '{rules: [{from: [{source: {principals: ["*"]}}]}]}')],
    passes: [],
    refused: [["getOrder", 1]],
  },
];

describe.each(rows)("by $name", ({ policies, passes, refused }) => {
  beforeAll(() => takeUp(mesh, policies.join("---\n")));

  test.each(lines)("of %s: a call that is refused is answered with an exception and not sent again", async (line) => {
    for (const [method, arg, attach] of passes) await consumers[line].call(method, arg, attach);
    for (const [method, arg, attach] of refused) {
      const before = await denied();
      const answer = await consumers[line].ask({
        op: "call",
        method,
        ...(arg !== undefined && { arg }),
        ...(attach && { attach }),
      });
      expect(String(answer["error"])).toContain("RBAC: access denied");
      expect(answer["errorClass"]).toBe("java.lang.RuntimeException");
      expect(await denied()).toBe(before + 1);
    }
  });
});

test("by application: 3.3 says it with each call, 2.6 by its registration alone", async () => {
  await takeUp(
    mesh,
    policyText("a", "{rules: [{when: [{key: 'request.headers[dubbo-application]', values: [young-shop]}]}]}"),
  );
  expect(await consumers["3.3"].call("sayHi", "Ann")).toBe("hi Ann");
  await expect(consumers["2.6"].call("sayHi", "Ann")).rejects.toThrow("RBAC: access denied");
});

test("what is on trial denies nothing and is counted; what is taken away is open again", async () => {
  const trial = { annotations: '{istio.io/dry-run: "true"}' };
  await takeUp(mesh, policyText("d", "{action: DENY, rules: [{}]}", trial));
  for (const line of lines) expect(await consumers[line].call("sayHi", "Ann")).toBe("hi Ann");
  const { body } = await mesh.trestle.get("/metrics");
  const counted = body.split("\n").filter((line) => line.startsWith("trestle_proxy_dry_run_deny_denied"));
  expect(counted.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0)).toBe(2);
});
