import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { isTls, MAX_HELLO_BYTES, readClientHello } from "../../../../src/codecs/tls/client-hello.ts";

/** Sent by Node 20 (OpenSSL 3.0): TLS 1.3, server name outbound_.20880_._.orders.default, ALPN istio. */
const TLS13 = Buffer.from(
  "1603010100010000fc03030ff21f04eacf7e1287777e739c7219be608282e862d7107a6263e367c71608b52025808119dd9c3f94a66b790f28cb234abad12ddd129b084c64a893da673aeca9000813021303130100ff010000ab0000002600240000216f7574626f756e645f2e32303838305f2e5f2e6f72646572732e64656661756c74000b000403000102000a00040002001d0023000000100008000605697374696f0016000000170000000d001e001c040305030603080708080809080a080b080408050806040105010601002b0003020304002d00020101003300260024001d0020a89f3376d80cdabd7e82a109139fa99c876773ec6559e10429d664e4c6ae6651",
  "hex",
);
/** Sent by Node 20: TLS 1.2, no server name, no ALPN. */
const TLS12 = Buffer.from(
  "16030100830100007f030348d557dbde9b588ca4f939d15a7bc82462a77b9529182049ae90dd489ca26787000004c02b00ff01000052000b000403000102000a000c000a001d0017001e00190018002300000016000000170000000d002a0028040305030603080708080809080a080b080408050806040105010601030303010302040205020602",
  "hex",
);
const NAMED = { serverName: "outbound_.20880_._.orders.default", alpn: ["istio"] };

/** The same message in records of `size` bytes each. */
function inRecordsOf(size: number, hello: Buffer): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([0x16, 3, 1, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(records);
}

/** `hello` with `value` written over the two bytes at `at`. */
function changed(hello: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(hello);
  copy.writeUInt16BE(value, at);
  return copy;
}

describe("readClientHello", () => {
  test("says the server's name and the protocols that the client offers", () => {
    expect(readClientHello(TLS13)).toEqual(NAMED);
    expect(readClientHello(TLS12)).toEqual({ alpn: [] });
  });

  test("reads one that is spread over many records, and not what follows it", () => {
    for (const size of [1, 3, 4, 5, 100]) expect(readClientHello(inRecordsOf(size, TLS13))).toEqual(NAMED);
    expect(readClientHello(Buffer.concat([TLS13, Buffer.from("1403030001", "hex")]))).toEqual(NAMED);
  });

  test("waits for every byte of it", () => {
    for (let end = 0; end < TLS13.length; end++) expect(readClientHello(TLS13.subarray(0, end))).toBeUndefined();
    const split = inRecordsOf(7, TLS13);
    for (let end = 0; end < split.length; end++) expect(readClientHello(split.subarray(0, end))).toBeUndefined();
  });

  test.each([
    ["another record", Buffer.from("1703030010", "hex"), "record type 23 is not a handshake"],
    ["another message", Buffer.from("160303000402000000", "hex"), "handshake message 2 is not a ClientHello"],
    ["an empty record", Buffer.from("1603010000", "hex"), "handshake record of 0 bytes"],
    ["a record over the limit", Buffer.from("1603014001", "hex"), "handshake record of 16385 bytes"],
    [
      "a message over the limit",
      Buffer.from("160301000401004001", "hex"),
      "ClientHello of 16385 bytes is over the limit 16384",
    ],
    ["a message without a body", Buffer.from("160301000401000000", "hex"), "ClientHello of 0 bytes is too short"],
    ["a session id behind its end", changed(TLS12, 43, 0xff00), "ClientHello ends in the middle of a field"],
    ["extensions behind its end", changed(TLS12, 52, 0xffff), "ClientHello ends in the middle of a field"],
    ["a name behind its extension", changed(TLS13, 96, 0xffff), "ClientHello ends in the middle of a field"],
  ])("refuses %s", (_name, bytes, message) => {
    expect(() => readClientHello(bytes)).toThrowError(expect.objectContaining({ name: "ProtocolError", message }));
  });

  test("gives an answer or a ProtocolError for whatever bytes", () => {
    let seed = 7;
    const next = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed >>> 8;
    };
    for (let round = 0; round < 5_000; round++) {
      const bytes = Buffer.from(round % 2 === 0 ? TLS13 : TLS12);
      for (let i = 0; i < 1 + (next() % 4); i++) bytes[next() % bytes.length] = next() & 0xff;
      try {
        readClientHello(bytes.subarray(0, next() % (bytes.length + 1)));
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }
  });

  test("bounds what is joined: no message is waited for past its limit", () => {
    expect(MAX_HELLO_BYTES).toBe(16_384);
    expect(() => readClientHello(Buffer.from("160301000401ffffff", "hex"))).toThrowError(ProtocolError);
  });
});

test("two bytes tell TLS from everything else that is spoken", () => {
  const seen = ["", "16", "1603", "1604", "da", "dabb", "50", "47"].map((hex) => isTls(Buffer.from(hex, "hex")));
  expect(seen).toEqual([undefined, undefined, true, false, false, false, false, false]);
});
