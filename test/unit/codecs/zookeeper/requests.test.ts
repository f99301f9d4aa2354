import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { JuteReader, JuteWriter } from "../../../../src/codecs/zookeeper/jute.ts";
import {
  decodeRequest,
  peekRequest,
  type Request,
  readRequest,
  writeRequest,
} from "../../../../src/codecs/zookeeper/requests.ts";
import { readZooKeeperRecordings } from "../../../support/zookeeper-recording.ts";

const recorded = readZooKeeperRecordings().filter(({ kind }) => kind === "request");
const acl = [{ perms: 31, scheme: "world", id: "anyone" }];
const data = Uint8Array.of(1, 2);

function encode(xid: number, request: Request): Uint8Array {
  const writer = new JuteWriter();
  writeRequest(writer, xid, request);
  return Uint8Array.from(writer.finish());
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test("the recordings hold the operations that clients use", () => {
  const ops = [...new Set(recorded.map(({ op }) => op))].sort();
  expect(ops).toEqual(
    expect.arrayContaining([
      "addWatch",
      "auth",
      "closeSession",
      "create",
      "create2",
      "createContainer",
      "createTTL",
      "delete",
      "exists",
      "getACL",
      "getAllChildrenNumber",
      "getChildren",
      "getChildren2",
      "getData",
      "getEphemerals",
      "multi",
      "reconfig",
      "removeWatches",
      "setACL",
      "setData",
      "setWatches2",
      "sync",
      "whoAmI",
    ]),
  );
});

test.each(recorded)("$file:$line $op decodes, and encodes to the recorded bytes", ({ body }) => {
  const { xid, request } = decodeRequest(body);
  expect(hex(encode(xid, request))).toBe(hex(body));
});

test("a create of kazoo reads field by field", () => {
  const create = recorded.find(({ file, op }) => file.startsWith("kazoo") && op === "create");
  expect(decodeRequest(create!.body).request).toEqual({
    op: "create",
    path: "/k",
    data: Uint8Array.from(Buffer.from("one")),
    acl,
    flags: 0,
  });
});

const made: readonly { readonly name: string; readonly request: Request }[] = [
  { name: "null data", request: { op: "create", path: "/a", data: null, acl: [], flags: 3 } },
  { name: "a time to live", request: { op: "createTTL", path: "/a", data, acl, flags: 5, ttlMs: 2n ** 40n } },
  { name: "check", request: { op: "check", path: "/a", version: -1 } },
  { name: "getChildren with a watch", request: { op: "getChildren", path: "/", watch: true } },
  { name: "checkWatches", request: { op: "checkWatches", path: "/a", type: 3 } },
  { name: "sasl", request: { op: "sasl", token: data } },
  {
    name: "setWatches",
    request: {
      op: "setWatches",
      relativeZxid: -1n,
      data: ["/a"],
      exist: [],
      child: ["/é"],
      persistent: [],
      recursive: [],
    },
  },
  { name: "a read of many", request: { op: "multiRead", ops: [{ op: "getData", path: "/a", watch: false }] } },
  { name: "an empty multi", request: { op: "multi", ops: [] } },
  { name: "ping", request: { op: "ping" } },
];

test.each(made)("$name comes back as it went", ({ request }) => {
  expect(decodeRequest(encode(7, request))).toEqual({ xid: 7, request });
});

test.each(recorded)("$file:$line $op is refused at every truncation, and with a byte too many", ({ body }) => {
  for (let end = 0; end < body.length; end++) {
    expect(() => decodeRequest(body.subarray(0, end))).toThrow(ProtocolError);
  }
  expect(() => decodeRequest(Uint8Array.from([...body, 0]))).toThrow("1 bytes too many");
});

describe("a request that lies", () => {
  const cases = [
    {
      name: "a path longer than the packet",
      body: "00000001000000047fffffff2f",
      text: "path of 2147483647 bytes does not fit",
    },
    {
      name: "a negative length that is not null",
      body: "0000000100000004fffffffe",
      text: "path has the negative length -2",
    },
    {
      name: "more ACLs than bytes",
      body: "0000000100000001000000022f61ffffffff7fffffff",
      text: "acl of 2147483647 elements",
    },
    { name: "an unknown operation", body: "0000000100000063", text: "operation 99 is not known" },
    { name: "a multi in a multi", body: "000000010000000e0000000e00ffffffff", text: "operation 14 is not known" },
  ];
  test.each(cases)("with $name is refused", ({ body, text }) => {
    expect(() => decodeRequest(Uint8Array.from(Buffer.from(body, "hex")))).toThrow(text);
  });
});

test("a peek reads the header and the path alone", () => {
  expect(peekRequest(encode(9, { op: "getData", path: "/a/b", watch: true }))).toEqual({
    xid: 9,
    type: 4,
    path: "/a/b",
  });
  expect(peekRequest(encode(-2, { op: "ping" }))).toEqual({ xid: -2, type: 11, path: undefined });
});

test("mutated requests give requests or protocol errors, nothing else", () => {
  let seed = 12345;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % below;
  };
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    const body = Uint8Array.from(recorded[random(recorded.length)].body);
    for (let times = 1 + random(4); times > 0; times--) body[random(body.length)] = random(256);
    try {
      const reader = new JuteReader(body, 8);
      readRequest(reader, new DataView(body.buffer).getInt32(4));
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(100);
});
