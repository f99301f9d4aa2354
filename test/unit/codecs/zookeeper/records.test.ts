import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { JuteReader, JuteWriter } from "../../../../src/codecs/zookeeper/jute.ts";
import {
  readConnectRequest,
  readConnectResponse,
  readStat,
  STAT_BYTES,
  writeConnectRequest,
  writeConnectResponse,
} from "../../../../src/codecs/zookeeper/records.ts";
import { readZooKeeperRecordings } from "../../../support/zookeeper-recording.ts";

const handshakes = readZooKeeperRecordings().filter(({ kind }) => kind.startsWith("connect"));

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test.each(handshakes)("$file:$line $kind decodes, and encodes to the recorded bytes", ({ kind, body }) => {
  const writer = new JuteWriter();
  if (kind === "connectRequest") writeConnectRequest(writer, readConnectRequest(new JuteReader(body)));
  else writeConnectResponse(writer, readConnectResponse(new JuteReader(body)));
  expect(hex(writer.finish())).toBe(hex(body));
});

test("a client before 3.4 sends no read-only byte, and that is kept", () => {
  const request = {
    protocolVersion: 0,
    lastZxidSeen: 5n,
    timeoutMs: 3000,
    sessionId: 0n,
    password: new Uint8Array(16),
    readOnly: undefined,
  };
  const writer = new JuteWriter();
  writeConnectRequest(writer, request);
  expect(writer.finish().length).toBe(44);
  expect(readConnectRequest(new JuteReader(writer.finish()))).toEqual(request);
});

test("a handshake is refused at every truncation but the one that old clients send", () => {
  const request = handshakes.find(({ kind }) => kind === "connectRequest")!.body;
  for (let end = 0; end < request.length - 1; end++) {
    expect(() => readConnectRequest(new JuteReader(request.subarray(0, end)))).toThrow(ProtocolError);
  }
  const response = handshakes.find(({ kind }) => kind === "connectResponse")!.body;
  for (let end = 0; end < response.length - 1; end++) {
    expect(() => readConnectResponse(new JuteReader(response.subarray(0, end)))).toThrow(ProtocolError);
  }
});

test("a Stat is 68 bytes, no more and no less", () => {
  const reader = new JuteReader(new Uint8Array(STAT_BYTES));
  readStat(reader);
  expect(reader.left).toBe(0);
  expect(() => readStat(new JuteReader(new Uint8Array(STAT_BYTES - 1)))).toThrow("pzxid of 8 bytes does not fit");
});
