import { describe, expect, test } from "vitest";
import type { Entry, World } from "../../../../src/model/entry.ts";
import { createGuard, DEFAULT_GUARD, type Guarded } from "../../../../src/registry-sync/merge/guard.ts";
import { addresses, endpoint, entry, world } from "../../../support/worlds.ts";

const START = 1_000_000;
const { holdMs, windowMs, emptyMs, graceMs } = DEFAULT_GUARD;

const of = (count: number, service = "a.A", first = 1) => entry(service, addresses(count, first));
const shown = (guarded: Guarded, host = "a.a") =>
  guarded.world.entries.find((one) => one.host === host)?.endpoints.map((one) => one.address);
const codes = (guarded: Guarded) => guarded.world.findings.map((one) => one.code);

/** A guard that has seen this world long ago. */
function calm(first: World) {
  const guard = createGuard();
  guard.update(first, START - 10 * holdMs);
  return guard;
}

test("a first world passes as it is", () => {
  const guarded = createGuard().update(world("legacy", of(20), of(1, "b.B")), START);
  expect([shown(guarded)?.length, shown(guarded, "b.b")?.length, guarded.held, guarded.dueMs]).toEqual([
    20,
    1,
    0,
    undefined,
  ]);
});

describe("of one service", () => {
  const rows: readonly (readonly [name: string, before: number, after: number, shown: number])[] = [
    ["10 of 10 are held", 10, 0, 10],
    ["6 of 10 are held", 10, 4, 10],
    ["5 of 9 are held", 9, 4, 9],
    ["5 of 5 are held", 5, 0, 5],
    ["exactly half pass", 10, 5, 5],
    ["under five pass", 4, 0, 0],
    ["4 of 5 pass", 5, 1, 1],
    ["growth passes", 5, 10, 10],
  ];
  test.each(rows)("%s", (_name, before, after, expected) => {
    const rest = of(30, "b.B", 100);
    const guarded = calm(world("legacy", of(before), rest)).update(world("legacy", of(after), rest), START);
    expect(shown(guarded)?.length).toBe(expected);
    expect(codes(guarded)).toEqual(expected > after ? ["TR0150"] : []);
    expect(guarded.held).toBe(expected > after ? before - after : 0);
  });
});

const rest = of(30, "b.B", 100);
const ten = world("legacy", of(10), rest);
const four = world("legacy", of(4), rest);

test("what is held stands for five minutes and then goes", () => {
  const guard = calm(ten);
  expect(guard.update(four, START).dueMs).toBe(START + holdMs);
  expect(shown(guard.update(undefined, START + holdMs - 1))?.length).toBe(10);
  const after = guard.update(undefined, START + holdMs);
  expect([shown(after)?.length, after.held, codes(after), after.dueMs]).toEqual([4, 0, [], undefined]);
});

test.each([
  ["an hour", 3_600_000],
  ["a day, twice", 86_400_000],
])("a clock that is set back by %s makes nothing stand for longer", (_, backMs) => {
  const guard = calm(ten);
  guard.update(four, START);
  expect(guard.update(undefined, START + 1_000 - backMs).dueMs).toBe(START + 1_000 - backMs + holdMs);
  guard.disturbed(START + 2_000 - 2 * backMs);
  const nowMs = START + 2_000 - 2 * backMs;
  expect(shown(guard.update(undefined, nowMs + holdMs - 1))?.length).toBe(10);
  const after = guard.update(undefined, nowMs + holdMs);
  expect([shown(after)?.length, after.held, after.dueMs]).toEqual([4, 0, undefined]);
});

test("what comes back is held no more, and the few that do not come back go", () => {
  const guard = calm(ten);
  guard.update(four, START);
  const back = guard.update(world("legacy", of(8), rest), START + 1_000);
  expect([shown(back)?.length, back.held, codes(back)]).toEqual([8, 0, []]);
});

test("a loss in several steps within the window counts as one, and the first steps are put back", () => {
  const guard = calm(ten);
  expect(shown(guard.update(world("legacy", of(8), rest), START))?.length).toBe(8);
  expect(shown(guard.update(world("legacy", of(6), rest), START + 3_000))?.length).toBe(6);
  expect(shown(guard.update(four, START + 6_000))?.length).toBe(10);
});

