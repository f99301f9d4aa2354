import { expect, test } from "vitest";
import { StreamAnswer } from "../../../../src/bridge-proxy/bridge/stream-answer.ts";
import type { CallerStream } from "../../../../src/bridge-proxy/triple/caller-stream.ts";
import { type Fields, fieldValue } from "../../../../src/codecs/fields.ts";
import { encodeEnvelope } from "../../../../src/codecs/triple/envelope.ts";
import { decodeDetails } from "../../../../src/codecs/triple/status.ts";

const framed = (text: string) => Buffer.concat([encodeEnvelope(text.length), Buffer.from(text)]);
const OK_HEAD = [":status", "200", "content-type", "application/grpc"];

/** An answer whose messages become capitals, and what its caller got of it: `head`, `data`, `trailers`, an `end` behind the last. */
function setUp(thrown?: (message: Buffer) => { grpc: number; text: string }) {
  const got: string[] = [];
  let last: Fields = [];
  const stream = {
    fault: undefined,
    queuedBytes: 0,
    head: (fields: Fields, end: boolean) => {
      last = fields;
      got.push(`head${end ? " end" : ""}`);
    },
    data: (bytes: Buffer) => {
      got.push(bytes.subarray(5).toString());
      return stream.queuedBytes;
    },
    trailers: (fields: Fields) => {
      last = fields;
      got.push("trailers");
    },
  };
  const account = { heldBytes: 0, limits: { maxHeldBytes: 1_000_000 } };
  const answer = new StreamAnswer({
    stream: stream as unknown as CallerStream,
    form: {
      contentType: "application/grpc+x",
      answer: (message) => {
        if (message.toString() === "bad") throw new Error("unexpected");
        return Buffer.from(message.toString().toUpperCase());
      },
      thrown,
    },
    account,
    maxMessageBytes: 100,
    later: () => {},
  });
  return { answer, got, stream, account, said: (name: string) => fieldValue(last, name), last: () => last };
}

test("head, messages and trailers go on, with the caller's content type and the provider's metadata", () => {
  const { answer, got, last } = setUp();
  const ofMessages = ["content-type", "application/grpc+proto", "grpc-encoding", "identity", "content-length", "9"];
  answer.head([":status", "200", ...ofMessages, "x-head", "1"], false, []);
  expect(last()).toEqual([":status", "200", "content-type", "application/grpc+x", "x-head", "1"]);
  expect(answer.data(Buffer.concat([framed("a"), framed("b")]), false)).toBe(0);
  answer.trailers(["grpc-status", "0", "x-tail", "2"], []);
  expect(got).toEqual(["head", "A", "B", "trailers"]);
  expect(last()).toEqual(["grpc-status", "0", "x-tail", "2"]);
  expect([answer.isAnswered, answer.isOver, answer.fault]).toEqual([true, true, undefined]);
});

test("an error is the provider's own, its text as gRPC writes it", () => {
  const alone = setUp();
  alone.answer.head([...OK_HEAD, "grpc-status", "5", "grpc-message", "100% full \u00e9", "x-a", "1"], true, []);
  expect(alone.got).toEqual(["head end"]);
  expect([alone.said("grpc-status"), alone.said("grpc-message"), alone.said("x-a")]).toEqual([
    "5",
    "100%25%20full%20%C3%A9",
    "1",
  ]);
  const behind = setUp();
  behind.answer.head(OK_HEAD, false, []);
  behind.answer.data(framed("a"), false);
  behind.answer.trailers(["grpc-status", "9", "grpc-message", "no"], []);
  expect([behind.got, behind.said("grpc-status")]).toEqual([["head", "A", "trailers"], "9"]);
});

test("what the caller has not taken holds up the rest, and the end", () => {
  const { answer, got, stream, account } = setUp();
  answer.head(OK_HEAD, false, []);
  stream.queuedBytes = 10;
  expect(answer.data(framed("a"), false)).toBeGreaterThan(0);
  answer.trailers(["grpc-status", "0"], []);
  expect([got, answer.waits, answer.isOver]).toEqual([["head"], true, false]);
  expect(account.heldBytes).toBeGreaterThan(0);
  stream.queuedBytes = 0;
  expect(answer.resume()).toBe(0);
  expect([got, answer.isOver, account.heldBytes]).toEqual([["head", "A", "trailers"], true, 0]);
});

test("an exception that comes as a message is a status of its own, with the provider's metadata", () => {
  const { answer, got, said } = setUp((message) => ({ grpc: 2, text: message.toString() }));
  answer.head([...OK_HEAD, "tri-exception-code", "3"], false, []);
  answer.data(framed("a.B: no"), false);
  answer.trailers(["grpc-status", "0", "x-tail", "2"], []);
  expect(got).toEqual(["head end"]);
  expect([said("grpc-status"), said("grpc-message"), said("x-tail")]).toEqual(["2", "a.B:%20no", "2"]);
  expect(decodeDetails(said("grpc-status-details-bin")!)).toMatchObject({ code: 2, message: "a.B: no" });
});

test.each<[string, (answer: StreamAnswer) => void, string[]]>([
  ["no status at all", (answer) => void answer.data(framed("a"), true), ["head", "A", "trailers"]],
  ["trailers without one", (answer) => answer.trailers(["x", "1"], []), ["head", "trailers"]],
])("an answer with %s ends with status 2", (_name, end, seen) => {
  const { answer, got, said } = setUp();
  answer.head(OK_HEAD, false, []);
  end(answer);
  expect([got, said("grpc-status"), said("grpc-message")]).toEqual([seen, "2", "answer%20without%20grpc-status"]);
});

test("what is no gRPC is an error by its HTTP status, and nothing of it is passed on", () => {
  const { answer, got, said } = setUp();
  answer.head([":status", "503", "content-type", "text/html", "server", "x"], false, []);
  answer.data(Buffer.from("<html>"), true);
  expect(got).toEqual(["head end"]);
  expect([said("grpc-status"), said("server"), said("content-type")]).toEqual(["14", undefined, "application/grpc+x"]);
});

test("an answer that is cut off, or too long, is a fault", () => {
  const cut = setUp();
  cut.answer.head(OK_HEAD, false, []);
  cut.answer.data(framed("abc").subarray(0, 6), false);
  cut.answer.trailers(["grpc-status", "0"], []);
  expect(cut.answer.fault).toMatchObject({
    reason: "undecodable",
    message: expect.stringContaining("cut off") as string,
  });
  expect([cut.got, cut.answer.isOver]).toEqual([["head"], false]);
  const long = setUp();
  long.answer.head(OK_HEAD, false, []);
  long.answer.data(framed("x".repeat(101)), false);
  expect(long.answer.fault).toMatchObject({ reason: "over_limit" });
  long.answer.fail(8, "too long");
  expect([long.got, long.said("grpc-status"), long.said("grpc-message")]).toEqual([
    ["head", "trailers"],
    "8",
    "trestle:%20too%20long",
  ]);
});

test("a fault of our own is not taken for one of the answer", () => {
  const { answer } = setUp();
  answer.head(OK_HEAD, false, []);
  expect(() => answer.data(framed("bad"), false)).toThrow("unexpected");
});
