import { afterEach, expect, test, vi } from "vitest";
import { fetchText, freshness, MAX_BYTES } from "../../../src/control/key-fetch.ts";

afterEach(() => vi.unstubAllGlobals());

test.each<[string | null, string | null, number | undefined]>([
  [null, null, undefined],
  ["public", null, undefined],
  ["max-age=300", null, 300_000],
  ["Public, Max-Age = 300, must-revalidate", "100", 200_000],
  ['max-age="60"', "none", 60_000],
  ["max-age=10", "11", 0],
  ["s-maxage=9, x-max-age=8", null, undefined],
  ["max-age=300, no-cache", null, 0],
  ["no-store", null, 0],
  ["max-age=-1", null, undefined],
  [`max-age=${"9".repeat(400)}`, null, undefined],
])("cache-control %j at age %j", (cacheControl, age, expected) => {
  expect(freshness(cacheControl, age)).toBe(expected);
});

const answers = (body: string | ReadableStream, init: ResponseInit = {}) =>
  vi.stubGlobal("fetch", async () => new Response(body, init));

test("what stands there comes with how long it is good; over the limit, or with another status, it does not", async () => {
  answers("{}", { headers: { "cache-control": "max-age=7" } });
  expect(await fetchText("http://a/", 1_000)).toEqual({ text: "{}", freshMs: 7_000 });
  answers("x".repeat(MAX_BYTES + 1));
  await expect(fetchText("http://a/", 1_000)).rejects.toThrow(/over the limit of 1048576 bytes/);
  const refused = Object.assign(new Error(""), { code: "ECONNREFUSED" });
  for (const [cause, text] of [
    [refused, "fetch failed: ECONNREFUSED"],
    [new Error("unexpected redirect"), "fetch failed: unexpected redirect"],
    [undefined, "fetch failed"],
  ] as const) {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("fetch failed", { cause })));
    await expect(fetchText("http://a/", 1_000)).rejects.toThrow(text);
  }
  answers("no", { status: 503 });
  await expect(fetchText("http://a/", 1_000)).rejects.toThrow("status 503");
});
