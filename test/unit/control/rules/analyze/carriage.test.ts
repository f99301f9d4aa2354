import { expect, test } from "vitest";
import { analyze } from "../../../../support/analysis.ts";
import { entryOf } from "../../../../support/rule-cases.ts";
import { virtualServiceText } from "../../../../support/rules.ts";

const entries = [
  entryOf("com.acme.A", ["dubbo://10.0.0.1:20880"]),
  entryOf("com.acme.B", ["tri://10.0.0.1:50051"]),
  entryOf("shop", ["http://10.0.0.2:8080"]),
  entryOf("both", ["http://10.0.0.2:8080", "dubbo://10.0.0.2:20880"]),
  entryOf("nobody", []),
];
const found = (host: string, destination: string, more = "") =>
  analyze([virtualServiceText("v", `[${host}]`, `[{route: [{destination: {host: ${destination}}}]${more}}]`)], entries);

test("calls of Dubbo are not carried to who speaks HTTP alone, nor requests to who speaks none", () => {
  expect(found("com.acme.A", "shop")).toEqual([
    expect.stringMatching(
      /^TR0221 \d+:\d+ destination shop speaks HTTP alone, and calls of com\.acme\.A are Dubbo's: a RestMapping for com\.acme\.A says what requests they become; its calls are refused$/,
    ),
  ]);
  expect(found("shop", "com.acme.B")).toEqual([
    expect.stringMatching(
      /^TR0221 \d+:\d+ destination com\.acme\.B speaks no HTTP, and requests for shop are carried as they are: .*; its calls are refused$/,
    ),
  ]);
  expect(found("com.acme.A", "com.acme.A", ", mirror: {host: shop}")).toEqual([
    expect.stringMatching(/^TR0221 .*; no copies are made$/),
  ]);
});

test.each([
  ["com.acme.A", "com.acme.B"],
  ["com.acme.A", "both"],
  ["shop", "nobody"],
  ["com.acme.A", "nobody"],
])("%s may be led to %s", (host, destination) => {
  expect(found(host, destination).filter((one) => /speaks/.test(one))).toEqual([]);
});
