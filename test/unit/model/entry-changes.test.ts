import { expect, test } from "vitest";
import type { Entry } from "../../../src/model/entry.ts";
import { entryChanges } from "../../../src/model/entry-changes.ts";
import { serviceKey } from "../../../src/model/service.ts";

const entry = (host: string): Entry => ({ host, service: serviceKey(host), endpoints: [] });
const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(entry) as [Entry, Entry, Entry, Entry, Entry];
const b2 = entry("b");

const rows: readonly {
  readonly name: string;
  readonly before: readonly Entry[];
  readonly after: readonly Entry[];
  readonly gone: readonly Entry[];
  readonly came: readonly Entry[];
}[] = [
  { name: "nothing, of lists of the same entries", before: [a, b, c], after: [a, b, c], gone: [], came: [] },
  { name: "an entry that is another object", before: [a, b, c], after: [a, b2, c], gone: [b], came: [b2] },
  { name: "an entry that came in the middle", before: [a, c, d], after: [a, b, c, d], gone: [], came: [b] },
  { name: "entries at both ends", before: [b, c], after: [a, b, c, d], gone: [], came: [a, d] },
  { name: "entries that went", before: [a, b, c, d, e], after: [b, d], gone: [a, c, e], came: [] },
  { name: "all of them", before: [a, b], after: [], gone: [a, b], came: [] },
  { name: "the first of them", before: [], after: [a], gone: [], came: [a] },
];

for (const { name, before, after, gone, came } of rows) {
  test(`changes of a list are told: ${name}`, () => {
    expect(entryChanges(before, after)).toEqual({ gone, came });
  });
}

test("of lists in another order what differs is told too, and what stays in both or neither", () => {
  const { gone, came } = entryChanges([c, a, b], [a, d, c]);
  expect(gone).toContain(b);
  expect(came).toContain(d);
  for (const one of [a, c]) expect(gone.includes(one)).toBe(came.includes(one));
});
