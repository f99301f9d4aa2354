import { describe, expect, test } from "vitest";
import { isInBlock, parseBlock, parseIp } from "../../../src/base/ip-block.ts";

const hex = (text: string) => {
  const bytes = parseIp(text);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("hex");
};

describe("addresses", () => {
  const rows: [string, string | undefined][] = [
    ["10.1.2.3", "00000000000000000000ffff0a010203"],
    ["::ffff:10.1.2.3", "00000000000000000000ffff0a010203"],
    ["::1", "00000000000000000000000000000001"],
    ["::", "00000000000000000000000000000000"],
    ["2001:DB8::8:800:200c:417a", "20010db80000000000080800200c417a"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["fe80::1%eth0", "fe800000000000000000000000000001"],
    ["10.1.2", undefined],
    ["10.1.2.256", undefined],
    ["010.1.2.3", undefined],
    ["1:2:3:4:5:6:7:8:9", undefined],
    ["1::2::3", undefined],
    ["1:2:3:4:5:6:7::8", undefined],
    ["1:2:3:4:5:6::8", "00010002000300040005000600000008"],
    [":1", undefined],
    ["12345::", undefined],
    ["", undefined],
    ["localhost", undefined],
  ];
  test.each(rows)("%s is %s", (text, expected) => {
    expect(hex(text)).toBe(expected);
  });
});

describe("blocks", () => {
  const rows: [string, string, boolean | undefined][] = [
    ["10.0.0.0/8", "10.255.1.2", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.0/8", "::ffff:10.1.1.1", true],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "10.1.2.4", false],
    ["10.0.0.128/25", "10.0.0.127", false],
    ["10.0.0.128/25", "10.0.0.200", true],
    ["0.0.0.0/0", "1.2.3.4", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["::/0", "1.2.3.4", true],
    ["fd00::/8", "fd12::1", true],
    ["10.0.0.0/33", "10.0.0.1", undefined],
    ["fd00::/129", "fd00::1", undefined],
    ["10.0.0.0/", "10.0.0.1", undefined],
    ["10.0.0.0/8x", "10.0.0.1", undefined],
  ];
  test.each(rows)("%s and %s: %s", (block, ip, expected) => {
    const parsed = parseBlock(block);
    expect(parsed === undefined ? undefined : isInBlock(parseIp(ip)!, parsed)).toBe(expected);
  });
});
