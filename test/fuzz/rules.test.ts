import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { compile } from "../../src/control/compile/compiler.ts";
import { checkConsistent } from "../../src/control/compile/consistent.ts";
import { analyzeRules } from "../../src/control/rules/analyze/analyze.ts";
import { parseRules } from "../../src/control/rules/parse.ts";
import { withServiceEntries } from "../../src/control/rules/service-entries.ts";
import { createSnapshot } from "../../src/model/snapshot.ts";
import fc from "../support/fast-check.ts";
import { caseFile, entryOf, ruleCases } from "../support/rule-cases.ts";

const entries = [
  entryOf("com.acme.OrderService:1.0.0", ["dubbo://10.0.0.1:20880?lane=v1"]),
  entryOf("com.acme.StockService", []),
];
const node = { id: "n", dubbo: [{ address: "::", port: 1 }] };

/** Whatever the text: findings or rules that can be used, never a throw. */
function holds(text: string): void {
  const { rules, findings, valid } = parseRules("f.yaml", text);
  for (const { at, message } of findings) {
    expect(at).toMatch(/^f\.yaml:\d+:\d+$/);
    expect(message.split("\n")).toHaveLength(1);
  }
  if (!valid) {
    expect(rules).toEqual([]);
    expect(findings.length).toBeGreaterThan(0);
  }
  analyzeRules(rules, entries);
  const snapshot = createSnapshot(withServiceEntries(entries, rules), rules);
  expect(checkConsistent(compile(snapshot, node))).toEqual([]);
  expect(checkConsistent(compile(snapshot, { ...node, id: "m", namespace: "shop", labels: { app: "a" } }))).toEqual([]);
}

const runs = Number(process.env["FUZZ_RUNS"] ?? 150);

test("any text is taken", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), holds), { numRuns: runs });
});

test("any value under any field of a rule is taken", () => {
  const names = fc.constantFrom(
    ..."apiVersion kind metadata spec hosts host http match route destination subset weight uri method headers exact prefix regex".split(
      " ",
    ),
    ..."timeout retries attempts retryOn fault delay abort percentage value subsets labels trafficPolicy loadBalancer simple".split(
      " ",
    ),
    ..."delegate mirror mirrors mirrorPercent rewrite uriRegexRewrite response exportTo sourceLabels sourceNamespace port gateways".split(
      " ",
    ),
    ..."consistentHash httpHeaderName httpCookie ringHash maglev tableSize localityLbSetting distribute failover failoverPriority from to".split(
      " ",
    ),
    ..."warmup duration outlierDetection portLevelSettings connectionPool tcp http2MaxRequests retryBudget tls mode number".split(
      " ",
    ),
    ..."workloadSelector matchLabels egress ingress address locality ports endpoints resolution servers".split(" "),
    ..."request set add remove fixedDelay httpStatus grpcStatus name __proto__ constructor toString".split(" "),
  );
  const words = fc.constantFrom(
    "VirtualService",
    "DestinationRule",
    "networking.istio.io/v1",
    "com.acme.OrderService",
    "*",
    "1s",
    "",
    "a+(",
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "medium", withCrossShrink: true },
      fc.oneof(words, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.string({ maxLength: 8 })),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.array(fc.tuple(names, tie("value")), { maxLength: 6 }).map((pairs) => new Map(pairs as [string, unknown][])),
    ),
  }));
  const spec = fc.record({
    kind: fc.constantFrom("VirtualService", "DestinationRule", "Sidecar", "ServiceEntry", "WorkloadEntry", "Gateway"),
    value,
  });
  fc.assert(
    fc.property(spec, (one) => {
      const object = new Map<string, unknown>([
        ["apiVersion", "networking.istio.io/v1"],
        ["kind", one.kind],
        ["metadata", { name: "a" }],
        ["spec", one.value],
      ]);
      holds(stringify(object));
    }),
    { numRuns: runs },
  );
});

test.each(ruleCases())("%s with bytes changed is taken", (name) => {
  const text = readFileSync(caseFile(name, "in"), "utf8");
  const edit = fc.record({
    at: fc.nat(text.length),
    drop: fc.nat(12),
    put: fc.constantFrom("", ":", "\n", "- ", "{", "]", "*a", "&a ", "\t", "0", "null", "é", "\u0000"),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let changed = text;
      for (const { at, drop, put } of edits) changed = changed.slice(0, at) + put + changed.slice(at + drop);
      holds(changed);
    }),
    { numRuns: Math.ceil(runs / 10) },
  );
});
