import { expect, test } from "vitest";
import { addressBytes } from "../../../../src/codecs/x509/address.ts";

const ADDRESSES: readonly (readonly [string, string])[] = [
  ["10.1.2.255", "0a0102ff"],
  ["::1", "00000000000000000000000000000001"],
  ["::", "00000000000000000000000000000000"],
  ["2001:db8::5", "20010db8000000000000000000000005"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
];

test.each(ADDRESSES)("%s is %s", (text, hex) => {
  expect(addressBytes(text).toString("hex")).toBe(hex);
});

test.each(["", "10.0.0", "10.0.0.256", "1:2", "1::2::3", "1:2:3:4:5:6:7:8::", "g::1", "localhost"])(
  "%j is no address",
  (text) => {
    expect(() => addressBytes(text)).toThrow(/is no IP address$/);
  },
);
