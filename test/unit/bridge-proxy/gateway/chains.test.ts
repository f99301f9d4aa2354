import { expect, test } from "vitest";
import { placeOf } from "../../../../src/bridge-proxy/gateway/chains.ts";

test("the places of what passes through are drawn by their weights", () => {
  const to = [
    { address: "a", port: 1, weight: 3 },
    { address: "b", port: 1, weight: 1 },
  ];
  const passage = { serverNames: ["p.example.com"], to };
  expect([0, 0.74, 0.75, 0.99].map((random) => placeOf(passage, random)?.address)).toEqual(["a", "a", "b", "b"]);
  expect(placeOf({ ...passage, to: [] }, 0)).toBeUndefined();
});
