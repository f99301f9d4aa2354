import { expect, test } from "vitest";
import type { Entry } from "../../../../src/model/entry.ts";
import type { StoredEntry } from "../../../../src/registry-sync/contracts.ts";
import { isEmpty, type PlanPolicy, plan } from "../../../../src/registry-sync/merge/plan.ts";
import { endpoint, entry } from "../../../support/worlds.ts";

const MINE = { owner: "trestle" };
const stored = (one: Entry, owner = "trestle"): StoredEntry => ({ host: one.host, owner, entry: one });

function hosts(desired: readonly Entry[], current: readonly StoredEntry[], policy: PlanPolicy = MINE) {
  const { changes, findings } = plan(desired, current, policy);
  return {
    create: changes.create.map((one) => one.host),
    update: changes.update.map(({ after }) => after.host),
    delete: changes.delete.map((one) => one.host),
    findings: findings.map((one) => `${one.code} ${one.at}`),
  };
}

const none = { create: [], update: [], delete: [], findings: [] };

test("what is missing is created, what differs is updated, what is over is deleted, each by host", () => {
  const desired = [entry("d.D", ["1"]), entry("a.A", ["1"]), entry("b.B", ["2"])];
  const current = [entry("z.Z", ["1"]), entry("c.C", ["1"]), entry("b.B", ["1"])].map((one) => stored(one));
  expect(hosts(desired, current)).toEqual({ ...none, create: ["a.a", "d.d"], update: ["b.b"], delete: ["c.c", "z.z"] });
});

test("equal content is no change, whatever the order of the parameters", () => {
  const one = (params: Readonly<Record<string, string>>) => entry("a.A", [endpoint("1", { params })]);
  expect(hosts([one({ x: "1", y: "2" })], [stored(one({ y: "2", x: "1" }))])).toEqual(none);
});

test("a parameter, a weight or an origin that differs is a change", () => {
  const one = (more: object) => [entry("a.A", [endpoint("1", more)])];
  for (const more of [{ params: { x: "1" } }, { weight: 1 }, { origin: "other" }, { tag: "gray" }]) {
    expect(
      hosts(
        one(more),
        one({}).map((each) => stored(each)),
      ).update,
    ).toEqual(["a.a"]);
  }
});

test("what the sink cannot keep is no change", () => {
  const policy = {
    ...MINE,
    stored: (one: Entry) => ({ ...one, endpoints: one.endpoints.map((each) => ({ ...each, token: "" })) }),
  };
  expect(hosts([entry("a.A", [endpoint("1", { token: "secret" })])], [stored(entry("a.A", ["1"]))], policy)).toEqual(
    none,
  );
});

test("entries of other owners are neither changed nor deleted, and one in the way is told", () => {
  const current = [
    stored(entry("a.A", ["1"]), "aeraki"),
    stored(entry("b.B", ["1"]), ""),
    { host: "c.c", owner: "", entry: undefined },
  ];
  expect(hosts([entry("a.A", ["2"]), entry("c.C", ["2"])], current)).toEqual({
    ...none,
    findings: ["TR0141 a.a", "TR0141 c.c"],
  });
});

test("what a registry that has not answered yet stands for is kept", () => {
  const from = (origin: string, address: string) => endpoint(address, { origin });
  const current = [
    stored(entry("a.A", [from("x", "1"), from("y", "2")])),
    stored(entry("b.B", [from("y", "3")])),
    stored(entry("c.C", [from("x", "4")])),
    stored(entry("d.D", [from("x", "5"), from("y", "6")])),
    stored(entry("e.E", [])),
  ];
  const { changes } = plan([entry("a.A", [from("x", "9")])], current, { ...MINE, silent: new Set(["y"]) });
  expect(changes.update.map(({ after }) => [after.host, after.endpoints.map((one) => one.address)])).toEqual([
    ["a.a", ["2", "9"]],
    ["d.d", ["6"]],
  ]);
  expect(changes.delete.map((one) => one.host)).toEqual(["c.c"]);
});

test("planning what was planned gives nothing", () => {
  const desired = [entry("a.A", ["1"]), entry("b.B", ["2"])];
  const { changes } = plan(desired, [], MINE);
  expect(isEmpty(changes)).toBe(false);
  expect(
    isEmpty(
      plan(
        desired,
        changes.create.map((one) => stored(one)),
        MINE,
      ).changes,
    ),
  ).toBe(true);
});

test("a host that others write in another case is a change, and labels are", () => {
  const stands = entry("a.B", ["10.0.0.1"]);
  const changes = (after: Entry) =>
    plan([after], [{ host: "a.b", owner: "trestle", entry: stands }], MINE).changes.update.length;
  expect(changes({ ...stands })).toBe(0);
  expect(changes({ ...stands, writtenHost: "A.B" })).toBe(1);
  expect(changes({ ...stands, endpoints: [endpoint("10.0.0.1", { labels: { a: "b" } })] })).toBe(1);
});

test("other ports are a change for a sink that has entries as they are, and for no other", () => {
  const a = entry("a.A", ["1"]);
  const more = { ...a, further: [{ protocol: "http", port: 9090, endpoints: a.endpoints }] };
  const given = { ...stored(a), isGiven: true as const };
  expect([hosts([more], [stored(a)]).update, hosts([more], [given]).update]).toEqual([["a.a"], ["a.a"]]);
  const policy = { ...MINE, stored: ({ further: _, ...one }: Entry) => one };
  expect([hosts([more], [stored(a)], policy), hosts([more], [given], policy)]).toEqual([none, none]);
});
