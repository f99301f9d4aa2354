import { expect, test } from "vitest";
import { chainFor } from "../../../../src/codecs/xds/server-names.ts";

const chain = (name: string, serverNames?: readonly string[]) => ({ name, serverNames });
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
  expect(chainFor(chains, name)).toMatchObject({ name: expected });
});

test("a name that nobody has has no chain", () => {
  expect(chainFor(chains.slice(1), "other.org")).toBeUndefined();
  expect(chainFor(chains.slice(1), undefined)).toBeUndefined();
});
