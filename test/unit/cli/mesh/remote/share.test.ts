import { expect, test } from "vitest";
import { shareOf } from "../../../../../src/cli/mesh/remote/share.ts";
import { compile } from "../../../../../src/control/compile/compiler.ts";
import { emptySnapshot } from "../../../../../src/model/snapshot.ts";

const at = (port: number) => ({ address: "10.0.0.8", port });
const all = [at(20880), at(20881), at(50051), at(50052)];
const set = compile(emptySnapshot, {
  id: "host",
  dubbo: [at(20880), at(20881)],
  tri: [at(50051), at(50052)],
  http: [{ ...at(80), service: "shop" }],
});
const listenersOf = (worker: Parameters<typeof shareOf>[1]) =>
  shareOf(set, worker, all).listeners.map(({ name }) => name);

test("a worker gets the listeners on its own ports", () => {
  expect(listenersOf({ id: "w2", dubbo: [at(20881)], tri: [at(50052)] })).toEqual([
    "dubbo_10.0.0.8_20881",
    "tri_10.0.0.8_50052",
  ]);
});

test("ports that are nobody's go to the worker that serves gateways", () => {
  expect(listenersOf({ id: "w1", dubbo: [at(20880)], gatewayAddress: "10.0.0.8" })).toEqual([
    "dubbo_10.0.0.8_20880",
    "http_10.0.0.8_80",
  ]);
});

test("two workers' parts of one set are told apart by their versions", () => {
  const [one, other] = [20880, 20881].map((port) => shareOf(set, { id: `w${port}`, dubbo: [at(port)] }, all).version);
  expect(one).not.toBe(other);
});
