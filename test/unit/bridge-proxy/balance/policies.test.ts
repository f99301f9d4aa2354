import { expect, test } from "vitest";
import { type Candidate, POLICIES } from "../../../../src/bridge-proxy/balance/policies.ts";

interface TestEndpoint {
  readonly host: { readonly port: number; active: number };
}

function candidates(...weights: number[]): Candidate<TestEndpoint>[] {
  let upTo = 0;
  return weights.map((weight, i) => {
    upTo += weight;
    return { endpoint: { host: { port: i, active: 0 } }, weight, upTo };
  });
}

const total = (list: readonly Candidate<TestEndpoint>[]) => list.at(-1)!.upTo;
const portsOf = (
  list: readonly Candidate<TestEndpoint>[],
  count: number,
  choose = POLICIES.ROUND_ROBIN(),
  random = () => 0,
) => Array.from({ length: count }, () => choose(list, total(list), random).endpoint.host.port);

test("round robin takes turns by weight, spread out", () => {
  expect(portsOf(candidates(100, 100), 4)).toEqual([0, 1, 0, 1]);
  expect(portsOf(candidates(5, 1, 1), 7)).toEqual([0, 0, 1, 0, 2, 0, 0]);
});

test("two sets take turns of their own", () => {
  const list = candidates(1, 1);
  const [one, two] = [POLICIES.ROUND_ROBIN(), POLICIES.ROUND_ROBIN()];
  expect([...portsOf(list, 1, one), ...portsOf(list, 1, two)]).toEqual([0, 0]);
});

test("random draws by weight", () => {
  const list = candidates(75, 25);
  const choose = POLICIES.RANDOM();
  const at = (point: number) => choose(list, 100, () => point).endpoint.host.port;
  expect([at(0), at(0.749), at(0.75), at(0.9999)]).toEqual([0, 0, 1, 1]);
});

test("least request takes the less busy of two, never one of them twice", () => {
  const list = candidates(1, 1);
  list[0]!.endpoint.host.active = 5;
  for (const draws of [
    [0, 0],
    [0, 0.9],
    [0.9, 0],
    [0.9, 0.9],
  ])
    expect(portsOf(list, 1, POLICIES.LEAST_REQUEST(), () => draws.shift()!)).toEqual([1]);
});

test("least request draws both by weight, the second from all but the first", () => {
  const list = candidates(20, 50, 30);
  list[1]!.endpoint.host.active = 100;
  const at = (second: number) => {
    const draws = [0.2, second];
    return portsOf(list, 1, POLICIES.LEAST_REQUEST(), () => draws.shift()!)[0];
  };
  expect([at(0), at(0.39), at(0.41), at(0.99)]).toEqual([0, 0, 2, 2]);
});

test("least request counts calls in flight for the weight; of equals it takes the first drawn", () => {
  const list = candidates(300, 100);
  const chosen = (first: number, ...active: number[]) => {
    for (const [i, count] of active.entries()) list[i]!.endpoint.host.active = count;
    const draws = [first, 0];
    return portsOf(list, 1, POLICIES.LEAST_REQUEST(), () => draws.shift()!)[0];
  };
  expect([chosen(0, 0, 0), chosen(0.8, 0, 0), chosen(0, 3, 1), chosen(0.8, 3, 1)]).toEqual([0, 1, 0, 1]);
  expect([chosen(0, 4, 1), chosen(0.8, 2, 1), chosen(0.8, 4, 2)]).toEqual([1, 0, 0]);
  expect(portsOf(candidates(100), 2, POLICIES.LEAST_REQUEST())).toEqual([0, 0]);
});
