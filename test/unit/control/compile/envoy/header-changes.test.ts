import { expect, test } from "vitest";
import type { HeaderValueOption, Route } from "../../../../../src/codecs/xds/route.ts";
import { destinationsLast } from "../../../../../src/control/compile/envoy/header-changes.ts";

const add = (key: string, value: string): HeaderValueOption => ({
  header: { key, value },
  appendAction: "APPEND_IF_EXISTS_OR_ADD",
});
const route = (own: Partial<Route>, ...clusters: object[]): Route => ({
  match: { prefix: "/" },
  route: { weightedClusters: { clusters: clusters.map((one, i) => ({ name: `c${i}`, weight: 1, ...one })) } },
  ...own,
});

test("a route's changes stand before those of each destination, but for what that takes out", () => {
  const merged = destinationsLast(
    route(
      {
        requestHeadersToAdd: [add("x-a", "route"), add("X-Gone", "route")],
        requestHeadersToRemove: ["x-r"],
        responseHeadersToAdd: [add("x-s", "route")],
      },
      { requestHeadersToAdd: [add("x-a", "own")], requestHeadersToRemove: ["x-gone"] },
      {},
    ),
  );
  expect(merged).toEqual(
    route(
      {},
      {
        requestHeadersToAdd: [add("x-a", "route"), add("x-a", "own")],
        requestHeadersToRemove: ["x-r", "x-gone"],
        responseHeadersToAdd: [add("x-s", "route")],
      },
      {
        requestHeadersToAdd: [add("x-a", "route"), add("X-Gone", "route")],
        requestHeadersToRemove: ["x-r"],
        responseHeadersToAdd: [add("x-s", "route")],
      },
    ),
  );
});

test("a route is as it was where only one of both changes headers", () => {
  const alone = route({ requestHeadersToAdd: [add("x-a", "route")] }, {}, {});
  expect(destinationsLast(alone)).toBe(alone);
  const theirs = route({}, { responseHeadersToRemove: ["x-a"] });
  expect(destinationsLast(theirs)).toBe(theirs);
});
