import { expect, test } from "vitest";
import { encodeJavaException, isJavaSerialization } from "../../../../src/codecs/dubbo2/java-exception.ts";

// As Java's ObjectOutputStream writes a RuntimeException without cause, stack and suppressed ones; read back by Java 17.
const THROWABLE =
  "7200136a6176612e6c616e672e5468726f7761626c65d5c635273977b8cb0300044c000563617573657400154c6a6176612f6c616e672f5468726f7761626c653b4c000d64657461696c4d6573736167657400124c6a6176612f6c616e672f537472696e673b5b000a737461636b547261636574001e5b4c6a6176612f6c616e672f537461636b5472616365456c656d656e743b4c001473757070726573736564457863657074696f6e737400104c6a6176612f7574696c2f4c6973743b78";
const CLASSES = `7372001a6a6176612e6c616e672e52756e74696d65457863657074696f6e9e5f06470a3483e5020000787200136a6176612e6c616e672e457863657074696f6ed0fd1f3e1a3b1cc402000078${THROWABLE}`;

test("an exception is written as Java writes it", () => {
  expect(encodeJavaException(7, "no").toString("hex")).toBe(`aced0005770100${CLASSES}70707400026e6f707078`);
  expect(encodeJavaException(3, null).toString("hex")).toBe(`aced000577020001${CLASSES}707070707078`);
});

test("a compacted one has its classes' names alone", () => {
  expect(encodeJavaException(4, "no").toString("latin1")).toBe(
    "\xac\xed\0\x05w\x02\0\x01sr\x01\0\x1ajava.lang.RuntimeExceptionxr\x01\0\x13java.lang.Exceptionxr\x01\0\x13java.lang.Throwablexppt\0\x02noppx",
  );
});

test("text is in Java's own UTF-8", () => {
  expect(encodeJavaException(7, "\0é中😀").toString("hex")).toContain("74000dc080c3a9e4b8adeda0bdedb880");
});

test("Java's serializations are three", () => {
  expect([2, 3, 4, 6, 7, 8, 23].filter(isJavaSerialization)).toEqual([3, 4, 7]);
});
