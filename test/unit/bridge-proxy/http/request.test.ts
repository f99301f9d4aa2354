import { expect, test } from "vitest";
import { CallTable } from "../../../../src/bridge-proxy/call-table.ts";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import type { LinkCall } from "../../../../src/bridge-proxy/http/callee.ts";
import type { HttpLink, LinkUser } from "../../../../src/bridge-proxy/http/link.ts";
import { requestHttp, type WholeRequest } from "../../../../src/bridge-proxy/http/request.ts";
import type { HttpEndpoint } from "../../../../src/bridge-proxy/upstream/endpoint.ts";
import { parseResponseHead } from "../../../../src/codecs/http1/head.ts";
import { DEFAULT_HTTP1_LIMITS } from "../../../../src/codecs/http1/limits.ts";

/** A provider whose connections are ours to play; `said` is what was told of the request, in order. */
function stage(request: Partial<WholeRequest> = {}) {
  const calls = new CallTable(10);
  const context = {
    calls,
    limits: { maxHeldBytes: 100 },
    heldBytes: 0,
    nowMs: 0,
    counters: { upstreamResets: 0 },
    earliestDeadlineMs: 0,
  } as unknown as ProxyContext;
  const sent: unknown[] = [];
  const said: unknown[] = [];
  let user: LinkUser | undefined;
  let entered = 0;
  const link = {
    begin: (by: LinkUser, head: { method: string; target: string; length: number }) => {
      user = by;
      sent.push(`${head.method} ${head.target} ${head.length}`);
    },
    data: (bytes: Buffer) => sent.push(bytes.toString()),
    end: () => sent.push("end"),
    abandon: () => sent.push("abandoned"),
  } as unknown as HttpLink;
  const callee = {
    firstCall: -1,
    address: "10.0.0.1",
    port: 80,
    host: { active: 0 },
    enter: (call: LinkCall) => {
      entered++;
      call.onLink(link);
    },
    leave: () => {},
  };
  const endpoint = { host: { connection: () => callee } } as unknown as HttpEndpoint;
  const whole = {
    method: "GET",
    path: "/a",
    fields: [],
    body: Buffer.alloc(0),
    deadlineMs: 9,
    maxAnswerBytes: 4,
    ...request,
  };
  const cancel = requestHttp(context, endpoint, whole, {
    onAnswer: ({ status, body }) => said.push([status, body.toString()]),
    onFailed: (reason, message) => said.push([reason, message]),
    hasOther: () => false,
  });
  return { calls, sent, said, cancel, user: () => user!, entered: () => entered };
}

function headOf(text: string) {
  const bytes = Buffer.from(`${text}\r\n\r\n`);
  return parseResponseHead(bytes, 0, bytes.length, DEFAULT_HTTP1_LIMITS)!.head;
}

test("a request goes out whole, and its answer comes back whole, past interim ones", () => {
  const { calls, sent, said, user } = stage({ method: "POST", body: Buffer.from("in") });
  expect([sent, calls.size]).toEqual([["POST /a 2", "in", "end"], 1]);
  user().onHead(headOf("HTTP/1.1 103 Early Hints"));
  user().onHead(headOf("HTTP/1.1 201 Created"));
  user().onData(Buffer.from("ou"));
  user().onData(Buffer.from("t"));
  expect(said).toEqual([]);
  user().onEnd(undefined);
  expect([said, calls.size]).toEqual([[[201, "out"]], 0]);
});

test("an answer over the limit is given up", () => {
  const { calls, sent, said, user } = stage();
  user().onHead(headOf("HTTP/1.1 200 OK"));
  user().onData(Buffer.from("12345"));
  expect(said).toEqual([["over_limit", "answer is over the limit of 4 bytes"]]);
  expect([sent.at(-1), calls.size]).toEqual(["abandoned", 0]);
});

test.each([
  { method: "GET", again: true },
  { method: "POST", again: false },
  { method: "POST", idempotent: true, again: true },
])("on a connection that had been closed %j is sent once more or not", ({ again, ...request }) => {
  const { said, user, entered, calls } = stage(request);
  user().onLost("gone", true);
  expect(entered()).toBe(again ? 2 : 1);
  if (!again) expect(said[0]).toEqual(["reset", "10.0.0.1:80 closed the connection before it answered: gone"]);
  expect(calls.size).toBe(again ? 1 : 0);
});

test("a request that is cancelled is not heard of any more", () => {
  const { sent, said, cancel, calls } = stage();
  cancel();
  expect([sent.at(-1), said, calls.size]).toEqual(["abandoned", [], 0]);
});
