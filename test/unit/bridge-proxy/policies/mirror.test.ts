import { expect, test } from "vitest";
import type { ProxyCounters } from "../../../../src/bridge-proxy/context.ts";
import { type MirrorShare, Mirrors } from "../../../../src/bridge-proxy/policies/mirror.ts";
import { OK, outcomeOfReason } from "../../../../src/bridge-proxy/policies/outcome.ts";

const mirrorOf = (name: string, share: number): MirrorShare<{ name: string }> => ({ share, route: { name } });

function create(maxMirrors: number) {
  const counters = { mirrored: 0, mirrorFailures: 0, mirrorsDropped: 0 } as ProxyCounters;
  return { mirrors: new Mirrors(counters, maxMirrors), counters };
}

test("a copy is drawn by its share, each mirror by itself", () => {
  const { mirrors, counters } = create(10);
  const list = [mirrorOf("all", 1), mirrorOf("half", 0.5), mirrorOf("none", 0)];
  expect(mirrors.draw(list, () => 0.4).map(({ name }) => name)).toEqual(["all", "half"]);
  expect(mirrors.draw(list, () => 0.5).map(({ name }) => name)).toEqual(["all"]);
  expect(counters.mirrored).toBe(3);
});

test("there are no more copies under way than may be; each that ends makes room", () => {
  const { mirrors, counters } = create(1);
  const all = [mirrorOf("all", 1)];
  expect(mirrors.draw(all, () => 0)).toHaveLength(1);
  expect(mirrors.draw(all, () => 0)).toHaveLength(0);
  mirrors.record(OK);
  expect(mirrors.draw(all, () => 0)).toHaveLength(1);
  mirrors.recordOneWay();
  expect([mirrors.underWay, counters]).toEqual([0, { mirrored: 2, mirrorFailures: 0, mirrorsDropped: 1 }]);
});

test("a copy that fails is counted as one, and one that was not made after all as dropped", () => {
  const { mirrors, counters } = create(5);
  mirrors.draw([mirrorOf("a", 1), mirrorOf("b", 1)], () => 0);
  mirrors.record(outcomeOfReason("timeout"));
  mirrors.drop(1);
  expect([mirrors.underWay, counters]).toEqual([0, { mirrored: 1, mirrorFailures: 1, mirrorsDropped: 1 }]);
});
