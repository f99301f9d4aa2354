import { expect, test } from "vitest";
import { StandingBook } from "../../../../src/registry-sync/facades/standing-book.ts";

test("the oldest are forgotten, by how many there are", () => {
  const book = new StandingBook<number>();
  for (let i = 0; i < 10_002; i++) book.set(`k${i}`, i, 1);
  expect([book.size, book.get("k1"), book.get("k2")]).toEqual([10_000, undefined, 2]);
});

test("and by how many bytes they take: what takes another's place takes its bytes too", () => {
  const book = new StandingBook<string>();
  const bytes = 24 * 1024 * 1024;
  book.set("a", "1", bytes);
  book.set("b", "1", bytes);
  book.set("a", "2", bytes);
  expect(book.all()).toEqual([
    ["b", "1"],
    ["a", "2"],
  ]);
  book.set("c", "1", bytes);
  expect([book.get("b"), book.get("a"), book.get("c")]).toEqual([undefined, "2", "1"]);
  book.delete("a");
  book.set("b", "2", bytes);
  expect(book.size).toBe(2);
  book.set("huge", "1", 10 * bytes);
  expect(book.size).toBe(0);
});
