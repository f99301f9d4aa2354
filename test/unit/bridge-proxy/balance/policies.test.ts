import { expect, test } from "vitest";
import {
  type Candidate,
  type Choose,
  createLeastRequest,
  createPeakEwma,
  createRandom,
  createRoundRobin,
} from "../../../../src/bridge-proxy/balance/policies.ts";

interface TestEndpoint {
  readonly host: { readonly address: string; readonly port: number; active: number };
  readonly weight: number;
  record: { rttMs(nowMs: number): number } | undefined;
}

function candidates(...weights: number[]): Candidate<TestEndpoint>[] {
  let upTo = 0;
  return weights.map((weight, i) => {
    upTo += weight;
    const endpoint = { host: { address: "10.0.0.1", port: i, active: 0 }, weight, record: undefined };
    return { endpoint, weight, upTo };
  });
}

function portsOf(
  list: readonly Candidate<TestEndpoint>[],
  count: number,
  choose: Choose = createRoundRobin(),
  random = () => 0,
): number[] {
  const offer = { candidates: list, totalWeight: list.at(-1)!.upTo, listed: list.map(({ endpoint }) => endpoint) };
  return Array.from({ length: count }, () => choose(offer, random, undefined, 0).endpoint.host.port);
}

test("round robin takes turns by weight, spread out", () => {
  expect(portsOf(candidates(100, 100), 4)).toEqual([0, 1, 0, 1]);
  expect(portsOf(candidates(5, 1, 1), 7)).toEqual([0, 0, 1, 0, 2, 0, 0]);
});

test("turns go on where the candidates change", () => {
  const choose = createRoundRobin();
  const all = candidates(1, 1, 1);
  expect([...portsOf(all, 2, choose), ...portsOf(all.slice(0, 2), 1, choose), ...portsOf(all, 3, choose)]).toEqual([
    0, 1, 0, 0, 1, 2,
  ]);
});

test("two sets take turns of their own", () => {
  const list = candidates(1, 1);
  const [one, two] = [createRoundRobin(), createRoundRobin()];
  expect([...portsOf(list, 1, one), ...portsOf(list, 1, two)]).toEqual([0, 0]);
});

test("random draws by weight", () => {
  const list = candidates(75, 25);
  const at = (point: number) => portsOf(list, 1, createRandom(), () => point)[0];
  expect([at(0), at(0.749), at(0.75), at(0.9999)]).toEqual([0, 0, 1, 1]);
  expect(
    Array.from({ length: 5 }, (_, i) => portsOf(candidates(1, 1, 1, 1, 1), 1, createRandom(), () => (i + 0.5) / 5)[0]),
  ).toEqual([0, 1, 2, 3, 4]);
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
    expect(portsOf(list, 1, createLeastRequest(), () => draws.shift()!)).toEqual([1]);
});

test("least request draws both by weight, the second from all but the first", () => {
  const list = candidates(20, 50, 30);
  list[1]!.endpoint.host.active = 100;
  const at = (second: number) => {
    const draws = [0.2, second];
    return portsOf(list, 1, createLeastRequest(), () => draws.shift()!)[0];
  };
  expect([at(0), at(0.39), at(0.41), at(0.99)]).toEqual([0, 0, 2, 2]);
});

test("least request counts calls in flight for the weight; of equals it takes the first drawn", () => {
  const list = candidates(300, 100);
  const chosen = (first: number, ...active: number[]) => {
    for (const [i, count] of active.entries()) list[i]!.endpoint.host.active = count;
    const draws = [first, 0];
    return portsOf(list, 1, createLeastRequest(), () => draws.shift()!)[0];
  };
  expect([chosen(0, 0, 0), chosen(0.8, 0, 0), chosen(0, 3, 1), chosen(0.8, 3, 1)]).toEqual([0, 1, 0, 1]);
  expect([chosen(0, 4, 1), chosen(0.8, 2, 1), chosen(0.8, 4, 2)]).toEqual([1, 0, 0]);
  expect(portsOf(candidates(100), 2, createLeastRequest())).toEqual([0, 0]);
});

test.each([
  ["about alike: the first drawn", [10, 9.1], [0, 0], [100, 100], 0],
  ["the faster one", [10, 8], [0, 0], [100, 100], 1],
  ["a slow one that is idle costs less than a fast one with calls", [10, 4], [0, 2], [100, 100], 0],
  ["a slow one with calls does not", [10, 4], [1, 2], [100, 100], 1],
  ["calls count for the weight", [10, 10], [2, 2], [50, 100], 1],
  ["weight alone is no reason", [10, 10], [0, 0], [50, 100], 0],
] as const)("peak EWMA: %s", (_, rtt, active, weights, port) => {
  const list = candidates(...weights);
  for (const [i, { endpoint }] of list.entries()) {
    endpoint.host.active = active[i]!;
    endpoint.record = { rttMs: () => rtt[i]! };
  }
  expect(portsOf(list, 1, createPeakEwma())).toEqual([port]);
});
