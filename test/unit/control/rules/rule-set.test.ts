import { expect, test } from "vitest";
import { parseRules } from "../../../../src/control/rules/parse.ts";
import { joinFiles, NO_RULES, oldestFirst, takeFile } from "../../../../src/control/rules/rule-set.ts";
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
