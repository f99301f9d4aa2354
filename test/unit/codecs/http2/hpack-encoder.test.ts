import { expect, test } from "vitest";
import { Output } from "../../../../src/codecs/http2/frame.ts";
import { HpackDecoder } from "../../../../src/codecs/http2/hpack-decoder.ts";
import { HpackEncoder } from "../../../../src/codecs/http2/hpack-encoder.ts";

const NONE: readonly string[] = [];

function encode(encoder: HpackEncoder, fields: readonly string[], never = NONE): Buffer {
  const out = new Output();
  encoder.encode(fields, never, out);
  return out.take();
}

test("what is in the static table is one octet", () => {
  expect(encode(new HpackEncoder(), [":method", "GET", ":status", "200"]).toString("hex")).toBe("8288");
});

test("a value is indexed from its second time on", () => {
  const encoder = new HpackEncoder();
  const sizes = [0, 1, 2].map(() => encode(encoder, ["x-tenant", "blue"]).length);
  expect(sizes).toEqual([15, 12, 1]);
});

test("credentials and marked names are never indexed", () => {
  const encoder = new HpackEncoder();
  for (let i = 0; i < 3; i++) {
    expect(encode(encoder, ["authorization", "k"]).toString("hex")).toBe("1f08016b");
    expect(encode(encoder, ["x", "k"], ["x"]).toString("hex")).toBe("100178016b");
  }
});

test("a decoder follows hundreds of blocks, through table sizes that the peer sets", () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  for (let i = 0; i < 600; i++) {
    if (i % 50 === 49) encoder.setPeerTableBytes(i % 100 === 49 ? 100 : 4096);
    const fields = [
      ":path",
      "/s/m" + (i % 7),
      "x" + (i % 40),
      "v" + (i % 3),
      "grpc-timeout",
      i + "m",
      "l",
      "z".repeat(i),
    ];
    const block = encode(encoder, fields);
    expect(decoder.decode(block, 0, block.length).fields).toEqual(fields);
  }
});

test("a table of 0 is told and nothing is added", () => {
  const encoder = new HpackEncoder();
  encoder.setPeerTableBytes(0);
  expect(encode(encoder, [":method", "GET"]).toString("hex")).toBe("2082");
  encode(encoder, ["x", "y"]);
  expect(encode(encoder, ["x", "y"]).toString("hex")).toBe("0001780179");
});

test("a field that is where it was before is one octet until its entry is evicted", () => {
  const encoder = new HpackEncoder(100);
  const decoder = new HpackDecoder(100);
  const names = ["name", "name", "name", "name", "key1", "key1", "key2", "key2", "name", "name"];
  const sizes = names.map((name) => {
    const fields = [name, "12345678"];
    const block = encode(encoder, fields);
    expect(decoder.decode(block, 0, block.length).fields).toEqual(fields);
    return block.length;
  });
  expect(sizes.map((size) => size === 1)).toEqual([false, false, true, true, false, false, false, false, false, true]);
});

test("a name whose values were all new is not learnt from for a while, and again when they repeat", () => {
  const encoder = new HpackEncoder();
  const size = (value: string) => encode(encoder, ["grpc-timeout", value]).length;
  for (let i = 0; i < 40; i++) size(`${i}m`);
  expect([size("5000m"), size("5000m"), size("5000m")]).toEqual([20, 20, 20]);
  for (let i = 0; i < 600; i++) size("5000m");
  expect(size("5000m")).toBe(1);
});
