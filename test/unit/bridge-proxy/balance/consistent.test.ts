import { expect, test } from "vitest";
import { createConsistent } from "../../../../src/bridge-proxy/balance/consistent.ts";
import { mix } from "../../../../src/bridge-proxy/balance/hash.ts";
import { buildRing } from "../../../../src/bridge-proxy/balance/hash-table.ts";
import type { Offer } from "../../../../src/bridge-proxy/balance/policies.ts";

interface TestEndpoint {
  readonly host: { readonly address: string; readonly port: number; readonly active: number };
  readonly weight: number;
  readonly record: undefined;
}

function endpoints(...weights: number[]): TestEndpoint[] {
  return weights.map((weight, port) => ({ host: { address: "10.0.0.1", port, active: 0 }, weight, record: undefined }));
}

/** What is chosen from, by the weights of now; those without one take no call. */
function offerOf(listed: readonly TestEndpoint[], now: readonly (number | undefined)[]): Offer<TestEndpoint> {
  let upTo = 0;
  const candidates = listed.flatMap((endpoint, i) => {
    const weight = now[i];
    if (weight === undefined) return [];
    upTo += weight;
    return [{ endpoint, weight, upTo }];
  });
  return { candidates, totalWeight: upTo, listed };
}

const never = () => {
  throw new Error("no chance is asked for");
};

function owners(choose: ReturnType<typeof createConsistent>, offer: Offer<TestEndpoint>): number[] {
  return Array.from({ length: 5_000 }, (_, i) => choose(offer, never, mix(i), 0).endpoint.host.port);
}

test("the table is built once for a list, however often its endpoints change their state", () => {
  let built = 0;
  const choose = createConsistent((members) => {
    built++;
    return buildRing(members);
  });
  const list = endpoints(100, 100, 100);
  const before = owners(choose, offerOf(list, [100, 100, 100]));
  const without = owners(choose, offerOf(list, [100, undefined, 100]));
  expect(owners(choose, offerOf(list, [100, 100, 100]))).toEqual(before);
  expect(built).toBe(1);
  expect(without.every((port, i) => port === before[i] || before[i] === 1)).toBe(true);
  owners(choose, offerOf(endpoints(100, 100), [100, 100]));
  expect(built).toBe(2);
});

test("the order of the list does not count", () => {
  const list = endpoints(100, 50, 100);
  const turned = [...list].reverse();
  expect(owners(createConsistent(buildRing), offerOf(list, [100, 50, 100]))).toEqual(
    owners(createConsistent(buildRing), offerOf(turned, [100, 50, 100])),
  );
});

test("one that warms up takes a share of its keys that grows, always the same ones", () => {
  const choose = createConsistent(buildRing);
  const list = endpoints(100, 100);
  const keysOf = (weight: number) =>
    new Set(owners(choose, offerOf(list, [100, weight])).flatMap((port, key) => (port === 1 ? [key] : [])));
  const [cold, half, warm] = [keysOf(1), keysOf(50), keysOf(100)];
  expect(cold.size / warm.size).toBeLessThan(0.03);
  expect(half.size / warm.size).toBeCloseTo(0.5, 1);
  expect([...half].every((key) => warm.has(key)) && [...cold].every((key) => half.has(key))).toBe(true);
  expect(new Set(owners(choose, offerOf(list, [undefined, 1])))).toEqual(new Set([1]));
  expect(owners(choose, offerOf(list, [1, 1]))).toEqual(owners(choose, offerOf(list, [100, 100])));
});

test("without a hash a call goes anywhere", () => {
  const offer = offerOf(endpoints(100, 100), [100, 100]);
  const choose = createConsistent(buildRing);
  const ports = Array.from({ length: 100 }, (_, i) => choose(offer, () => i / 100, undefined, 0).endpoint.host.port);
  expect(new Set(ports)).toEqual(new Set([0, 1]));
});

test("weight 0 has no keys, where another has weight", () => {
  expect(new Set(owners(createConsistent(buildRing), offerOf(endpoints(0, 100), [1, 100])))).toEqual(new Set([1]));
  expect(new Set(owners(createConsistent(buildRing), offerOf(endpoints(0, 0), [1, 1])))).toEqual(new Set([0, 1]));
  expect(new Set(owners(createConsistent(buildRing), offerOf(endpoints(0, 100), [1, undefined])))).toEqual(
    new Set([0]),
  );
});
