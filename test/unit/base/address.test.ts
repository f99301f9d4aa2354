import { expect, test } from "vitest";
import { printAddress } from "../../../src/base/address.ts";

test.each([
  ["10.0.0.1", "10.0.0.1:80"],
  ["orders.example.com", "orders.example.com:80"],
  ["fd00::1", "[fd00::1]:80"],
])("%s is printed as %s", (host, text) => {
  expect(printAddress(host, 80)).toBe(text);
});
