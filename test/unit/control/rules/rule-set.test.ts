import { expect, test } from "vitest";
import { parseRules } from "../../../../src/control/rules/parse.ts";
import {
  joinFiles,
  NO_RULES,
  oldestFirst,
  type RuleFileState,
  takeFile,
} from "../../../../src/control/rules/rule-set.ts";
import type { Rule } from "../../../../src/model/rule.ts";
import { rulesOf, virtualServiceText } from "../../../support/rules.ts";

const text = (name: string, created?: string): string =>
  virtualServiceText(name, "[a]", "[{route: [{destination: {host: a}}]}]").replace(
    `{name: ${name}}`,
    created === undefined ? `{name: ${name}}` : `{name: ${name}, creationTimestamp: "${created}"}`,
  );

test("a wrong text keeps the rules of the last good one and says so", () => {
  const good = takeFile("a.yaml", undefined, parseRules("a.yaml", text("a")));
  const broken = takeFile("a.yaml", good, parseRules("a.yaml", "kind: ["));
  expect(broken.rules).toBe(good.rules);
  expect(broken.valid).toBe(false);
  expect(broken.findings.at(-1)).toEqual({
    code: "TR0215",
    severity: "warning",
    message: "a.yaml is not taken up: the 1 rules of its last good state stay in force",
    at: "a.yaml:1:1",
  });
});

test("a file that never was right has no rules", () => {
  const broken = takeFile("a.yaml", undefined, parseRules("a.yaml", "kind: ["));
  expect(broken.rules).toEqual([]);
  expect(broken.findings.at(-1)?.message).toBe("a.yaml is not taken up: none of its rules is in force");
});

const policy = (name: string, spec: string) => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: shop}
spec: ${spec}
---
`;
const shown = ({ rules }: { rules: readonly Rule[] }) =>
  rules.map((rule) =>
    rule.kind === "AuthorizationPolicy" ? `${rule.name} ${rule.action} ${rule.rules.length}` : rule.kind,
  );
const take = (before: RuleFileState | undefined, content: string, isFirst: boolean) =>
  takeFile("a.yaml", before, parseRules("a.yaml", content), { isFirst });

test("what was wrong from the start on has its right policies in force, and closes what the others are for", () => {
  const mixed = policy("right", "{rules: []}") + policy("wrong", "{action: PERHAPS}") + text("route");
  const first = take(undefined, mixed, true);
  expect(shown(first)).toEqual(["right ALLOW 0", "wrong DENY 1"]);
  expect(first.findings.slice(-2).map(({ code, at, message }) => `${code} ${at} ${message}`)).toEqual([
    "TR0215 a.yaml:1:1 a.yaml is not taken up, and had no good state before: of its rules the 1 policies that are right are in force",
    "TR0278 a.yaml:6:1 AuthorizationPolicy shop/wrong is wrong and had no good state before: until it is mended or taken away no call to a service of namespace shop is let through (of the whole mesh, if that is its root namespace)",
  ]);
  expect(shown(take(undefined, `${policy("lost", "{rules: [}")}`, true))).toEqual(["unnamed DENY 1"]);
});

test("what a text is that does not say so is waited for, and later takes nothing out of force that stands in for it", () => {
  const unknown = take(undefined, "kind: [", true);
  expect([shown(unknown), unknown.isUnknown, unknown.findings.at(-1)?.code]).toEqual([[], true, "TR0279"]);
  expect(take(undefined, "kind: [", false)).not.toHaveProperty("isUnknown");
  // UTF-16 is UTF-8 with zeros.
  expect(take(undefined, Buffer.from(policy("a", "{}"), "utf16le").toString(), true).isUnknown).toBe(true);
  expect(take(undefined, "image: {tag: 1}", true).isUnknown).toBeUndefined();
  expect(shown(take(undefined, `- ${policy("a", "{}").replaceAll("\n", "\n  ")}`, true))).toEqual(["unnamed DENY 1"]);
  const wrong = take(undefined, policy("a", "{action: PERHAPS}"), true);
  const worse = take(wrong, "kind: [", false);
  expect([shown(worse), worse.isUnknown, worse.findings.at(-1)?.code]).toEqual([["a DENY 1"], undefined, "TR0215"]);
  expect(shown(take(worse, policy("b", "{action: PERHAPS}"), false))).toEqual(["b DENY 1"]);
});

test("it is so until the text is right, and not again after that, nor of a file that comes later", () => {
  const wrong = take(undefined, policy("a", "{action: PERHAPS}") + policy("b", "{action: PERHAPS}"), true);
  const half = take(wrong, policy("a", "{rules: [{}]}") + policy("b", "{action: PERHAPS}"), false);
  expect([shown(wrong), shown(half)]).toEqual([
    ["a DENY 1", "b DENY 1"],
    ["a ALLOW 1", "b DENY 1"],
  ]);
  const right = take(half, policy("a", "{rules: [{}]}"), false);
  const again = take(right, policy("a", "{action: PERHAPS}"), false);
  expect([shown(right), shown(again)]).toEqual([["a ALLOW 1"], ["a ALLOW 1"]]);
  expect(shown(take(undefined, policy("a", "{action: PERHAPS}"), false))).toEqual([]);
});

test("a right text replaces the file's rules, also by none", () => {
  const good = takeFile("a.yaml", undefined, parseRules("a.yaml", text("a")));
  expect(takeFile("a.yaml", good, parseRules("a.yaml", "# empty")).rules).toEqual([]);
});

test("files are joined in order of their paths, faults first", () => {
  const fault = { code: "TR0201", severity: "error", message: "x", at: "x:1:1" } as const;
  const states = ["b.yaml", "a.yaml"].map((path) => takeFile(path, undefined, parseRules(path, text(path[0]!))));
  const joined = joinFiles(states, [fault]);
  expect(joined.rules.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(joined.findings).toEqual([fault]);
  expect([joined.loaded, NO_RULES.loaded]).toEqual([true, false]);
});

test("rules with a time come before those without, the older first", () => {
  const rules = rulesOf(
    text("none"),
    text("new", "2025-01-01T00:00:00Z"),
    text("old", "2020-01-01T00:00:00Z"),
    text("last"),
  );
  expect(oldestFirst(rules).map(({ name }) => name)).toEqual(["old", "new", "none", "last"]);
});