test("instances that came after the start are guarded once they have stayed", () => {
  const guard = createGuard();
  guard.update(world("legacy", of(1)), START);
  guard.update(world("legacy", of(10)), START + 1_000);
  const guarded = guard.update(world("legacy"), START + 3_600_000);
  expect([shown(guarded)?.length, guarded.held]).toEqual([10, 10]);
});

test("what went long before a sudden loss does not come back with it", () => {
  for (const [laterMs, expected] of [
    [windowMs - 1, 10],
    [windowMs, 9],
    [60_000, 9],
  ] as const) {
    const guard = calm(ten);
    guard.update(world("legacy", of(9), rest), START);
    expect(shown(guard.update(world("legacy", rest), START + laterMs))?.length).toBe(expected);
  }
});

test("a slow decrease passes", () => {
  const guard = calm(ten);
  for (let left = 9, nowMs = START; left >= 0; left--, nowMs += windowMs) {
    const guarded = guard.update(world("legacy", of(left), rest), nowMs);
    expect(shown(guarded)?.length).toBe(left);
  }
});

test("a redeployment that brings as many new instances passes", () => {
  const guard = calm(ten);
  expect(shown(guard.update(world("legacy", of(10, "a.A", 50), rest), START))).toEqual(addresses(10, 50));
});

test("new instances that come while the old are held release them", () => {
  const guard = calm(ten);
  guard.update(world("legacy", of(0), rest), START);
  const replaced = guard.update(world("legacy", of(9, "a.A", 50), rest), START + 60_000);
  expect([shown(replaced)?.length, replaced.held]).toEqual([9, 0]);
});

test("new instances that come while most are lost stand beside the held ones", () => {
  const guard = calm(ten);
  guard.update(world("legacy", of(0), rest), START);
  expect(shown(guard.update(world("legacy", of(1, "a.A", 50), rest), START + 60_000))?.length).toBe(11);
});

test("an endpoint that only changed is not lost", () => {
  const changed = entry(
    "a.A",
    addresses(10).map((address) => endpoint(address, { weight: 7 })),
  );
  const guarded = calm(ten).update(world("legacy", changed, rest), START);
  expect(guarded.world.entries[0]).toBe(changed);
});

describe("explicit deletion passes at once", () => {
  test("of registrations that no session can have taken", () => {
    const fixed = entry(
      "a.A",
      addresses(10).map((address) => endpoint(address, { params: { dynamic: "false" } })),
    );
    expect(shown(calm(world("legacy", fixed, rest)).update(four, START))?.length).toBe(4);
  });

  test("of instances that were seen to leave before the registry showed it", () => {
    const guard = calm(ten);
    guard.expect(
      addresses(10).map((address) => `${address}:20880`),
      START - 10,
    );
    expect(shown(guard.update(four, START))?.length).toBe(4);
  });

  test("of instances that were seen to leave after the registry showed it", () => {
    const guard = calm(ten);
    guard.update(four, START);
    guard.expect(
      addresses(6, 5).map((address) => `${address}:20880`),
      START + 10,
    );
    const guarded = guard.update(undefined, START + 10);
    expect([shown(guarded)?.length, guarded.held]).toEqual([4, 0]);
  });

  test("but not of an instance that came back in between", () => {
    const guard = calm(ten);
    guard.expect(
      addresses(10).map((address) => `${address}:20880`),
      START,
    );
    guard.update(world("legacy", rest), START);
    guard.update(ten, START + 1_000);
    expect(shown(guard.update(four, START + 20_000))?.length).toBe(10);
  });

  test("but not for ever", () => {
    const guard = calm(ten);
    guard.expect(
      addresses(10).map((address) => `${address}:20880`),
      START - holdMs,
    );
    expect(shown(guard.update(four, START))?.length).toBe(10);
  });
});

