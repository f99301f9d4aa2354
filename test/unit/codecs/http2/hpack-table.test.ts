import { expect, test } from "vitest";
import { DynamicTable, FIRST_DYNAMIC, STATIC_NAMES, STATIC_VALUES } from "../../../../src/codecs/http2/hpack-table.ts";

test("the static table has 61 entries, where the RFC has them", () => {
  expect(FIRST_DYNAMIC).toBe(62);
  const rows = [1, 2, 8, 16, 28, 31, 38, 54, 58, 61].map((index) =>
    [STATIC_NAMES[index], STATIC_VALUES[index]].join("="),
  );
  expect(rows.join(" | ")).toBe(
    ":authority= | :method=GET | :status=200 | accept-encoding=gzip, deflate | content-length= | content-type= | host= | " +
      "server= | user-agent= | www-authenticate=",
  );
});

test("the newest entry has the lowest index and old ones give way by size", () => {
  const table = new DynamicTable(100);
  table.add("a", "1");
  table.add("b", "2");
  expect([table.name(62), table.value(62), table.name(63), table.name(64)]).toEqual(["b", "2", "a", undefined]);
  table.add("c", "3");
  expect([table.name(62), table.name(63), table.name(64), table.oldest, table.next]).toEqual([
    "c",
    "b",
    undefined,
    1,
    3,
  ]);
});

test("an entry over the whole size empties the table", () => {
  const table = new DynamicTable(100);
  table.add("a", "1");
  table.add("b", "x".repeat(100));
  expect(table.name(62)).toBeUndefined();
});

test("a smaller size evicts, and many entries keep their order", () => {
  const table = new DynamicTable(4096);
  for (let i = 0; i < 300; i++) table.add("n" + i, "v");
  expect([table.name(62), table.value(62), table.name(62 + 100)]).toEqual(["n299", "v", "n199"]);
  table.resize(40);
  expect([table.name(62), table.name(63)]).toEqual(["n299", undefined]);
});

test("what was said of an entry stays with it while the table grows", () => {
  const table = new DynamicTable(4096);
  for (let i = 0; i < 40; i++) table.add("n", String(i), i % 3 !== 0);
  expect([0, 1, 2, 39].map((i) => table.isSound(FIRST_DYNAMIC + i))).toEqual([false, true, true, false]);
});
