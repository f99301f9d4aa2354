import { expect, test } from "vitest";
import { DEFAULT_HTTP2_LIMITS } from "../../../../src/codecs/http2/limits.ts";

test("what is announced by default is what the RFC lets be announced", () => {
  const { maxFrameBytes, streamWindowBytes, connectionWindowBytes } = DEFAULT_HTTP2_LIMITS;
  expect(maxFrameBytes).toBeGreaterThanOrEqual(16_384);
  expect(streamWindowBytes).toBeLessThan(2 ** 31);
  expect(connectionWindowBytes).toBeGreaterThanOrEqual(65_535);
});
