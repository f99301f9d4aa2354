import { expect, test } from "vitest";
import { StreamRequest } from "../../../../src/bridge-proxy/bridge/stream-request.ts";
import type { StreamOn } from "../../../../src/bridge-proxy/triple/link.ts";
import { encodeEnvelope } from "../../../../src/codecs/triple/envelope.ts";

const framed = (text: string) => Buffer.concat([encodeEnvelope(text.length), Buffer.from(text)]);

/** A request of which `kept` has come before there is a stream, and what its provider gets in capitals. */
function setUp(kept: Buffer = Buffer.alloc(0)) {
  const state = { sent: [] as string[], released: 0, faults: [] as unknown[] };
  const stream = { queuedBytes: 0, closed: false };
  const request: StreamRequest = new StreamRequest({
    content: {
      empty: false,
      replayable: true,
      release: () => {
        state.released++;
      },
      drop: () => {},
      sendAll: (to) => void to.data(kept, false),
    },
    account: { heldBytes: 0, limits: { maxHeldBytes: 1_000_000 } },
    maxMessageBytes: 100,
    encoding: "identity",
    translate: (message) => Buffer.from(message.toString().toUpperCase()),
    later: () => {},
    onFault: (error) => {
      state.faults.push(error);
    },
  });
  const to = {
    stream,
    data: (bytes: Buffer, end: boolean) => {
      state.sent.push(`${bytes.subarray(5).toString()}${end ? " end" : ""}`);
      return stream.queuedBytes;
    },
  };
  return { request, state, stream, open: () => request.sendAll(to as unknown as StreamOn) };
}

test("what came before the provider's stream was there is sent when it is, and the rest as it comes", () => {
  const { request, state, open } = setUp(framed("a"));
  expect(request.isOpen).toBe(false);
  open();
  expect(request.isOpen).toBe(true);
  expect(request.data(framed("b"), false)).toBe(0);
  expect(request.data(framed("c"), true)).toBe(0);
  expect(state.sent).toEqual(["A", "B", "C", " end"]);
});

test("the caller's window is given back when the provider has taken what was sent", () => {
  const { request, state, stream, open } = setUp();
  open();
  stream.queuedBytes = 10;
  expect(request.data(framed("a"), true)).toBeGreaterThan(0);
  request.release();
  expect([state.sent, state.released]).toEqual([[], 0]);
  stream.queuedBytes = 0;
  request.release();
  expect([state.sent, state.released]).toEqual([["A end"], 1]);
});

test("a stream that is gone takes nothing, and everything counts as taken", () => {
  const { request, state, stream, open } = setUp();
  open();
  stream.queuedBytes = 10;
  request.data(framed("a"), false);
  stream.closed = true;
  request.release();
  expect([state.sent, state.released]).toEqual([[], 1]);
  request.close();
  expect([request.isOpen, request.data(framed("b"), false)]).toEqual([false, 0]);
});

test("a message that cannot be read ends it, once", () => {
  const { request, state, open } = setUp();
  open();
  request.data(framed("x".repeat(101)), false);
  request.data(framed("a"), true);
  expect(state.sent).toEqual([]);
  expect(state.faults).toMatchObject([{ reason: "over_limit" }]);
});

test("trailers are its end", () => {
  const { request, state, open } = setUp();
  open();
  request.trailers(["x", "1"]);
  expect(state.sent).toEqual([" end"]);
});
