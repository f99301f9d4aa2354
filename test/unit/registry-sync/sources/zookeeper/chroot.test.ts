import { expect, test } from "vitest";
import { shownReply, withChroot, withoutChroot } from "../../../../../src/registry-sync/sources/zookeeper/chroot.ts";

test("paths grow on their way out, the root becomes the chroot", () => {
  expect(withChroot({ op: "getData", path: "/a", watch: true }, "/c")).toEqual({
    op: "getData",
    path: "/c/a",
    watch: true,
  });
  expect(withChroot({ op: "sync", path: "/" }, "/c")).toEqual({ op: "sync", path: "/c" });
  expect(withChroot({ op: "multi", ops: [{ op: "delete", path: "/a", version: 1 }] }, "/c")).toEqual({
    op: "multi",
    ops: [{ op: "delete", path: "/c/a", version: 1 }],
  });
  expect(withChroot({ op: "ping" }, "/c")).toEqual({ op: "ping" });
});

test("paths shrink on their way in", () => {
  expect([withoutChroot("/c/a", "/c"), withoutChroot("/c", "/c"), withoutChroot("/a", "")]).toEqual(["/a", "/", "/a"]);
  expect(shownReply({ op: "create", path: "/c/a" }, "/c")).toEqual({ op: "create", path: "/a" });
  expect(shownReply({ op: "getEphemerals", paths: ["/c/a"] }, "/c")).toEqual({ op: "getEphemerals", paths: ["/a"] });
  expect(shownReply({ op: "multi", results: [{ op: "create", path: "/c/a" }, { op: "delete" }] }, "/c")).toEqual({
    op: "multi",
    results: [{ op: "create", path: "/a" }, { op: "delete" }],
  });
});
