import { expect, test } from "vitest";
import { isMeant, takenBy } from "../../src/codecs/xds/routing.ts";
import { callKeys, isRouting, providerKeys } from "../../src/model/routing.ts";
import { readConfigRule } from "../../src/registry-sync/dubbo/overrides/config-rules.ts";
import { readCondition } from "../../src/registry-sync/dubbo/routers/condition.ts";
import { parseDubboUrl } from "../../src/registry-sync/dubbo/url.ts";
import fc from "../support/fast-check.ts";

const runs = Number(process.env["FUZZ_RUNS"] ?? 300);
const kinds = ["condition-router", "tag-router", "script-router", "affinity-router", "MESHAPPRULE", "configurators"];
const reading = parseDubboUrl("dubbo://10.0.0.1:20880/a.B?application=shop&region=hz&level=3");
const provider = reading.type === "url" ? reading.url : expect.fail("no url");

/** Whatever the text: a rule that can be carried out, or none, in time; never a throw. */
function holds(kind: string, text: string): void {
  const startMs = performance.now();
  const rule = readConfigRule(`shop.${kind}`, text);
  if (rule?.type === "tags") expect(Array.isArray(rule.tagsOf(provider))).toBe(true);
  if (rule?.type === "conditions") {
    expect(isRouting(JSON.parse(JSON.stringify({ steps: rule.steps })))).toBe(true);
    expect([...callKeys(rule), ...providerKeys(rule)].every((key) => typeof key === "string")).toBe(true);
    for (const step of rule.steps) {
      isMeant(step, (key) => (key.length % 2 === 0 ? key : undefined));
      const left = takenBy(
        step,
        [provider],
        (one, key) => one.params[key],
        () => "x",
      );
      for (const { providers } of left ?? []) expect(providers.length).toBeGreaterThan(0);
    }
  }
  expect(performance.now() - startMs).toBeLessThan(5_000);
}

const words = fc.constantFrom(
  ..."method host application region level arguments[0] attachments[a] => = != , & * ~ 1~9 $host $region true false consumer. provider. hz sh".split(
    " ",
  ),
  " ",
  "\n",
);
const condition = fc.array(words, { maxLength: 24 }).map((parts) => parts.join(" "));

test("any condition is read or refused", () => {
  fc.assert(
    fc.property(fc.oneof(condition, fc.string({ unit: "binary", maxLength: 200 })), (text) => {
      const read = readCondition(text);
      expect(typeof read === "string" || (Array.isArray(read.when) && Array.isArray(read.to))).toBe(true);
    }),
    { numRuns: runs * 4 },
  );
});

test("any text of a rule is read or refused", () => {
  fc.assert(fc.property(fc.constantFrom(...kinds), fc.string({ unit: "binary", maxLength: 400 }), holds), {
    numRuns: runs,
  });
});

test("any value under any field of a rule is read or refused", () => {
  const names = fc.constantFrom(
    ..."configVersion force enabled valid conditions tags name addresses match from to weight key value exact prefix regex configs side parameters __proto__ constructor".split(
      " ",
    ),
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom("v3.0", "v3.1", "*", "10.0.0.1:20880", "10.0.*.1-9", "10.0.0.0/8", true, false, null, -1, 1e99),
      condition,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(names, tie("value"), { maxKeys: 6 }),
    ),
  }));
  const rule = fc.dictionary(names, value, { maxKeys: 8 });
  fc.assert(
    fc.property(fc.constantFrom(...kinds), rule, (kind, one) =>
      holds(kind, JSON.stringify(one, undefined, 1).replace(/^\{/, "---\n{")),
    ),
    { numRuns: runs * 2 },
  );
});
