import { describe, expect, test } from "vitest";
import { parseHosts } from "../../../../../src/registry-sync/facades/zookeeper/hosts.ts";

describe("a list of servers", () => {
  test("has ports, 2181 where none is given, and IPv6 in brackets", () => {
    expect(parseHosts("a:2182, b,[fd00::1]:2183,[fd00::2]")).toEqual([
      { host: "a", port: 2182 },
      { host: "b", port: 2181 },
      { host: "fd00::1", port: 2183 },
      { host: "fd00::2", port: 2181 },
    ]);
  });

  test.each(["a:b", "a:70000", "fd00::1", ":2181"])("%s is refused", (text) => {
    expect(() => parseHosts(text)).toThrow(`"${text}" is no host:port`);
  });
});
