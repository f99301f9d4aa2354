import { describe, expect, test } from "vitest";
import {
  isDnsLabel,
  isDnsSubdomain,
  isLabelKey,
  isLabelValue,
} from "../../../../src/registry-sync/naming/kubernetes-names.ts";

describe("names that Kubernetes takes", () => {
  const rows: readonly (readonly [
    name: string,
    check: (text: string) => boolean,
    good: readonly string[],
    bad: readonly string[],
  ])[] = [
    [
      "labels of DNS",
      isDnsLabel,
      ["a", "a-1", "1", "a".repeat(63)],
      ["", "-a", "a-", "A", "a_b", "a.b", "a".repeat(64)],
    ],
    ["subdomains", isDnsSubdomain, ["a", "a.b-1"], ["", "a..b", ".a", "a.", `${"a.".repeat(126)}aa`]],
    [
      "label keys",
      isLabelKey,
      ["a", "dubbo.tag", "trestle.io/owner", "A_b"],
      ["", "a b", "/a", "a/", "X/a", "a/b/c", "~region", "a".repeat(64)],
    ],
    ["label values", isLabelValue, ["", "a", "1.0.0", "A_b-c"], ["-a", "a,b", "a b", "杭", "a/b", "a".repeat(64)]],
  ];
  test.each(rows)("%s", (_name, check, good, bad) => {
    for (const text of good) expect([text, check(text)]).toEqual([text, true]);
    for (const text of bad) expect([text, check(text)]).toEqual([text, false]);
  });
});
