import { expect, test } from "vitest";
import { Fastjson2Output } from "../../../../src/codecs/fastjson2/output.ts";

test("takes room as it grows and starts anew", () => {
  const output = new Fastjson2Output(10_000);
  output.writeString("a".repeat(1000)).writeInt(-17).writeLong(262144n);
  const bytes = output.takeOutput();
  expect(bytes.subarray(0, 4).toString("hex")).toBe("793be861");
  expect(bytes.subarray(1003).toString("hex")).toBe("37efbf00040000");
  expect(output.length).toBe(0);
});

test("stops at its limit", () => {
  expect(() => new Fastjson2Output(4).writeBytes(new Uint8Array(4))).toThrow("value is over maxBytes 4");
});