describe("the last provider", () => {
  test("goes to an empty list, and after a while the entry goes", () => {
    const guard = calm(world("legacy", of(1), rest));
    const gone = guard.update(world("legacy", rest), START);
    expect([shown(gone), gone.dueMs]).toEqual([[], START + emptyMs]);
    expect(shown(guard.update(undefined, START + emptyMs))).toBeUndefined();
    expect(guard.update(undefined, START + emptyMs).dueMs).toBeUndefined();
  });

  test("that comes back is shown again", () => {
    const guard = calm(world("legacy", of(1), rest));
    guard.update(world("legacy", rest), START);
    expect(shown(guard.update(world("legacy", of(1), rest), START + 1_000))?.length).toBe(1);
    expect(shown(guard.update(undefined, START + 2 * emptyMs))?.length).toBe(1);
  });

  test("of many that were held leaves an empty list for its full time", () => {
    const guard = calm(ten);
    guard.update(world("legacy", rest), START);
    expect(shown(guard.update(undefined, START + holdMs))).toEqual([]);
    expect(shown(guard.update(undefined, START + holdMs + emptyMs - 1))).toEqual([]);
    expect(shown(guard.update(undefined, START + holdMs + emptyMs))).toBeUndefined();
  });
});

describe("of the whole registry", () => {
  /** Twenty services, each with one instance of its own. */
  const many = world("legacy", ...addresses(20).map((address, index) => entry(`s${index}.S`, [address])));

  test("an answer that is empty by surprise is not believed", () => {
    const guard = calm(many);
    const guarded = guard.update(world("legacy"), START);
    expect(guarded.world.entries).toEqual(many.entries.toSorted((a, b) => (a.host < b.host ? -1 : 1)));
    expect([guarded.held, codes(guarded)]).toEqual([20, ["TR0151"]]);
    expect(guard.update(undefined, START + holdMs).world.entries.every((one) => one.endpoints.length === 0)).toBe(true);
  });

  test("losing most instances holds them in services that lost too few by themselves", () => {
    const guarded = calm(many).update(world("legacy", ...many.entries.slice(0, 8)), START);
    expect(guarded.world.entries.filter((one) => one.endpoints.length === 1)).toHaveLength(20);
  });

  test("losing fewer instances passes", () => {
    const guarded = calm(many).update(world("legacy", ...many.entries.slice(0, 12)), START);
    expect(guarded.world.entries.filter((one) => one.endpoints.length === 1)).toHaveLength(12);
    expect(codes(guarded)).toEqual([]);
  });

  test("one process that leaves twenty services is one instance", () => {
    const big = world(
      "legacy",
      ...Array.from({ length: 20 }, (_, index) => entry(`s${index}.S`, ["10.0.0.1", "10.0.0.2"])),
    );
    const left = world("legacy", ...Array.from({ length: 20 }, (_, index) => entry(`s${index}.S`, ["10.0.0.2"])));
    expect(codes(calm(big).update(left, START))).toEqual([]);
  });

  test("a registry with fewer than five instances may empty", () => {
    expect(shown(calm(world("legacy", of(4))).update(world("legacy"), START))).toEqual([]);
  });
});

