import { expect, test } from "vitest";
import { isZooKeeperError, ZooKeeperError, zooKeeperError } from "../../../../src/codecs/zookeeper/status.ts";

test("an error says what, its number and where", () => {
  expect(zooKeeperError("noNode", "/a").message).toBe("zookeeper answered no node (-101) for /a");
  expect(new ZooKeeperError(-999).message).toBe("zookeeper answered unknown (-999)");
});

test("an error is known by its name", () => {
  expect(isZooKeeperError(new ZooKeeperError(-110, "/a"), "nodeExists")).toBe(true);
  expect(isZooKeeperError(new ZooKeeperError(-110, "/a"), "noNode")).toBe(false);
  expect(isZooKeeperError(new Error("x"), "noNode")).toBe(false);
});
