import { describe, expect, test } from "vitest";
import { mix } from "../../../../src/bridge-proxy/balance/hash.ts";
import {
  buildMaglev,
  buildRing,
  type HashTable,
  MAX_RING,
  MAX_TABLE,
  type Member,
} from "../../../../src/bridge-proxy/balance/hash-table.ts";

const KEYS = 20_000;

function members(count: number, weight = 100): Member[] {
  return Array.from({ length: count }, (_, i) => ({ name: `10.0.0.${i}:20880`, weight }));
}

const all = () => true;

/** The name of each key's member. */
function owners(table: HashTable, list: readonly Member[], usable: (index: number) => boolean = all): string[] {
  return Array.from({ length: KEYS }, (_, key) => list[table.find(mix(key), usable)]?.name ?? "none");
}

function share(names: readonly string[], name: string): number {
  return names.filter((one) => one === name).length / names.length;
}

const KINDS: [string, (list: readonly Member[]) => HashTable, { even: number; moved: number }][] = [
  ["ring", (list) => buildRing(list), { even: 0.15, moved: 0 }],
  ["Maglev table", (list) => buildMaglev(list), { even: 0.05, moved: 0.01 }],
];

describe.each(KINDS)("a %s", (_, build, { even, moved }) => {
  const ten = members(10);
  const before = owners(build(ten), ten);

  test("spreads keys by weight", () => {
    for (const { name } of ten) expect(Math.abs(share(before, name) * 10 - 1)).toBeLessThan(even + 0.05);
    const list = [...members(3), { name: "heavy:1", weight: 300 }];
    expect(Math.abs(share(owners(build(list), list), "heavy:1") - 0.5)).toBeLessThan(even / 2);
  });

  test("moves the keys of a member that leaves, and (nearly) no others", () => {
    const left = ten.filter((_, i) => i !== 3);
    const after = owners(build(left), left);
    const others = after.filter((name, key) => before[key] !== ten[3]!.name && before[key] !== name);
    expect(others.length / KEYS).toBeLessThanOrEqual(moved);
  });

  test("moves keys to a member that comes, and (nearly) no others", () => {
    const more = [...ten, { name: "10.0.9.9:20880", weight: 100 }];
    const after = owners(build(more), more);
    const others = after.filter((name, key) => name !== "10.0.9.9:20880" && before[key] !== name);
    expect(others.length / KEYS).toBeLessThanOrEqual(moved);
    expect(Math.abs(share(after, "10.0.9.9:20880") * 11 - 1)).toBeLessThan(even + 0.05);
  });

  test("passes over a member that is of no use, which moves its keys alone, to all others", () => {
    const without = owners(build(ten), ten, (index) => index !== 3);
    expect(without.every((name, key) => name === before[key] || before[key] === ten[3]!.name)).toBe(true);
    const heirs = new Set(without.filter((_, key) => before[key] === ten[3]!.name));
    expect(heirs.size).toBe(9);
    const table = build(ten);
    expect([table.find(7, () => false), table.find(7, (index) => index === 9)]).toEqual([-1, 9]);
  });

  test("is the same whenever it is built, and works for one member", () => {
    expect(owners(build(ten), ten)).toEqual(before);
    const one = members(1);
    expect(new Set(owners(build(one), one))).toEqual(new Set([one[0]!.name]));
  });
});

test.each([
  ["no bounds", {}, 10],
  ["more than is allowed", { minimumRingSize: 10_000_000 }, 10],
  ["a largest one below the members", { maximumRingSize: 3 }, 10],
  ["nothing at all", { minimumRingSize: 0, maximumRingSize: 0 }, 3],
])("a ring with %s has a place for every member and no more than %o", (_, bounds, count) => {
  const list = members(count);
  const table = buildRing(list, bounds);
  for (let i = 0; i < count; i++) expect(table.find(5, (index) => index === i)).toBe(i);
  expect(MAX_RING).toBe(262_144);
});

test("a table whose size is no prime, or too large, gets one that is", () => {
  const list = members(3);
  for (const size of [0, 1, 4, 65_536, 10 ** 9]) expect(buildMaglev(list, size).find(7, all)).toBeGreaterThanOrEqual(0);
  expect(MAX_TABLE).toBe(262_147);
});

test("in a Maglev table with weights far apart the light one still has keys", () => {
  const list = [
    { name: "a:1", weight: 1 },
    { name: "b:1", weight: 1_000 },
  ];
  const found = share(owners(buildMaglev(list), list), "a:1");
  expect(found).toBeGreaterThan(0);
  expect(found).toBeLessThan(0.005);
});

test("a Maglev table costs no more for one member that is far heavier than all others", () => {
  const many = members(4_000, 1);
  const msOf = (list: readonly Member[]) => {
    const begin = performance.now();
    buildMaglev(list);
    return performance.now() - begin;
  };
  msOf(many);
  const evenMs = Math.max(msOf(many), msOf(many), 20);
  const list = [...many, { name: "heavy:1", weight: 1_000_000 }];
  expect(Math.min(msOf(list), msOf(list), msOf(list))).toBeLessThan(evenMs * 8);
  expect(share(owners(buildMaglev(list), list), "heavy:1")).toBeGreaterThan(0.97);
});
