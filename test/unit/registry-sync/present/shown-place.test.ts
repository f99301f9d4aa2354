import { expect, test } from "vitest";
import { placeOf } from "../../../../src/registry-sync/present/shown-place.ts";

test.each([
  ["10.0.0.9:31000", "orders", false, { hostName: "10.0.0.9", address: "10.0.0.9", port: 31_000 }],
  ["10.0.0.9:31000", "orders", true, { hostName: "orders", address: "10.0.0.9", port: 31_000 }],
  ["[::1]:31000", "Orders-2.eu", true, { hostName: "Orders-2.eu", address: "::1", port: 31_000 }],
  ["[::1]:31000", "orders", false, { hostName: "::1", address: "::1", port: 31_000 }],
])("%s for %s, by name: %s", (address, service, namesAsHosts, expected) => {
  expect(placeOf(address, service, { namesAsHosts })).toEqual(expected);
});

test.each(["", "a_b", "a:1", "-a", "a-", "a/b", "a b", "größe", "a".repeat(254)])(
  "%j can be no host's name and is shown at the address",
  (service) => {
    expect(placeOf("10.0.0.9:31000", service, { namesAsHosts: true }).hostName).toBe("10.0.0.9");
  },
);
