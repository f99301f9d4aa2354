import { expect, test } from "vitest";
import { readSettings } from "../../../../src/codecs/http2/settings.ts";

const read = (hex: string, role: "server" | "client" = "server") =>
  readSettings(Buffer.from(hex, "hex"), 0, hex.length / 2, role);

test("known settings are read and others read over", () => {
  expect(read("000100000064" + "000300000005" + "000400010000" + "00ff00000001")).toEqual({
    headerTableBytes: 100,
    maxStreams: 5,
    initialWindow: 65536,
  });
});

test.each([
  ["push of 2", "000200000002", "server", "enable_push is 2"],
  ["push from a server", "000200000001", "client", "enable_push is 1"],
  ["a window over 2^31-1", "000480000000", "server", "over 2^31-1"],
  ["small frames", "000500003fff", "server", "max_frame_size is 16383"],
  ["huge frames", "000501000000", "server", "max_frame_size is 16777216"],
  ["too many", "000100000064".repeat(33), "server", "over 32 settings"],
] as const)("%s is refused", (_name, hex, role, text) => {
  expect(() => read(hex, role)).toThrow(text);
});
