import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { decodePayload, encodePayload, type PayloadLimits } from "../../../../src/codecs/nacos/payload.ts";

// Written after alibaba/nacos api/src/main/proto/nacos_grpc_service.proto.
const proto = protobuf
  .parse(
    `syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Metadata { string type = 3; string clientIp = 8; map<string, string> headers = 7; }
  message Payload { Metadata metadata = 2; Any body = 3; }`,
    { keepCase: true },
  )
  .root.lookupType("Payload");

interface Recorded {
  readonly type: string;
  readonly headers: Record<string, string>;
  readonly clientIp: string;
  readonly body: unknown;
}

const recorded = readFileSync("fixtures/wire/nacos/messages.jsonl", "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Recorded);

const SERVER_CHECK = Buffer.from("121e1a12536572766572436865636b52657175657374420831302e302e302e391a0412027b7d", "hex");

test("a ServerCheckRequest is these bytes", () => {
  expect(encodePayload({ type: "ServerCheckRequest", clientIp: "10.0.0.9", body: "{}" })).toEqual(SERVER_CHECK);
  expect(decodePayload(SERVER_CHECK)).toEqual({
    type: "ServerCheckRequest",
    headers: new Map(),
    clientIp: "10.0.0.9",
    body: Buffer.from("{}"),
  });
});

test("what is encoded is read by protobuf's own library as it was, and the other way round", () => {
  expect(recorded.length).toBeGreaterThan(30);
  for (const { type, headers, clientIp, body } of recorded) {
    const text = JSON.stringify(body);
    const ours = encodePayload({ type, headers: Object.entries(headers), clientIp, body: text });
    const theirs = proto.toObject(proto.decode(ours), { defaults: true }) as {
      metadata: object;
      body: { type_url: string; value: Uint8Array };
    };
    expect(theirs.metadata).toEqual({ type, headers, clientIp });
    expect(theirs.body.type_url).toBe("");
    expect(Buffer.from(theirs.body.value).toString()).toBe(text);
    const read = decodePayload(
      proto.encode({ metadata: { type, headers, clientIp }, body: { value: Buffer.from(text) } }).finish(),
    );
    expect(read).toMatchObject({ type, clientIp, headers: new Map(Object.entries(headers)) });
    expect(Buffer.from(read.body).toString()).toBe(text);
  }
});

test("a long body has a length of several bytes", () => {
  const body = Buffer.alloc(300_000, "x");
  expect(Buffer.from(decodePayload(encodePayload({ type: "A", body })).body).equals(body)).toBe(true);
});

test("unknown fields are stepped over, and of two of one number the last counts", () => {
  const more = Buffer.from("0801" + "2d01020304" + "310102030405060708" + "3a03616263" + "12051a03416263", "hex");
  expect(decodePayload(Buffer.concat([SERVER_CHECK, more]))).toMatchObject({ type: "Abc", clientIp: "10.0.0.9" });
});

test("every truncation is refused or is a shorter message, and random bytes give nothing but ProtocolError", () => {
  const whole = encodePayload({ type: "SubscribeServiceRequest", headers: [["app", "unknown"]], body: '{"a":1}' });
  const readings = Array.from({ length: whole.length }, (_, length) => attempt(whole.subarray(0, length)));
  expect(readings.filter((one) => one instanceof ProtocolError).length).toBeGreaterThan(whole.length - 3);
  let seed = 7;
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(whole);
    for (let i = 0; i < 4; i++) {
      seed = (seed * 48_271) % 2_147_483_647;
      bytes[seed % bytes.length] = seed >> 8;
    }
    const got = attempt(bytes);
    if (got instanceof Error) expect(got).toBeInstanceOf(ProtocolError);
  }
});

const headers = (count: number) => Array.from({ length: count }, (_, i) => [`k${i}`, "v"] as const);
test.each<[string, Buffer, PayloadLimits, string]>([
  ["nothing", Buffer.alloc(0), {}, "nacos payload has no type"],
  [
    "a body over the limit",
    encodePayload({ type: "A", body: "12345" }),
    { maxBodyBytes: 4 },
    "nacos body of 5 bytes is over maxBodyBytes 4",
  ],
  [
    "too many headers",
    encodePayload({ type: "A", headers: headers(3), body: "" }),
    { maxHeaders: 2 },
    "more than maxHeaders 2",
  ],
  [
    "too long headers",
    encodePayload({ type: "A", headers: headers(3), body: "" }),
    { maxHeaderBytes: 20 },
    "over maxHeaderBytes 20",
  ],
  ["a length that lies", Buffer.from("12ffffffff0f", "hex"), {}, "a field of 4294967295 bytes where 0 are left"],
  ["an endless number", Buffer.from("12ffffffffffffffffffffff01", "hex"), {}, "more than ten bytes"],
  ["a group", Buffer.from("13", "hex"), {}, "a field of unknown kind 3"],
  ["field 0", Buffer.from("0201", "hex"), {}, "no field 0"],
  ["a type that is no UTF-8", Buffer.from("12041a02c328", "hex"), {}, "no utf-8"],
  [
    "a type of 600 bytes",
    encodePayload({ type: "A".repeat(600), body: "" }),
    {},
    "nacos type of 600 bytes is over 512",
  ],
])("refused: %s", (_, bytes, limits, message) => {
  expect(() => decodePayload(bytes, limits)).toThrow(ProtocolError);
  expect(() => decodePayload(bytes, limits)).toThrow(message);
});

test("limits hold exactly", () => {
  const bytes = encodePayload({ type: "A", headers: headers(2), body: "1234" });
  expect(decodePayload(bytes, { maxBodyBytes: 4, maxHeaders: 2, maxHeaderBytes: 14 }).headers.size).toBe(2);
});

function attempt(bytes: Uint8Array): unknown {
  try {
    return decodePayload(bytes);
  } catch (error) {
    return error;
  }
}
