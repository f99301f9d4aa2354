import { describe, expect, test } from "vitest";
import { parseZooKeeperAddress } from "../../../../../src/registry-sync/sources/zookeeper/address.ts";

test("an address names servers, chroot, user and parameters", () => {
  expect(parseZooKeeperAddress("zookeeper://bob:s%40crt@h1:2182,h2,[::1]:9/a/b/?root=%2Fdubbo&backup=h3:1,h4")).toEqual(
    {
      servers: [
        { host: "h1", port: 2182 },
        { host: "h2", port: 2181 },
        { host: "::1", port: 9 },
        { host: "h3", port: 1 },
        { host: "h4", port: 2181 },
      ],
      chroot: "/a/b",
      username: "bob",
      password: "s@crt",
      parameters: new Map([
        ["root", "/dubbo"],
        ["backup", "h3:1,h4"],
      ]),
    },
  );
});

test("what is not said is not there", () => {
  expect(parseZooKeeperAddress("zookeeper://h/")).toEqual({
    servers: [{ host: "h", port: 2181 }],
    chroot: "",
    username: undefined,
    password: undefined,
    parameters: new Map(),
  });
});

describe("a wrong address", () => {
  test.each([
    ["nacos://h", "looks like zookeeper://"],
    ["zookeeper://", "is not host:port"],
    ["zookeeper://h:0", "is not host:port"],
    ["zookeeper://h:65536", "is not host:port"],
    ["zookeeper://h:1,,h:2", "is not host:port"],
    ["zookeeper://h/a//b", "chroot /a//b: path has an empty part"],
    [`zookeeper://${"h,".repeat(64)}h`, "over 64 ZooKeeper servers"],
  ])("%s: %s", (url, text) => {
    expect(() => parseZooKeeperAddress(url)).toThrow(text);
  });

  test("never shows its password", () => {
    for (const url of ["zookeeper://bob:hush%@h", "zookeeper://bob:hush@h:0", "zookeeper://bob:hush@h/a//b"]) {
      let thrown: unknown;
      try {
        parseZooKeeperAddress(url);
      } catch (error) {
        thrown = error;
      }
      expect(String(thrown)).toMatch(/^ConfigError: (?!.*hush)/);
    }
  });
});
