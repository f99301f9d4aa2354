import { expect, test, vi } from "vitest";
import { BridgedStream, type BridgedStreamParts } from "../../../../src/bridge-proxy/bridge/bridged-stream.ts";
import { CallTable, DEADLINE_CALLER, DEADLINE_ROUTE } from "../../../../src/bridge-proxy/call-table.ts";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import type { UpstreamCall } from "../../../../src/bridge-proxy/triple/callee.ts";
import type { RequestContent } from "../../../../src/bridge-proxy/triple/request-content.ts";
import { encodeEnvelope } from "../../../../src/codecs/triple/envelope.ts";
import { parseRequestHead } from "../../../../src/codecs/triple/head.ts";
import { serviceKey } from "../../../../src/model/service.ts";

const framed = (text: string) => Buffer.concat([encodeEnvelope(text.length), Buffer.from(text)]);
const HEAD = [":status", "200", "content-type", "application/grpc"];
const OK = ["grpc-status", "0"];

/** A stream whose provider is `call`, and whose caller takes nothing while `caller.queuedBytes` is above 0. */
function setUp(deadlineMs: number, deadlineKind: number = DEADLINE_ROUTE) {
  const context = {
    nowMs: 0,
    originMs: 0,
    heldBytes: 0,
    exchanges: 0,
    earliestDeadlineMs: Number.POSITIVE_INFINITY,
    limits: { maxHeldBytes: 1e6, maxSkipBytes: 1e6, maxCalls: 10, maxBacklogBytes: 1e6 },
    frameLimits: { maxBodyBytes: 1e6 },
    calls: new CallTable(10),
  };
  const got: string[] = [];
  const caller = {
    fault: undefined,
    queuedBytes: 0,
    head: () => got.push("head"),
    data: (bytes: Buffer) => got.push(bytes.subarray(5).toString()),
    trailers: (fields: readonly string[]) => got.push(fields.join(" ")),
  };
  let call: UpstreamCall | undefined;
  const upstream = { queuedBytes: 0, closed: false, context: undefined };
  const machine = { takesList: () => true, open: () => upstream, release: () => {}, share: () => {} };
  const callee = {
    firstCall: -1,
    host: { active: 0 },
    backlogBytes: 0,
    link: { machine, wake: () => {}, data: () => 0 },
    enter: (one: UpstreamCall) => {
      call = one;
      one.onOpen(callee as never);
    },
    leave: () => {},
    cancel: () => {},
  };
  const owner = {
    complete: (outcome: object) => {
      got.push(`complete ${JSON.stringify(outcome)}`);
      stream.cancel();
    },
    tryFailed: (reason: string) => got.push(`failed ${reason}`),
    tryAbandoned: (answered: boolean) => {
      got.push(`abandoned ${answered}`);
      stream.cancel();
    },
    retries: () => false,
  };
  const fields = [":method", "POST", ":path", "/a.B/M", "content-type", "application/grpc"];
  const service = serviceKey("a.B");
  const destination = { service, timeoutMs: deadlineMs, token: "" };
  const parts = {
    owner,
    stream: caller,
    content: { empty: false, replayable: true, release: () => {}, drop: () => {}, sendAll: () => {} },
    endpoint: { host: { address: "h", port: 1, connection: () => callee } },
    call: { head: parseRequestHead(fields), contentType: "", path: "", schemas: {}, destination },
    form: {
      method: "m",
      contentType: "application/grpc",
      request: (message: Buffer) => message,
      answer: (message: Buffer) => message,
      thrown: undefined,
    },
    startMs: 0,
    deadlineMs,
    deadlineKind,
  };
  const stream: BridgedStream = new BridgedStream(
    context as unknown as ProxyContext,
    parts as unknown as BridgedStreamParts & { content: RequestContent },
    context.calls.allocate(),
  );
  stream.start();
  const answer = (...messages: readonly string[]) => {
    const bytes = Buffer.concat(messages.map(framed));
    call!.onHead({ fields: HEAD, never: [], end: false, informational: false } as never);
    caller.queuedBytes = 1;
    call!.onData({ bytes, end: false } as never);
    call!.onTrailers({ fields: OK, never: [] } as never);
  };
  return { context, caller, got, stream, answer };
}

test("an answer that has come whole waits for its caller, and its end behind it", () => {
  const { context, caller, got, stream, answer } = setUp(Number.POSITIVE_INFINITY);
  answer("a", "b");
  expect([got, context.calls.size, context.heldBytes > 0]).toEqual([["head"], 0, true]);
  caller.queuedBytes = 0;
  stream.onCallerDrain();
  expect(got.slice(0, 4)).toEqual(["head", "a", "b", "grpc-status 0"]);
  expect(got.slice(4)).toEqual([expect.stringMatching(/^complete /)]);
  expect([context.heldBytes, context.exchanges]).toEqual([0, 0]);
});

test.each<[string, number, readonly unknown[]]>([
  [
    "a route's deadline ends by a status",
    DEADLINE_ROUTE,
    [
      "head",
      expect.stringMatching(/^grpc-status 4 grpc-message .*not%20taken%20within%20500%20ms$/),
      expect.anything(),
    ],
  ],
  ["its own deadline is given up", DEADLINE_CALLER, ["head", "abandoned true"]],
])("a caller that does not take its answer by %s, and nothing stays held", (_, kind, told) => {
  vi.useFakeTimers();
  try {
    const { context, got, answer } = setUp(500, kind);
    answer("a", "b");
    vi.advanceTimersByTime(499);
    expect([got, context.exchanges]).toEqual([["head"], 1]);
    vi.advanceTimersByTime(1);
    expect(got).toEqual(told);
    expect([context.heldBytes, context.exchanges, context.calls.size]).toEqual([0, 0, 0]);
  } finally {
    vi.useRealTimers();
  }
});

test("a caller that goes while its answer waits leaves nothing behind", () => {
  vi.useFakeTimers();
  try {
    const { context, got, stream, answer } = setUp(500);
    answer("a", "b");
    stream.cancel();
    vi.advanceTimersByTime(1000);
    expect(got).toEqual(["head"]);
    expect([context.heldBytes, context.exchanges, context.calls.size]).toEqual([0, 0, 0]);
  } finally {
    vi.useRealTimers();
  }
});
