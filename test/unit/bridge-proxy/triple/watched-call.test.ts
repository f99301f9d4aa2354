import { expect, test } from "vitest";
import type { ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import type { CallerStream } from "../../../../src/bridge-proxy/triple/caller-stream.ts";
import type { ServedRequest } from "../../../../src/bridge-proxy/triple/served.ts";
import { WatchedCall } from "../../../../src/bridge-proxy/triple/watched-call.ts";
import { envelope } from "../../../support/h2-peers.ts";

function stage({ framed = true, end = false, refuses = "none" } = {}) {
  const seen: string[] = [];
  const context = {
    exchangeBytes: 0,
    frameLimits: { maxBodyBytes: 100 },
    limits: { maxExchangeBytes: 1_000 },
    rows: { row: () => ({ record: () => seen.push("counted") }) },
  };
  const stream = {
    fault: undefined,
    closed: false,
    requestEnded: false,
    queuedBytes: 0,
    head: (fields: readonly string[]) => seen.push(`head ${fields.join(" ").replace(/.*grpc-status (\d+).*/, "$1")}`),
    data: () => 0,
    trailers: () => {},
    release: (bytes: number) => seen.push(`window ${bytes}`),
    reset: (code: number) => seen.push(`reset ${code}`),
  };
  let before: CallerStream | undefined;
  const call = new WatchedCall({
    context: context as unknown as ProxyContext,
    port: { forget: () => seen.push("forgotten") },
    stream: stream as unknown as CallerStream,
    fields: ["content-type", "application/grpc"],
    decision: undefined,
    framed,
    end,
    watch(message) {
      seen.push(`watch ${message.toString()}`);
      return message.toString() === refuses ? { reason: "denied", message: "no", policy: "guard" } : undefined;
    },
    serve(_, to): ServedRequest {
      before = to;
      return {
        place: 0,
        start: () => seen.push("start"),
        onRequestData: (bytes, ends) => {
          seen.push(`data ${bytes.length}${ends ? " end" : ""}`);
          to.release(bytes.length);
        },
        onRequestTrailers: () => seen.push("trailers"),
        onCallerDrain: () => {},
        onCallerGone: (outcome) => seen.push(outcome === undefined ? "gone" : `counted as ${outcome.grpcStatus}`),
      };
    },
  });
  return { call, seen, context, answer: () => before!.head([":status", "200"], false, []) };
}

test("a message goes on when it is whole and was looked at; its window is given back once", () => {
  const { call, seen, context } = stage();
  call.start();
  const two = Buffer.concat([envelope(Buffer.from("one")), envelope(Buffer.from("two"))]);
  call.onRequestData(two.subarray(0, 6), false);
  expect(context.exchangeBytes).toBe(6);
  call.onRequestData(two.subarray(6, 14), false);
  call.onRequestData(two.subarray(14), true);
  expect(seen).toEqual(["window 6", "window 8", "watch one", "start", "data 8", "window 2", "watch two", "data 8 end"]);
  expect(context.exchangeBytes).toBe(0);
});

test("a message may come a byte at a time, and its end with the beginning of the next", () => {
  const { call, seen } = stage();
  const one = envelope(Buffer.from("piecemeal"));
  for (const byte of one.subarray(0, -1)) call.onRequestData(Buffer.of(byte), false);
  call.onRequestData(Buffer.concat([one.subarray(-1), Buffer.of(0, 0)]), false);
  for (const byte of [0, 0, 2, 104, 105]) call.onRequestData(Buffer.of(byte), false);
  expect(seen.filter((line) => !line.startsWith("window"))).toEqual([
    "watch piecemeal",
    "start",
    "data 14",
    "watch hi",
    "data 7",
  ]);
});

test("the first that is refused begins no call", () => {
  const { call, seen } = stage({ refuses: "bad" });
  call.onRequestData(envelope(Buffer.from("bad")), false);
  expect(seen).toEqual(["window 8", "watch bad", "counted", "head 7", "reset 0", "forgotten"]);
  call.onRequestData(Buffer.from("more"), true);
  expect(seen.at(-1)).toBe("window 4");
});

test("a later one ends the call: by an answer, or where one has begun by a reset", () => {
  const early = stage({ refuses: "bad" });
  early.call.onRequestData(envelope(Buffer.from("ok")), false);
  early.call.onRequestData(envelope(Buffer.from("bad")), false);
  expect(early.seen.slice(-4)).toEqual(["counted as 7", "head 7", "reset 0", "forgotten"]);
  const late = stage({ refuses: "bad" });
  late.call.onRequestData(envelope(Buffer.from("ok")), false);
  late.answer();
  late.call.onRequestData(envelope(Buffer.from("bad")), false);
  expect(late.seen.slice(-3)).toEqual(["counted as 7", "reset 2", "forgotten"]);
});

test("what is too long, or ends within a message, is refused", () => {
  const long = stage();
  long.call.onRequestData(envelope(Buffer.alloc(0), 0, 1_000), false);
  long.call.onRequestData(Buffer.alloc(200), false);
  expect(long.seen.slice(2, 4)).toEqual(["counted", "head 3"]);
  expect(long.context.exchangeBytes).toBe(0);
  const cut = stage();
  cut.call.onRequestData(envelope(Buffer.alloc(0), 0, 10), true);
  expect(cut.seen).toContain("head 3");
  const trailed = stage();
  trailed.call.onRequestData(envelope(Buffer.alloc(0), 0, 10), false);
  trailed.call.onRequestTrailers([]);
  expect(trailed.seen).toContain("head 3");
});

test("content without envelopes is one message", () => {
  const { call, seen } = stage({ framed: false });
  call.onRequestData(Buffer.from("ab"), false);
  call.onRequestData(Buffer.from("cd"), true);
  expect(seen).toEqual(["window 2", "window 2", "watch abcd", "start", "data 4 end"]);
  const bare = stage({ framed: false, end: true });
  bare.call.start();
  expect(bare.seen).toEqual(["watch ", "start"]);
});

test("a caller that goes leaves nothing", () => {
  const { call, seen, context } = stage();
  call.onRequestData(Buffer.alloc(3), false);
  call.onCallerGone();
  expect(context.exchangeBytes).toBe(0);
  expect(seen.at(-1)).toBe("forgotten");
  const begun = stage();
  begun.call.onRequestData(envelope(Buffer.from("ok")), false);
  begun.call.onCallerGone();
  expect(begun.seen.at(-1)).toBe("gone");
});
