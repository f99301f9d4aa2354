import { expect, test } from "vitest";
import { CallError } from "../../../../src/base/errors.ts";
import { encodeWebText, encodeWebTrailers, WebTextDecoder } from "../../../../src/codecs/grpc-web/body.ts";
import fc from "../../../support/fast-check.ts";

test("trailers are one envelope with a line for each", () => {
  expect(encodeWebTrailers(["grpc-status", "0", "Grpc-Message", "a%20b"]).toString("hex")).toBe(
    `8000000025${Buffer.from("grpc-status: 0\r\ngrpc-message: a%20b\r\n").toString("hex")}`,
  );
  expect(encodeWebTrailers([]).toString("hex")).toBe("8000000000");
});

test("no trailer begins a line of its own, and pseudo fields are none", () => {
  const bytes = encodeWebTrailers([":status", "200", "x", "a\r\ngrpc-status: 0", "y\n", "\0"]);
  expect(bytes.subarray(5).toString("latin1")).toBe("x: a  grpc-status: 0\r\ny :  \r\n");
});

function decode(...pieces: string[]): string {
  const decoder = new WebTextDecoder();
  const bytes = pieces.map((piece) => decoder.push(Buffer.from(piece, "latin1")));
  decoder.finish();
  return Buffer.concat(bytes).toString("latin1");
}

test.each([
  ["nothing", [""], ""],
  ["whole groups", ["YWJj", "ZGVm"], "abcdef"],
  ["groups cut anywhere", ["Y", "WJ", "jZ", "GVm"], "abcdef"],
  ["padding at the end", ["YWI="], "ab"],
  ["padding in the middle, as pieces encoded by themselves have it", ["YQ==YWI=YWJj"], "aababc"],
  ["padding cut", ["YQ=", "=YWI", "="], "aab"],
])("%s is read", (_, pieces, text) => {
  expect(decode(...pieces)).toBe(text);
});

test.each([
  ["another character", ["YW-j"], "a character that is none of base64's"],
  ["a line break", ["YWJj\r\n"], "a character that is none of base64's"],
  ["a null byte", ["YW\0j"], "a character that is none of base64's"],
  ["a group that is not whole", ["YWJjZ"], "1 characters behind the last whole group"],
  ["padding first", ["=YWJ"], "padding inside a group"],
  ["padding second", ["Y==="], "padding inside a group"],
  ["padding before the last place", ["YW=j"], "padding inside a group"],
])("%s is refused", (_, pieces, why) => {
  const read = () => decode(...pieces);
  expect(read).toThrow(CallError);
  expect(read).toThrow(`grpc-web text is no base64: ${why}`);
});

test("what was encoded in pieces is read in any others", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 9 }),
      (parts, step) => {
        const text = Buffer.concat(parts.map((part) => encodeWebText(Buffer.from(part)))).toString("latin1");
        const pieces = text.match(new RegExp(`[^]{1,${step}}`, "g")) ?? [];
        expect(decode(...pieces)).toBe(Buffer.concat(parts).toString("latin1"));
      },
    ),
  );
});

test("whatever comes is bytes or a refusal", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 5 }), (pieces) => {
      const decoder = new WebTextDecoder();
      try {
        for (const piece of pieces) decoder.push(Buffer.from(piece));
        decoder.finish();
      } catch (error) {
        expect(error).toBeInstanceOf(CallError);
      }
    }),
  );
});
