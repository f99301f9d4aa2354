import { expect, test } from "vitest";
import { withOneHost } from "../../../../src/registry-sync/merge/one-host.ts";
import { entry, world } from "../../../support/worlds.ts";

const under = (host: string, service: string) => ({
  ...entry(service, ["10.0.0.1"]),
  host,
  writtenHost: host.toUpperCase(),
});

test("a service has the host of the first registry that holds it", () => {
  const first = world("a", under("b.zk", "a.B"));
  const second = world("b", under("b.nacos", "a.B"), under("c.nacos", "a.C"));
  const [one, two] = withOneHost([first, second]);
  expect(one).toBe(first);
  expect(two!.entries.map(({ host, writtenHost }) => [host, writtenHost])).toEqual([
    ["b.zk", "B.ZK"],
    ["c.nacos", "C.NACOS"],
  ]);
});

test("entries stay in order of hosts, and what did not change keeps its identity", () => {
  const first = world("a", under("z", "a.B"));
  const second = world("b", under("b", "a.B"), under("c", "a.C"));
  const made = withOneHost([first, second])[1]!;
  const again = withOneHost([first, { ...second }])[1]!;
  expect(made.entries.map(({ host }) => host)).toEqual(["c", "z"]);
  expect(again.entries[1]).toBe(made.entries[1]);
});

test("a host without another form has none of the one it had", () => {
  const first = world("a", entry("a.B", []));
  const [, two] = withOneHost([first, world("b", under("b.nacos", "a.B"))]);
  expect(two!.entries[0]).toMatchObject({ host: "a.b" });
  expect(two!.entries[0]).not.toHaveProperty("writtenHost");
});

test("a service whose host became another has one while the guard still shows the old one, in one registry alone too", () => {
  const left = { ...under("old.nacos", "a.B"), endpoints: [] };
  const [only] = withOneHost([world("a", left, under("own.nacos", "a.B"))]);
  expect(only!.entries.map(({ host, endpoints }) => [host, endpoints.length])).toEqual([
    ["old.nacos", 0],
    ["old.nacos", 1],
  ]);
});

test("worlds that need nothing are the same objects", () => {
  const worlds = [world("a", entry("a.B", [])), world("b", entry("a.B", ["10.0.0.1"]))];
  expect(withOneHost(worlds)[1]).toBe(worlds[1]);
  const one = [world("a", under("x", "a.B"))];
  expect(withOneHost(one)).toBe(one);
});
