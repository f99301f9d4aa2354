import { expect, test } from "vitest";
import { decodeMessage, MAX_VALUES } from "../../../../src/codecs/protobuf/decode.ts";
import { ordersMessage } from "../../../support/proto-fixtures.ts";

const kinds = ordersMessage("Kinds");

/** A field of bytes. */
function field(number: number, content: Buffer): Buffer {
  const length: number[] = [];
  for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest % 128) | 0x80);
  }
  return Buffer.concat([Buffer.of((number << 3) | 2, ...length), content]);
}

function nested(depth: number): Buffer {
  let bytes: Buffer = Buffer.alloc(0);
  for (let i = 0; i < depth; i++) bytes = field(7, bytes);
  return bytes;
}

test("a message is read, without what its type does not have", () => {
  const message = decodeMessage(ordersMessage("Int"), Buffer.from("08057a0178", "hex"));
  expect(message).toMatchObject({ value: 5 });
  expect(message.$unknown).toBeUndefined();
});

test("a large message of one text is no many values", () => {
  const text = Buffer.alloc(2 * MAX_VALUES, "x");
  expect(decodeMessage(ordersMessage("Text"), field(1, text))).toMatchObject({ value: text.toString() });
  expect(decodeMessage(ordersMessage("Keys"), field(1, text))).toMatchObject({ keys: [text.toString()] });
  expect(decodeMessage(ordersMessage("Blob"), field(1, text))).toHaveProperty("value.length", text.length);
});

const filler = field(5, Buffer.alloc(MAX_VALUES));

test.each<[string, string, Buffer, string]>([
  ["a number cut off", "Int", Buffer.from("08ff", "hex"), "no com.acme.Int: "],
  ["messages without end", "OrderList", Buffer.alloc(2 * (MAX_VALUES + 1), "\x0a\x00"), "more than 1000000 values"],
  ["a packed list", "Ints", field(1, Buffer.alloc(MAX_VALUES + 1)), "more than 1000000 values"],
  ["a map", "LongKeys", Buffer.alloc(2 * (MAX_VALUES + 1), "\x0a\x00"), "more than 1000000 values"],
  [
    "a map of messages",
    "OrdersByKeyReply",
    field(1, field(2, Buffer.alloc(2 * (MAX_VALUES + 1), "\x3a\x00"))),
    "more than 1000000 values",
  ],
  ["messages in messages", "Kinds", nested(101), "maximum recursion depth"],
  ["messages in large messages", "Kinds", Buffer.concat([nested(102), filler]), "nested deeper than 100"],
])("%s is refused", (_, name, bytes, text) => {
  expect(() => decodeMessage(ordersMessage(name), bytes)).toThrow(text);
});

test("messages nested as deep as is allowed are read", () => {
  expect(decodeMessage(kinds, nested(50))).toHaveProperty("inner.inner.inner");
});
