import { expect, test } from "vitest";
import { isBodiless, reasonOf } from "../../../../src/codecs/http1/status.ts";

test("reasons are the usual ones, and empty where there is none", () => {
  expect([reasonOf(200), reasonOf(503), reasonOf(299)]).toEqual(["OK", "Service Unavailable", ""]);
});

test("1xx, 204 and 304 have no body", () => {
  expect([100, 199, 200, 204, 205, 304].filter(isBodiless)).toEqual([100, 199, 204, 304]);
});
