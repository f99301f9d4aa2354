import { expect, test } from "vitest";
import { JuteReader, JuteWriter } from "../../../../src/codecs/zookeeper/jute.ts";
import fc from "../../../support/fast-check.ts";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

const rows: readonly { readonly name: string; readonly write: (w: JuteWriter) => void; readonly bytes: string }[] = [
  { name: "true", write: (w) => w.boolean(true), bytes: "01" },
  { name: "a negative int", write: (w) => w.int(-2), bytes: "fffffffe" },
  { name: "a long", write: (w) => w.long(-1n), bytes: "ffffffffffffffff" },
  { name: "a null buffer", write: (w) => w.buffer(null), bytes: "ffffffff" },
  { name: "an empty buffer", write: (w) => w.buffer(new Uint8Array(0)), bytes: "00000000" },
  { name: "a string", write: (w) => w.string("/é😀"), bytes: "000000072fc3a9f09f9880" },
  { name: "strings", write: (w) => w.strings(["a", ""]), bytes: "00000002000000016100000000" },
];

test.each(rows)("$name is written as the reference says", ({ write, bytes }) => {
  const writer = new JuteWriter(1);
  write(writer);
  expect(hex(writer.finish())).toBe(bytes);
});

test("null strings and vectors read as empty", () => {
  const reader = new JuteReader(Uint8Array.from(Buffer.from("ffffffffffffffff", "hex")));
  expect(reader.string("s")).toBe("");
  expect(reader.strings("v")).toEqual([]);
});

test("what is written is read back", () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array(), fc.integer(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (s, b, i, l) => {
      const writer = new JuteWriter(1).string(s).buffer(b).int(i).long(l).strings([s, s]);
      const reader = new JuteReader(writer.finish());
      const well = new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(s));
      expect(reader.string("s")).toBe(well);
      expect(hex(reader.buffer("b")!)).toBe(hex(b));
      expect(reader.int("i")).toBe(i | 0);
      expect(reader.long("l")).toBe(l);
      expect(reader.strings("v")).toEqual([well, well]);
      expect(reader.left).toBe(0);
    }),
  );
});

test("an error names the field, the length and what is left", () => {
  const reader = new JuteReader(Uint8Array.from(Buffer.from("0000000961", "hex")));
  expect(() => reader.string("path")).toThrow("zookeeper path of 9 bytes does not fit into the 1 bytes left");
});
