import { expect, test } from "vitest";
import { hashText } from "../../../src/model/hash-text.ts";

test("a hash is the first 16 hexadecimal digits of SHA-256", () => {
  expect(hashText("")).toBe("e3b0c44298fc1c14");
  expect(hashText("abc")).toBe("ba7816bf8f01cfea");
});
