import { expect, test } from "vitest";
import { readGrpcMatch, readHttpMatch } from "../../../../../src/control/rules/gateway-api/matches.ts";

const at = { position: { file: "r.yaml", line: 1, column: 1 }, fields: {} };
const nothing = () => {};

test.each([
  [
    "service and method",
    { service: "com.acme.A", method: "get" },
    { type: "exact", value: "/com.acme.A/get" },
    [10, 3, 0],
  ],
  ["a service", { service: "com.acme.A" }, { type: "prefix", value: "/com.acme.A/" }, [10, 0, 0]],
  [
    "expressions",
    { type: "RegularExpression", service: "com.*", method: "get|list" },
    { type: "regex", value: "/(?:com.*)/(?:get|list)" },
    [5, 8, 0],
  ],
  [
    "an expression for methods",
    { type: "RegularExpression", method: "g.*" },
    { type: "regex", value: "/(?:[^/]+)/(?:g.*)" },
    [0, 3, 0],
  ],
])("a GRPCRoute's match of %s is one of the path", (_, method, uri, rank) => {
  expect(readGrpcMatch({ at, method: { at, ...method } }, nothing)).toEqual({ matches: [{ at, uri }], rank });
});

test.each([
  ["an exact path", { type: "Exact" as const, value: "/a" }, [{ type: "exact", value: "/a" }], [1, 2, 0, 0, 0]],
  [
    "a prefix of whole parts",
    { value: "/a/" },
    [
      { type: "exact", value: "/a" },
      { type: "prefix", value: "/a/" },
    ],
    [0, 3, 0, 0, 0],
  ],
  [
    "an expression",
    { type: "RegularExpression" as const, value: "/a.*" },
    [{ type: "regex", value: "/a.*" }],
    [0, 4, 0, 0, 0],
  ],
  ["every path", { value: "/" }, [undefined], [0, 1, 0, 0, 0]],
])("an HTTPRoute's match of %s", (_, path, uris, rank) => {
  const read = readHttpMatch({ at, path: { at, ...path } }, nothing);
  expect(read.matches.map(({ uri }) => uri)).toEqual(uris);
  expect(read.rank).toEqual(rank);
});

test("methods, headers and parameters are conditions, of two for one name the first", () => {
  const headers = [
    { at, name: "x", value: "1" },
    { at, name: "x", value: "2" },
    { at, name: "y", type: "RegularExpression" as const, value: "a+" },
  ];
  expect(readHttpMatch({ at, method: "POST", headers, queryParams: [{ at, name: "q", value: "v" }] }, nothing)).toEqual(
    {
      rank: [0, 1, 1, 3, 1],
      matches: [
        {
          at,
          method: { type: "exact", value: "POST" },
          headers: { x: { type: "exact", value: "1" }, y: { type: "regex", value: "a+" } },
          queryParams: { q: { type: "exact", value: "v" } },
        },
      ],
    },
  );
});

test("what is no RE2 expression is told with its place", () => {
  const found: string[] = [];
  const report = (code: string, _: unknown, message: string) => void found.push(`${code} ${message}`);
  readGrpcMatch({ at, headers: [{ at, name: "x", type: "RegularExpression", value: "(?=a)" }] }, report);
  readHttpMatch({ at, path: { at, type: "RegularExpression", value: "(" } }, report);
  expect(found.map((one) => one.slice(0, 14))).toEqual(['TR0211 "(?=a)"', 'TR0211 "(" is ']);
});

test("a method of any service is that of the service that is called", () => {
  expect(readGrpcMatch({ at, method: { at, method: "get" } }, nothing)).toEqual({
    matches: [{ at, method: { type: "exact", value: "get" } }],
    rank: [0, 3, 0],
  });
});
