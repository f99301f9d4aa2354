import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Http2CallerStream, LATE_CONTENT_MS } from "../../../../src/bridge-proxy/triple/caller-stream.ts";
import { type Http2Link, StreamOn } from "../../../../src/bridge-proxy/triple/link.ts";
import { Http2Connection } from "../../../../src/codecs/http2/connection.ts";
import { ERROR } from "../../../../src/codecs/http2/frame.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A caller whose request's head has come, and the proxy's side of it; `swap` takes bytes over both ways. */
function begun() {
  const caller = new Http2Connection("client", 0);
  const machine = new Http2Connection("server", 0);
  const heard: string[] = [];
  const swap = () => {
    const arrived = machine.receive(caller.takeOutput(), 0);
    for (const event of caller.receive(machine.takeOutput(), 0)) {
      if (event.type === "reset") heard.push(`reset ${event.code}`);
      else if (event.type === "head") heard.push(event.end ? "answer" : "head");
    }
    return arrived;
  };
  const asked = caller.open([":method", "POST", ":scheme", "http", ":authority", "a", ":path", "/a/b"], false)!;
  const head = swap().find((event) => event.type === "head")!;
  const stream = new Http2CallerStream(new StreamOn({ machine, wake: () => {} } as unknown as Http2Link, head.stream));
  stream.head([":status", "501"], true, []);
  return { caller, machine, asked, stream, swap, heard };
}

test("a request that ends soon after its answer came is not cut off", () => {
  const { caller, machine, asked, stream, swap, heard } = begun();
  stream.reset(ERROR.none);
  swap();
  caller.data(asked, Buffer.from("any bytes"), true);
  swap();
  vi.advanceTimersByTime(LATE_CONTENT_MS);
  swap();
  expect([heard, machine.openStreams]).toEqual([["answer"], 0]);
});

test("one that does not is cut off in a moment, and gets no more window until then", () => {
  const { caller, machine, asked, stream, swap, heard } = begun();
  stream.reset(ERROR.none);
  stream.reset(ERROR.none);
  let taken = 0;
  for (let i = 0; i < 200; i++) {
    caller.data(asked, Buffer.alloc(16_384), false);
    for (const event of swap()) {
      if (event.type !== "data") continue;
      taken += event.bytes.length;
      stream.release(event.bytes.length);
    }
    swap();
  }
  expect(taken).toBeGreaterThan(65_000);
  expect(taken).toBeLessThan(3_000_000);
  vi.advanceTimersByTime(LATE_CONTENT_MS - 1);
  swap();
  expect(heard).toEqual(["answer"]);
  vi.advanceTimersByTime(1);
  swap();
  expect([heard, machine.openStreams]).toEqual([["answer", "reset 0"], 0]);
});

test("an answer that fails is cut off at once", () => {
  const { stream, swap, heard } = begun();
  stream.reset(ERROR.internal);
  swap();
  expect(heard).toEqual(["answer", "reset 2"]);
});
