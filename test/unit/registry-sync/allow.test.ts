import { describe, expect, test } from "vitest";
import { compileAllow } from "../../../src/registry-sync/allow.ts";

describe("who may connect", () => {
  test.each<[string, string[], string, boolean]>([
    ["everybody by an empty list", [], "203.0.113.9", true],
    ["an address inside a range", ["10.0.0.0/8"], "10.77.0.1", true],
    ["not one outside", ["10.0.0.0/8"], "11.0.0.1", false],
    ["one address alone", ["10.0.0.1"], "10.0.0.1", true],
    ["not its neighbour", ["10.0.0.1"], "10.0.0.2", false],
    ["an IPv4 client of a socket for both families", ["10.0.0.0/8"], "::ffff:10.0.0.1", true],
    ["an IPv6 range", ["fd00::/8"], "fd12::1", true],
    ["not what is no address", ["10.0.0.0/8"], "", false],
  ])("%s", (_, ranges, address, allowed) => {
    expect(compileAllow(ranges)(address)).toBe(allowed);
  });

  test.each(["10.0.0.0/33", "10.0.0", "fd00::/129", "10.0.0.0/8/8", "10.0.0.0/", "host", "10.0.0.0/-1"])(
    "%s is refused",
    (range) => {
      expect(() => compileAllow(["10.0.0.1", range])).toThrow(
        `allow has "${range}", which is no address and no CIDR range`,
      );
    },
  );
});
