import { describe, expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { NarrowedRules, RuleIndex } from "../../../../src/bridge-proxy/authz/rules.ts";
import type { Permission, Principal, RbacPolicy, RbacRules } from "../../../../src/codecs/xds/authz.ts";

const any: [Permission & Principal] = [{ any: true }];
const rules = (policies: Record<string, Partial<RbacPolicy>>): RbacRules => ({
  action: "DENY",
  policies: Object.fromEntries(
    Object.entries(policies).map(([name, policy]) => [name, { permissions: any, principals: any, ...policy }]),
  ),
});
const peer = peerFrom("10.0.0.1", { trustDomain: "t", namespace: "a", serviceAccount: "b" });
const index = new RuleIndex(
  rules({
    exact: { permissions: [{ urlPath: { path: { exact: "/A/get" } } }] },
    either: { permissions: [{ urlPath: { path: { exact: "/A/get" } } }, { urlPath: { path: { prefix: "/B/" } } }] },
    start: { permissions: [{ urlPath: { path: { prefix: "/A/" } } }] },
    end: { permissions: [{ urlPath: { path: { suffix: "get" } } }] },
    not: { permissions: [{ notRule: { urlPath: { path: { exact: "/A/get" } } } }] },
    who: { principals: [{ authenticated: { principalName: { exact: "spiffe://t/ns/a/sa/b" } } }] },
    other: { principals: [{ authenticated: { principalName: { exact: "spiffe://t/ns/a/sa/c" } } }] },
    both: {
      permissions: [
        {
          andRules: {
            rules: [{ header: { name: "x", stringMatch: { exact: "1" } } }, { urlPath: { path: { exact: "/A/get" } } }],
          },
        },
      ],
    },
    never: { permissions: [{}] },
  }),
);
const namesAt = (path: string | undefined) =>
  index
    .narrow({ peer, path })
    .rules.map(({ name }) => name)
    .sort();

describe("the rules that may hold for a path", () => {
  const rows: [string | undefined, string[]][] = [
    ["/A/get", ["both", "either", "end", "exact", "start", "who"]],
    ["/A/put", ["not", "start", "who"]],
    ["/B/x", ["either", "not", "who"]],
    ["/C/x", ["not", "who"]],
    [undefined, ["both", "either", "end", "exact", "not", "start", "who"]],
  ];
  test.each(rows)("%s: %j", (path, names) => {
    expect(namesAt(path)).toEqual(names);
  });
});

test("a rule that is certain of a lane is found without a look at the call", () => {
  const narrowed = index.narrow({ peer, path: "/A/get" });
  expect(narrowed.always?.name).toBeDefined();
  const header = () => {
    throw new Error("not asked for");
  };
  expect(narrowed.find({ header, claims: undefined }, false)).toBe(narrowed.always);
});

test("of a thousand rules that ask for a header's value, one is looked at", () => {
  let looked = 0;
  const many = new NarrowedRules(
    Array.from({ length: 1_000 }, (_, i) => ({
      name: `r${i}`,
      predicate: {
        op: "all" as const,
        terms: [
          {
            op: "header" as const,
            name: "user",
            exact: `u${i}`,
            test: (value: string | undefined) => {
              looked++;
              return value === `u${i}`;
            },
          },
        ],
      },
    })),
  );
  expect(many.find({ header: () => "u700", claims: undefined }, false)?.name).toBe("r700");
  expect(looked).toBe(1);
  expect(many.find({ header: () => undefined, claims: undefined }, false)).toBeUndefined();
  expect(many.empty).toBe(false);
});

test("alternatives on one header share a key; what has other parts is asked one by one", () => {
  const header = (name: string, exact: string) => ({
    op: "header" as const,
    name,
    exact,
    test: (value: string | undefined) => value === exact,
  });
  const either = new NarrowedRules([
    { name: "same", predicate: { op: "any", terms: [header("a", "1"), header("a", "2")] } },
    { name: "mixed", predicate: { op: "any", terms: [header("a", "3"), header("b", "1")] } },
  ]);
  const find = (headers: Record<string, string>) =>
    either.find({ header: (name) => headers[name], claims: undefined }, false)?.name;
  expect([find({ a: "2" }), find({ a: "3" }), find({ b: "1" }), find({ a: "4" })]).toEqual([
    "same",
    "mixed",
    "mixed",
    undefined,
  ]);
});

test("what is not known counts as the caller says", () => {
  const unknown = index.narrow({ peer: peerFrom("10.0.0.1"), path: undefined });
  const call = { header: () => undefined, claims: undefined };
  expect(unknown.find(call, true)).toBeDefined();
  expect(unknown.find(call, false)).toBeUndefined();
});

test("rules that are all among another path's need not be asked twice", () => {
  const at = (path: string) => index.narrow({ peer, path });
  expect(at("/A/get").covers(at("/A/get"))).toBe(true);
  expect(at("/A/get").covers(at("/A/other"))).toBe(false);
  expect(at("/A/get").covers(at("/B/x"))).toBe(false);
  const header = (value: string) => ({ permissions: [{ header: { name: "x", stringMatch: { exact: value } } }] });
  const same = new RuleIndex(rules({ one: header("1"), two: header("2") }));
  expect(same.narrow({ peer, path: "/A/get" }).covers(same.narrow({ peer, path: "/A/Get" }))).toBe(true);
});
