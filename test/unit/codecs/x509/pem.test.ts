import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MAX_PEM_CHARACTERS, parsePem, printPem } from "../../../../src/codecs/x509/pem.ts";

const leaf = readFileSync("fixtures/wire/x509/leaf.pem", "utf8");

test("what OpenSSL wrote is printed as it wrote it", () => {
  const [bytes] = parsePem("CERTIFICATE", leaf);
  expect(printPem("CERTIFICATE", bytes!)).toBe(leaf);
});

test("every block of the label is read, other labels and text between them passed over", () => {
  const request = readFileSync("fixtures/wire/x509/rsa.csr.pem", "utf8");
  expect(parsePem("CERTIFICATE", `a note\n${leaf}${request}between\n${leaf}`)).toHaveLength(2);
  expect(parsePem("CERTIFICATE", request)).toEqual([]);
});

test("line breaks of Windows are taken", () => {
  expect(parsePem("CERTIFICATE", leaf.replaceAll("\n", "\r\n"))).toEqual(parsePem("CERTIFICATE", leaf));
});

const WRONG: readonly (readonly [string, string, string])[] = [
  ["a block that is cut off", leaf.slice(0, 200), "pem block CERTIFICATE has no end"],
  ["a block that is empty", printPem("CERTIFICATE", Buffer.alloc(0)), "pem block CERTIFICATE is not base64"],
  ["a block with other signs", leaf.replace("MII", "M%I"), "pem block CERTIFICATE is not base64"],
  ["a block with a letter too few", leaf.replace("MII", "MI"), "pem block CERTIFICATE is not base64"],
  ["a very long text", " ".repeat(MAX_PEM_CHARACTERS + 1), "pem text of 262145 characters is over 262144"],
];

test.each(WRONG)("%s is refused", (_, text, message) => {
  expect(() => parsePem("CERTIFICATE", text)).toThrow(message);
});
