import { expect, test } from "vitest";
import { createPresentContext } from "../../../../src/registry-sync/present/context.ts";
import { pageQuestion, presentNacosList, presentNamePage } from "../../../../src/registry-sync/present/nacos-list.ts";

const PLAIN = createPresentContext({ addresses: ["10.0.0.9:20880"] });
const CONTEXT = {
  ...PLAIN,
  httpElsewhere: ["a", "b", "c"].map((name) => ({
    service: { interface: name, group: name === "c" ? "G" : "", version: "" },
    ...{ metadata: {}, isUp: true, address: "10.0.0.9:31000" },
  })),
};

test.each([
  ["all on one page", 1, 10, { count: 2, names: ["x", "y"] }, { count: 4, names: ["x", "y", "a", "b"] }],
  ["the last page has room for one", 1, 3, { count: 2, names: ["x", "y"] }, { count: 4, names: ["x", "y", "a"] }],
  ["the page behind it has the other", 2, 3, { count: 2, names: [] }, { count: 4, names: ["b"] }],
  ["a page before the last", 1, 2, { count: 5, names: ["x", "y"] }, { count: 7, names: ["x", "y"] }],
  ["a page behind all", 9, 10, { count: 2, names: [] }, { count: 4, names: [] }],
  ["one that the registry has too", 1, 10, { count: 1, names: ["a"] }, { count: 2, names: ["a", "b"] }],
])("%s", (_name, pageNo, pageSize, page, expected) => {
  expect(presentNamePage(page, { groupName: "DEFAULT_GROUP", pageNo, pageSize }, CONTEXT)).toEqual(expected);
});

test("each group has its own", () => {
  const page = { count: 0, names: [] };
  expect(presentNamePage(page, { groupName: "G", pageNo: 1, pageSize: 10 }, CONTEXT).names).toEqual(["c"]);
});

test("an answer is the same object where nothing is added, and keeps its other fields", () => {
  const said = { resultCode: 200, count: 1, serviceNames: ["x"] };
  expect(presentNacosList(said, { pageNo: 1, pageSize: 10 }, PLAIN)).toBe(said);
  expect(presentNacosList(said, { pageNo: 1, pageSize: 10 }, CONTEXT)).toEqual({
    ...{ resultCode: 200, count: 3, serviceNames: ["x", "a", "b"] },
  });
});

test("a page's question is read from text and numbers, and bounded", () => {
  expect(pageQuestion({ pageNo: "2", pageSize: "1000000", groupName: "G" })).toEqual({
    groupName: "G",
    pageNo: 2,
    pageSize: 10_000,
  });
  expect(pageQuestion({})).toEqual({ groupName: "", pageNo: 1, pageSize: 10 });
});
