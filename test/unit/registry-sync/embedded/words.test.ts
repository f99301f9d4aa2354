import { expect, test } from "vitest";
import { FOUR_LETTER_WORDS } from "../../../../src/codecs/zookeeper/frame.ts";
import { type Peer, Registry } from "../../../../src/registry-sync/embedded/registry.ts";
import { answerWord } from "../../../../src/registry-sync/embedded/words.ts";
import { testLimits } from "../../../support/simulated-registry.ts";

const peer: Peer = { address: "10.0.0.1", send: () => {}, end: () => {} };
const registry = new Registry(testLimits, 1_700_000_000_000, (count) => new Uint8Array(count));
const hello = {
  protocolVersion: 0,
  lastZxidSeen: 0n,
  timeoutMs: 4000,
  sessionId: 0n,
  password: new Uint8Array(16),
  readOnly: false,
};
registry.connect(peer, hello, 1_700_000_000_000);
const request = {
  op: "create",
  path: "/e",
  data: null,
  acl: [{ perms: 31, scheme: "world", id: "anyone" }],
  flags: 1,
} as const;
registry.handle(peer, { type: "request", xid: 1, request }, 1_700_000_000_000);
registry.handle(
  peer,
  { type: "request", xid: 2, request: { op: "exists", path: "/e", watch: true } },
  1_700_000_000_000,
);
const context = { registry, port: 2181, tickMs: 500, connections: 3, startedMs: 0, nowMs: 77 };
const session = `0x${[...registry.sessions.all()][0].id.toString(16)}`;

test.each([
  ["ruok", "imok"],
  ["isro", "rw"],
  ["srvr", "\nMode: standalone\nNode count: 5\n"],
  ["srvr", "\nConnections: 3\nOutstanding: 0\nZxid: 0x2\n"],
  ["stat", "Clients:\n /10.0.0.1[1](queued=0,recved=0,sent=0)\n\nLatency"],
  ["cons", " /10.0.0.1[1]"],
  ["conf", "clientPort=2181\n"],
  ["conf", "\nminSessionTimeout=1000\nmaxSessionTimeout=10000\n"],
  ["mntr", "\nzk_server_state\tstandalone\nzk_ephemerals_count\t1\n"],
  ["mntr", "\nzk_uptime\t77\n"],
  ["dump", `Sessions with Ephemerals (1):\n${session}:\n\t/e\n`],
  ["wchs", "1 connections watching 1 paths\nTotal watches:1\n"],
  ["wchp", `/e\n\t${session}\n`],
  ["wchc", `${session}\n\t/e\n`],
  ["envi", "Environment:\nzookeeper.version=3.8.0"],
] as const)("%s says %j", (word, part) => {
  expect(answerWord(word, context)).toContain(part);
});

test("every word of a server has an answer", () => {
  for (const word of FOUR_LETTER_WORDS) expect(typeof answerWord(word, context)).toBe("string");
});
