import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { JuteWriter } from "../../../../src/codecs/zookeeper/jute.ts";
import {
  decodeEvent,
  decodeReply,
  peekReply,
  type Reply,
  writeEvent,
  writeReply,
} from "../../../../src/codecs/zookeeper/replies.ts";
import { readZooKeeperRecordings } from "../../../support/zookeeper-recording.ts";

const recordings = readZooKeeperRecordings();
const replies = recordings.filter(({ kind }) => kind === "reply");
const events = recordings.filter(({ kind }) => kind === "event");

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function bytesOf(write: (writer: JuteWriter) => void): Uint8Array {
  const writer = new JuteWriter();
  write(writer);
  return Uint8Array.from(writer.finish());
}

test.each(replies)("$file:$line reply to $op decodes, and encodes to the recorded bytes", ({ body, op }) => {
  const { header, reply } = decodeReply(body, op!);
  expect(hex(bytesOf((writer) => writeReply(writer, header, reply)))).toBe(hex(body));
});

test.each(events)("$file:$line event decodes, and encodes to the recorded bytes", ({ body }) => {
  const { header, event } = decodeEvent(body);
  expect(header).toEqual({ xid: -1, zxid: -1n, err: 0 });
  expect(hex(bytesOf((writer) => writeEvent(writer, event)))).toBe(hex(body));
});

test("a failed multi says zero before, the reason at, and -2 after the culprit", () => {
  const multis = replies.filter(({ op, file }) => op === "multi" && file.startsWith("kazoo"));
  expect(decodeReply(multis[1].body, "multi")).toMatchObject({
    header: { err: 0 },
    reply: {
      results: [
        { op: "error", err: 0 },
        { op: "error", err: -103 },
        { op: "error", err: -2 },
      ],
    },
  });
  expect(decodeReply(multis[0].body, "multi").reply).toMatchObject({
    results: [{ op: "create", path: "/k/t" }, { op: "setData" }, { op: "check" }, { op: "delete" }],
  });
});

test.each(replies)("$file:$line reply to $op is refused at every truncation", ({ body, op }) => {
  for (let end = 0; end < body.length; end++) {
    // A failed reply is a header alone, so that a shorter one is no reply at all.
    expect(() => decodeReply(body.subarray(0, end), op!)).toThrow(ProtocolError);
  }
});

const stat = {
  czxid: 1n,
  mzxid: 2n ** 62n,
  ctime: 3n,
  mtime: 4n,
  version: 5,
  cversion: -6,
  aversion: 7,
  ephemeralOwner: -1n,
  dataLength: 8,
  numChildren: 9,
  pzxid: 10n,
};
const made: readonly Reply[] = [
  { op: "create2", path: "/a", stat },
  { op: "getData", data: null, stat },
  { op: "getData", data: new Uint8Array(0), stat },
  { op: "getACL", acl: [{ perms: 1, scheme: "ip", id: "10.0.0.0/8" }], stat },
  { op: "whoAmI", clients: [{ scheme: "ip", user: "::1" }] },
  { op: "sasl", token: null },
  {
    op: "multiRead",
    results: [
      { op: "getData", data: Uint8Array.of(1), stat },
      { op: "getChildren", children: ["a"] },
      { op: "error", err: -101 },
    ],
  },
];

test.each(made)("a reply to $op comes back as it went", (reply) => {
  const header = { xid: 3, zxid: 2n ** 40n, err: 0 };
  expect(
    decodeReply(
      bytesOf((writer) => writeReply(writer, header, reply)),
      reply.op,
    ),
  ).toEqual({ header, reply });
});

test("an error reply has no record, save that of a multi", () => {
  const header = { xid: 1, zxid: 9n, err: -101 };
  expect(
    decodeReply(
      bytesOf((writer) => writeReply(writer, header)),
      "getData",
    ),
  ).toEqual({ header, reply: undefined });
  const results = [{ op: "error", err: -101 } as const];
  const bytes = bytesOf((writer) => writeReply(writer, header, { op: "multi", results }));
  expect(decodeReply(bytes, "multi").reply).toEqual({ op: "multi", results });
});

test("a count of children over the bytes that are there is refused before anything is made", () => {
  const lying = Uint8Array.from(Buffer.from("00000001000000000000000100000000" + "7fffffff", "hex"));
  expect(() => decodeReply(lying, "getChildren")).toThrow(
    "children of 2147483647 elements does not fit into the 0 bytes left",
  );
});

test("a peek tells events from replies", () => {
  expect(peekReply(events[0].body).isEvent).toBe(true);
  expect(peekReply(replies[0].body)).toMatchObject({ isEvent: false, err: 0 });
});
