import { expect, test } from "vitest";
import { splitAddress } from "../../../../src/control/admin/server.ts";

test.each([
  ["127.0.0.1:15000", { host: "127.0.0.1", port: 15_000 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  ["[::1]:15000", { host: "::1", port: 15_000 }],
  [":15000", { host: "0.0.0.0", port: 15_000 }],
])("%s is split into host and port", (text, address) => {
  expect(splitAddress(text)).toEqual(address);
});

test.each(["", "localhost", "::1:80", "a:65536", "a:x", "[::1]"])("%j is no address", (text) => {
  expect(() => splitAddress(text)).toThrow(`admin address ${JSON.stringify(text)} is no host:port`);
});