describe("after the registry was out of reach", () => {
  const few = world("legacy", of(2), of(1, "b.B"));

  test("any loss is held for half a minute and then passes", () => {
    const guard = calm(few);
    guard.disturbed(START - 1_000);
    const empty = guard.update(world("legacy"), START);
    expect([shown(empty)?.length, shown(empty, "b.b")?.length, empty.held, codes(empty)]).toEqual([
      2,
      1,
      3,
      ["TR0152"],
    ]);
    expect(empty.dueMs).toBe(START - 1_000 + graceMs);
    const after = guard.update(undefined, START - 1_000 + graceMs);
    expect([shown(after), after.held, codes(after)]).toEqual([[], 0, []]);
  });

  test("what registers again meanwhile was never away", () => {
    const guard = calm(few);
    guard.disturbed(START);
    guard.update(world("legacy"), START);
    guard.update(world("legacy", of(1)), START + 5_000);
    const after = guard.update(few, START + 10_000);
    expect([shown(after)?.length, after.held, codes(after)]).toEqual([2, 0, []]);
  });

  test("a great loss is held on for its five minutes", () => {
    const guard = calm(ten);
    guard.disturbed(START);
    guard.update(four, START);
    const after = guard.update(undefined, START + graceMs);
    expect([shown(after)?.length, codes(after)]).toEqual([10, ["TR0150"]]);
    expect(shown(guard.update(undefined, START + holdMs))?.length).toBe(4);
  });

  test("who was seen to leave is gone at once", () => {
    const guard = calm(few);
    guard.disturbed(START);
    guard.expect(["10.0.0.2:20880"], START);
    expect(shown(guard.update(world("legacy", of(1), of(1, "b.B")), START))?.length).toBe(1);
  });

  test("the first connection is no outage", () => {
    const guard = createGuard();
    guard.disturbed(START);
    guard.update(few, START);
    expect(shown(guard.update(world("legacy", of(1), of(1, "b.B")), START + 1_000))?.length).toBe(1);
  });

  test("a loss after the half minute passes as ever", () => {
    const guard = calm(few);
    guard.disturbed(START - graceMs);
    expect(shown(guard.update(world("legacy", of(1), of(1, "b.B")), START))?.length).toBe(1);
  });
});

test("the guard's findings stand beside the registry's own and go with their cause", () => {
  const own = { code: "TR0101", severity: "warning", message: "m", at: "a" } as const;
  const guard = calm({ ...ten, findings: [own] });
  expect(codes(guard.update({ ...four, findings: [own] }, START))).toEqual(["TR0101", "TR0150"]);
  expect(codes(guard.update({ ...ten, findings: [own] }, START + 1))).toEqual(["TR0101"]);
});

test("a held entry keeps its identity while nothing changes", () => {
  const guard = calm(ten);
  const first = guard.update(four, START).world.entries[0];
  expect(guard.update(undefined, START + 1_000).world.entries[0]).toBe(first);
});

test("two keys that share a host are kept apart", () => {
  const guard = calm(world("legacy", of(2, "a.A"), of(3, "a.a")));
  const guarded = guard.update(world("legacy", of(1, "a.A"), of(3, "a.a")), START);
  expect(guarded.world.entries.map((one) => [one.service.interface, one.endpoints.length])).toEqual([
    ["a.A", 1],
    ["a.a", 3],
  ]);
});

