import { expect, test } from "vitest";
import { OutsideStream } from "../../../../src/bridge-proxy/gateway/outside-stream.ts";
import type { CallerStream } from "../../../../src/bridge-proxy/triple/caller-stream.ts";

function recorded() {
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) => {
      calls.push([name, ...args]);
      return 7;
    };
  const to = {
    ...{ closed: false, requestEnded: true, queuedBytes: 3, fault: undefined },
    ...{
      head: note("head"),
      data: note("data"),
      trailers: note("trailers"),
      release: note("release"),
      reset: note("reset"),
    },
  };
  return { calls, to: to as unknown as CallerStream };
}

test("fields are added to the head alone, in place of the callee's own of that kind", () => {
  const { calls, to } = recorded();
  const stream = new OutsideStream(to, ["access-control-allow-origin", "https://a"]);
  stream.head([":status", "200", "access-control-allow-origin", "*", "x", "1"], false, ["n"]);
  expect(stream.data(Buffer.from("a"), false)).toBe(7);
  stream.trailers(["grpc-status", "0"], []);
  stream.release(4);
  stream.reset(8);
  expect(calls).toEqual([
    ["head", [":status", "200", "x", "1", "access-control-allow-origin", "https://a"], false, ["n"]],
    ["data", Buffer.from("a"), false],
    ["trailers", ["grpc-status", "0"], []],
    ["release", 4],
    ["reset", 8],
  ]);
});

test("how the stream stands is the caller's own", () => {
  const { to } = recorded();
  const stream = new OutsideStream(to, []);
  expect([stream.closed, stream.requestEnded, stream.queuedBytes, stream.fault]).toEqual([false, true, 3, undefined]);
});

test("the rest of a request that is not wanted is cut off once it is long", () => {
  const { calls, to } = recorded();
  const stream = new OutsideStream(to, []);
  stream.release(100_000);
  stream.reset(0);
  stream.release(64 * 1024);
  expect(calls.map(([name]) => name)).toEqual(["release", "release"]);
  stream.release(1);
  expect(calls.slice(2)).toEqual([
    ["release", 1],
    ["reset", 0],
  ]);
});
