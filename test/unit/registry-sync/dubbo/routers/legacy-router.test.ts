import { expect, test } from "vitest";
import { legacyRank, readLegacyRouter } from "../../../../../src/registry-sync/dubbo/routers/legacy-router.ts";
import { parseDubboUrl } from "../../../../../src/registry-sync/dubbo/url.ts";

function urlOf(text: string) {
  const reading = parseDubboUrl(text);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

test.each<[url: string, expected: object]>([
  [
    "condition://0.0.0.0/a.B?rule=host+%3D+1.1.1.1",
    { type: "step", step: { force: false, old: true, text: "host = 1.1.1.1" } },
  ],
  [
    "route://0.0.0.0/a.B?router=condition&force=true&rule=%3D%3E+false",
    { type: "step", step: { force: true, to: [] } },
  ],
  ["route://0.0.0.0/a.B?rule=host+%3D+1.1.1.1", { type: "left", why: "is a route router" }],
  ["script://0.0.0.0/a.B?rule=x", { type: "left", why: "is a script router" }],
  ["condition://0.0.0.0/a.B", { type: "left", why: "has an empty condition" }],
  ["script://0.0.0.0/a.B?enabled=false", { type: "off" }],
])("%s", (url, expected) => {
  expect(readLegacyRouter(urlOf(url), "/place")).toMatchObject(expected);
});

test("routers have a rank", () => {
  expect(["priority=-2", "priority=x", "priority=7"].map((one) => legacyRank(urlOf(`condition://h/a?${one}`)))).toEqual(
    [-2, 0, 7],
  );
});
