import { expect, test } from "vitest";
import { decodeHessian2 } from "../../../../src/codecs/hessian2/reader.ts";
import { encodeHessian2, Hessian2Writer, type Hessian2WriterOptions } from "../../../../src/codecs/hessian2/writer.ts";
import { dateValue, doubleValue, floatValue, type Value } from "../../../../src/codecs/value.ts";
import { hessianVectors } from "../../../support/hessian-vectors.ts";

function hexWritten(value: Value, options?: Hessian2WriterOptions): string {
  return encodeHessian2(value, options).toString("hex");
}

/** Names of the vectors whose value is in the name: `int 5`, `long -3`, `double 0.1`, `date 60000`. */
const scalars = hessianVectors("3.2.13").filter(({ name }) => /^(int|long|double|date) /.test(name));

test.each(scalars.map(({ name, hex }) => [name, hex] as const))(
  "%s is written as hessian-lite writes it",
  (name, hex) => {
    const [kind, text] = name.split(" ") as [string, string];
    const value: Value = {
      int: () => Number(text),
      long: () => BigInt(text),
      double: () => doubleValue(Number(text)),
      date: () => dateValue(BigInt(text)),
    }[kind]!();
    expect(hexWritten(value, { forms: "java" })).toBe(hex);
  },
);

test.each<readonly [name: string, value: Value, hex: string]>([
  ["null", null, "4e"],
  ["true", true, "54"],
  ["false", false, "46"],
  ["an empty string", "", "00"],
  ["31 units", "a".repeat(31), `1f${"61".repeat(31)}`],
  ["32 units", "a".repeat(32), `3020${"61".repeat(32)}`],
  ["1023 units", "a".repeat(1023), `33ff${"61".repeat(1023)}`],
  ["1024 units", "a".repeat(1024), `530400${"61".repeat(1024)}`],
  ["32768 units", "a".repeat(32768), `538000${"61".repeat(32768)}`],
  ["32769 units", "a".repeat(32769), `528000${"61".repeat(32768)}0161`],
  ["a pair at a chunk's end", `${"a".repeat(32767)}\ud83d\ude00`, `527fff${"61".repeat(32767)}02eda0bdedb880`],
  ["a char", { type: "char", value: "x" }, "0178"],
  ["a float as its shortest double", floatValue(1.1), "443ff199999999999a"],
  ["a double that Java writes as thousandths", doubleValue(12.25), "444028800000000000"],
  ["minus zero", doubleValue(-0), "448000000000000000"],
  ["a date of whole minutes", dateValue(60_000), "4a000000000000ea60"],
  ["15 bytes", new Uint8Array(15), `2f${"00".repeat(15)}`],
  ["16 bytes", new Uint8Array(16), `3410${"00".repeat(16)}`],
  ["1023 bytes", new Uint8Array(1023), `37ff${"00".repeat(1023)}`],
  ["1024 bytes", new Uint8Array(1024), `420400${"00".repeat(1024)}`],
  ["32769 bytes", new Uint8Array(32769), `418000${"00".repeat(32768)}2100`],
])("%s is written in its shortest form that all readers share", (_name, value, hex) => {
  expect(hexWritten(value)).toBe(hex);
  expect(hexWritten(decodeHessian2(Buffer.from(hex, "hex")))).toBe(hex);
});

test("a body that is taken starts an empty one, and its bytes are the caller's", () => {
  const writer = new Hessian2Writer();
  const first = writer.writeString("abc").takeOutput();
  expect(writer.length).toBe(0);
  const second = writer.writeInt(5).writeString(null).takeOutput();
  expect([first.toString("hex"), second.toString("hex")]).toEqual(["03616263", "954e"]);
});
