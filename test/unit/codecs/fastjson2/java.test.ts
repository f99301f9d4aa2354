import { expect, test } from "vitest";
import { READ_LIMITS } from "../../../../src/codecs/fastjson2/constants.ts";
import { Fastjson2Cursor } from "../../../../src/codecs/fastjson2/cursor.ts";
import { decimalText, readJavaValue } from "../../../../src/codecs/fastjson2/java.ts";
import { scalarText } from "../../../../src/codecs/hessian2/text.ts";

test.each([
  [110n, 2, "1.10"],
  [-1n, 6, "-0.000001"],
  [1n, 7, "1E-7"],
  [1n, -30, "1E+30"],
  [-12345n, -3, "-1.2345E+7"],
  [0n, 0, "0"],
  [0n, 2, "0.00"],
])("a decimal of %s and scale %s is %s, as Java prints it", (unscaled, scale, text) => {
  expect(decimalText(unscaled, scale)).toBe(text);
});

test("a zone that is a region stays text, since its offset stands nowhere", () => {
  const bytes = Buffer.from("aa07e8021d0705090156417369612f5368616e67686169", "hex");
  const cursor = new Fastjson2Cursor(READ_LIMITS).reset(bytes, 1);
  expect(scalarText(readJavaValue(cursor, 0xaa))).toBe("2024-02-29T07:05:09.000000001[Asia/Shanghai]");
});
