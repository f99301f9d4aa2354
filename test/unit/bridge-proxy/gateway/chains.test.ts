import { expect, test } from "vitest";
import { chainFor, type EndedChain, placeOf } from "../../../../src/bridge-proxy/gateway/chains.ts";

const chain = (routeConfigName: string, serverNames?: readonly string[]): EndedChain => ({
  ...{ routeConfigName, serverNames, isOptional: false },
  tls: undefined as never,
});
const chains = [
  chain("all"),
  chain("stars", ["*.example.com"]),
  chain("longer", ["*.b.example.com"]),
  chain("name", ["a.example.com"]),
];

test.each([
  ["a.example.com", "name"],
  ["A.Example.com", "name"],
  ["c.example.com", "stars"],
  ["x.b.example.com", "longer"],
  ["b.example.com", "stars"],
  ["example.com", "all"],
  ["", "all"],
  [undefined, "all"],
])("who asks for %s gets the chain of %s", (name, expected) => {
  expect(chainFor(chains, name)).toMatchObject({ routeConfigName: expected });
});

test("what passes through counts among the chains, and its places by their weights", () => {
  const to = [
    { address: "a", port: 1, weight: 3 },
    { address: "b", port: 1, weight: 1 },
  ];
  const passage = { serverNames: ["p.example.com"], to };
  expect(chainFor([...chains, passage], "p.example.com")).toBe(passage);
  expect(chainFor([{ ...passage, serverNames: ["*"] }], "x")).toBeDefined();
  expect([0, 0.74, 0.75, 0.99].map((random) => placeOf(passage, random)?.address)).toEqual(["a", "a", "b", "b"]);
  expect(placeOf({ ...passage, to: [] }, 0)).toBeUndefined();
});

test("a name that nobody has has no chain", () => {
  expect(chainFor(chains.slice(1), "other.org")).toBeUndefined();
  expect(chainFor(chains.slice(1), undefined)).toBeUndefined();
});
