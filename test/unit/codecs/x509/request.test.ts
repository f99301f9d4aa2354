import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { encodeName } from "../../../../src/codecs/x509/names.ts";
import { parsePem } from "../../../../src/codecs/x509/pem.ts";
import { decodeRequest, encodeRequest, MAX_REQUEST_BYTES } from "../../../../src/codecs/x509/request.ts";
import { newKey } from "../../../support/certificates.ts";

const read = (name: string) =>
  parsePem("CERTIFICATE REQUEST", readFileSync(`fixtures/wire/x509/${name}.csr.pem`, "utf8"))[0]!;

test("what OpenSSL made is read: its key alone", () => {
  expect(decodeRequest(read("rsa")).keyType).toBe("rsa");
  const { keyType, publicKey } = decodeRequest(read("p256"));
  expect(keyType).toBe("ec");
  const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
  expect(key.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
});

const REFUSED: readonly (readonly [string, string])[] = [
  ["rsa1024", "certificate request has an RSA key of 1024 bits, not 2048 to 4096"],
  ["ed25519", "certificate request is signed by an algorithm that is not taken"],
  ["sha1", "certificate request is signed by an algorithm that is not taken"],
];

test.each(REFUSED)("%s is refused", (name, message) => {
  expect(() => decodeRequest(read(name))).toThrow(new ProtocolError("x509", message));
});

test("requests that are made here are read, with the names that they ask for and without", () => {
  for (const keyType of ["ec", "rsa"] as const) {
    const key = newKey(keyType);
    const wanted = createPublicKey(key).export({ format: "der", type: "spki" });
    for (const names of [{}, { uris: ["spiffe://a/ns/b/sa/c"] }])
      expect(Buffer.from(decodeRequest(encodeRequest(key, names)).publicKey)).toEqual(wanted);
  }
});

test("a request that another key signed is refused, and no text of it is told", () => {
  const request = read("rsa");
  const secret = request.indexOf("a-token-not-an-account");
  expect(secret).toBeGreaterThan(0);
  request[secret]! ^= 1;
  expect(() => decodeRequest(request)).toThrow(
    new ProtocolError("x509", "certificate request is not signed by its own key"),
  );
});

test("every truncation is refused, every changed byte too where it was signed, without any text of the request", () => {
  const whole = read("rsa");
  const signedEnd = whole.lastIndexOf(Buffer.from("2a864886f70d01010b", "hex"));
  for (let length = 0; length < whole.length; length++)
    expect(() => decodeRequest(whole.subarray(0, length))).toThrow(ProtocolError);
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at]! ^= 0xff;
    let told = "";
    try {
      decodeRequest(changed);
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      told = (error as Error).message;
    }
    if (at < signedEnd) expect(told).not.toBe("");
    expect(told).not.toContain("token");
  }
});

test("a request over the limit is refused before it is read", () => {
  expect(() => decodeRequest(Buffer.alloc(MAX_REQUEST_BYTES + 1))).toThrow(
    "certificate request of 16385 bytes is over 16384",
  );
  expect(() => decodeRequest(Buffer.concat([read("p256"), Buffer.alloc(1)]))).toThrow("der has 1 bytes too many");
  expect(() => decodeRequest(encodeName({}))).toThrow("der ends within a value");
});
