import { expect, test } from "vitest";
import {
  changedLookup,
  changedTarget,
  joinMutations,
  mutationsOf,
} from "../../../../src/bridge-proxy/authz/changes.ts";
import type { Target } from "../../../../src/bridge-proxy/route.ts";

const header = (name: string, value: string, append = false) => ({ name, value, append });

test("a server changes headers, but not where a call goes, whose it is and how it is written", () => {
  const asked = ["group", "Version", "path", "interface", "Host", ":path", "dubbo-application", "tri-service-group"];
  expect(
    mutationsOf(
      [header("x-user", "ann"), header("x-role", "a", true), ...asked.map((name) => header(name, "other"))],
      ["cookie", "content-length", ":authority", ""],
    ),
  ).toEqual({ set: [["x-user", "ann"]], add: [["x-role", "a"]], remove: ["cookie"] });
  expect(mutationsOf([header("host", "x")])).toBeUndefined();
});

test("what no header can be is left out; other texts are theirs to say", () => {
  const bad = [header("x a", "1"), header("x\r\ny", "1"), header("x-b", "1\r\nx-c: 2"), header("x-d", "\0")];
  expect(mutationsOf([...bad, header("x-name", "张三"), header("x-tab", "a\tb")], ["x y"])).toEqual({
    set: [
      ["x-name", "张三"],
      ["x-tab", "a\tb"],
    ],
    add: [],
    remove: [],
  });
});

test("more changes than a hundred are left out", () => {
  const many = Array.from({ length: 150 }, (_, i) => header(`x-${i}`, "1"));
  expect(mutationsOf(many)?.set.length).toBe(100);
});

test("of two lists of changes the second wins, whatever the case of letters", () => {
  const first = {
    set: [
      ["X-A", "1"],
      ["x-b", "1"],
    ] as const,
    add: [["x-c", "1"]] as const,
    remove: ["x-d"],
  };
  const second = { set: [["x-a", "2"]] as const, add: [["x-b", "2"]] as const, remove: ["X-C"] };
  expect(joinMutations(first, second)).toEqual({
    set: [
      ["x-b", "1"],
      ["x-a", "2"],
    ],
    add: [["x-b", "2"]],
    remove: ["x-d", "X-C"],
  });
  expect(joinMutations(undefined, second)).toBe(second);
  expect(joinMutations(first, undefined)).toBe(first);
});

test("policies see headers as they are after the changes", () => {
  const before: Readonly<Record<string, string>> = { "x-a": "1", "x-b": "1", "x-c": "1" };
  const lookup = changedLookup((name) => before[name], {
    set: [["X-A", "2"]],
    add: [
      ["x-b", "2"],
      ["x-new", "1"],
      ["x-c", "3"],
    ],
    remove: ["X-C"],
  });
  expect(["x-a", "x-b", "x-c", "x-new", "X-New", "other"].map(lookup)).toEqual(["2", "1,2", "3", "1", "1", undefined]);
});

test("a destination with a call's own changes knows whose place it has", () => {
  const target = { upTo: 1, mutations: { set: [["x-a", "rule"]], add: [], remove: [] } } as unknown as Target;
  expect(changedTarget(target, undefined, undefined)).toBe(target);
  const changed = changedTarget(
    target,
    {
      set: [
        ["x-a", "1"],
        ["x-b", "1"],
      ],
      add: [],
      remove: [],
    },
    undefined,
  );
  expect(changed).toMatchObject({
    of: target,
    upTo: 1,
    mutations: {
      set: [
        ["x-b", "1"],
        ["x-a", "rule"],
      ],
    },
  });
  expect(changedTarget(changed, { set: [], add: [], remove: ["x"] }, undefined).of).toBe(target);
});