describe("against what was kept from before the start", () => {
  const services = (count: number, address: (index: number) => string, first = 1) =>
    Array.from({ length: count }, (_, index) => entry(`s${first + index}.S`, [address(first + index)]));
  const own = (index: number) => `10.1.0.${index}`;
  const same = () => "10.1.0.1";

  const rows: readonly (readonly [string, readonly Entry[], readonly Entry[], held: number])[] = [
    ["all instances gone are held", [of(10)], [], 10],
    ["6 of 10 are held", [of(10)], [of(4)], 6],
    ["half pass", [of(10)], [of(5)], 0],
    ["four pass", [of(4)], [], 0],
    ["services of one instance each are held", services(8, own), [], 8],
    ["services of one and the same instance are held", services(8, same), [], 8],
    ["5 of 9 services of one instance are held", services(9, same), services(4, same), 5],
    ["4 of 8 services of one instance pass", services(8, same), services(4, same), 0],
    ["a single service of 9 passes", services(9, same), services(8, same), 0],
    ["instances that all moved pass", [of(10)], [of(10, "a.A", 100)], 0],
    ["services that were all renamed and moved pass", services(8, own), services(8, own, 100), 0],
    ["nothing gone is nothing held", [of(10)], [of(10)], 0],
  ];
  test.each(rows)("%s", (_name, before, after, held) => {
    const guard = createGuard();
    guard.remember(before, START);
    const guarded = guard.update(world("legacy", ...after), START + 100);
    const count = (list: readonly Entry[]) => list.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
    expect([guarded.held, count(guarded.world.entries)]).toEqual([held, count(after) + held]);
    expect(codes(guarded).length > 0).toBe(held > 0);
  });

  test("what is held stands for five minutes and then goes", () => {
    const guard = createGuard();
    guard.remember(services(8, same), START);
    const guarded = guard.update(world("legacy"), START);
    expect(guarded.world.findings.map(({ code, message }) => [code, message])).toEqual([
      ["TR0151", "registry legacy lost 8 of 8 services at once; they are held for 300 s"],
    ]);
    expect(guarded.dueMs).toBe(START + holdMs);
    expect(guard.update(undefined, START + holdMs - 1).held).toBe(8);
    const after = guard.update(undefined, START + holdMs);
    expect([after.held, codes(after)]).toEqual([0, []]);
    expect(guard.update(undefined, START + holdMs + emptyMs).world.entries).toEqual([]);
  });

  test("services that come back are held no more", () => {
    const guard = createGuard();
    guard.remember(services(8, same), START);
    guard.update(world("legacy"), START);
    const back = guard.update(world("legacy", ...services(5, same)), START + 60_000);
    expect([back.held, codes(back)]).toEqual([0, []]);
  });

  test("what is seen to leave on purpose while it is held goes at once", () => {
    const guard = createGuard();
    guard.remember(services(8, same), START);
    guard.update(world("legacy"), START);
    guard.expect(["10.1.0.1:20880"], START + 1_000);
    const after = guard.update(undefined, START + 1_000);
    expect([after.held, codes(after)]).toEqual([0, []]);
  });

  test("a single service that went leaves no empty entry behind", () => {
    const guard = createGuard();
    guard.remember([of(1), of(1, "b.B")], START);
    expect(guard.update(world("legacy", of(1, "b.B")), START).world.entries.map(({ host }) => host)).toEqual(["b.b"]);
  });

  test("what is kept counts once, and only before the first world", () => {
    const guard = createGuard();
    guard.update(world("legacy", of(1)), START);
    guard.remember([of(10, "b.B")], START);
    expect(guard.update(world("legacy", of(1), of(1, "c.C")), START + 1).held).toBe(0);
  });
});

describe("settings of single services", () => {
  const bold = { ...DEFAULT_GUARD, holdMs: 0, graceMs: 0 };
  const guardWith = (own: typeof DEFAULT_GUARD, first: World) => {
    const guard = createGuard(DEFAULT_GUARD, ({ interface: name }) => (name === "a.A" ? own : DEFAULT_GUARD));
    guard.update(first, START - 10 * holdMs);
    return guard;
  };

  test("a service that holds nothing loses its providers at once, also when the whole registry is held", () => {
    const guard = guardWith(bold, world("legacy", of(20), of(20, "b.B", 100)));
    const guarded = guard.update(world("legacy", of(1), of(1, "b.B", 100)), START);
    expect([shown(guarded)?.length, shown(guarded, "b.b")?.length, guarded.held]).toEqual([1, 20, 19]);
    expect(codes(guarded)).toEqual(["TR0150", "TR0151"]);
  });

  test("and after an outage of the registry", () => {
    const guard = guardWith(bold, world("legacy", of(3), of(3, "b.B", 100)));
    guard.disturbed(START);
    const guarded = guard.update(world("legacy", of(1), of(1, "b.B", 100)), START + 1);
    expect([shown(guarded)?.length, shown(guarded, "b.b")?.length]).toEqual([1, 3]);
  });

  test("a service has its own share, least and time", () => {
    const own = { ...DEFAULT_GUARD, passingShare: 0.1, leastLost: 1, holdMs: 1_000 };
    const guard = guardWith(own, world("legacy", of(4), rest));
    const held = guard.update(world("legacy", of(3), rest), START);
    expect([shown(held)?.length, held.dueMs]).toEqual([4, START + 1_000]);
    expect(held.world.findings[0]?.message).toContain("held for 1 s");
    expect(shown(guard.update(undefined, START + 1_000))?.length).toBe(3);
  });

  test("a service has its own time as an empty entry", () => {
    const guard = guardWith({ ...DEFAULT_GUARD, emptyMs: 1_000 }, world("legacy", of(1), rest));
    expect(shown(guard.update(world("legacy", rest), START))).toEqual([]);
    expect(shown(guard.update(undefined, START + 20_000))).toBeUndefined();
  });
});
