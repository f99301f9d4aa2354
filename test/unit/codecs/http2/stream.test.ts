import { expect, test } from "vitest";
import { Http2Stream, StreamTable } from "../../../../src/codecs/http2/stream.ts";

test("streams are found by number, also when their low bits are the same", () => {
  const table = new StreamTable();
  const ids = [1, 3, 513, 1025, 5];
  for (const id of ids) table.add(new Http2Stream(id, 1, 1));
  expect(ids.map((id) => table.get(id)?.id)).toEqual(ids);
  expect([table.get(515), table.size, table.all().map((one) => one.id)]).toEqual([undefined, 5, [1, 3, 5, 513, 1025]]);
  for (const id of ids) table.remove(table.get(id) as Http2Stream, "ended");
  expect([table.size, table.get(513), table.all()]).toEqual([0, undefined, []]);
});

test("the last thousand endings are known", () => {
  const table = new StreamTable();
  table.remember(1, "we-reset");
  table.remember(3, "they-reset");
  expect([table.ending(1), table.ending(3), table.ending(5)]).toEqual(["we-reset", "they-reset", "unknown"]);
  table.remember(2049, "ended");
  expect([table.ending(1), table.ending(2049)]).toEqual(["unknown", "ended"]);
});
