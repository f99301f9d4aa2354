import { expect, test } from "vitest";
import { genericTypeAt, typeAt } from "../../../../src/codecs/dubbo2/request-view.ts";
import { listValue } from "../../../../src/codecs/value.ts";

test("types stand in lists, by Java's names", () => {
  const types = listValue(["long", 7]);
  expect([genericTypeAt(types, 0), genericTypeAt(types, 1), genericTypeAt(types, 2)]).toEqual([
    "long",
    undefined,
    undefined,
  ]);
  expect([genericTypeAt(null, 0), genericTypeAt(undefined, 0), genericTypeAt("long", 0)]).toEqual(
    Array(3).fill(undefined),
  );
  const said = ["J", "Lcom/acme/Order$Line;", "[Lcom/acme/Order;"];
  expect([0, 1, 2, 3].map((n) => typeAt(said, n))).toEqual([
    "J",
    "com.acme.Order$Line",
    "[Lcom/acme/Order;",
    undefined,
  ]);
});
