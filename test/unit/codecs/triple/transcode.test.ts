import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { encodeOutcome, encodeRequest, PROTOCOL_VERSION } from "../../../../src/codecs/dubbo2/body.ts";
import { HEADER_BYTES } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { decodeHessian2 } from "../../../../src/codecs/hessian2/reader.ts";
import { encodeHessian2 } from "../../../../src/codecs/hessian2/writer.ts";
import { decodeRequestWrapper, encodeRequestWrapper } from "../../../../src/codecs/triple/body.ts";
import { ENVELOPE_BYTES } from "../../../../src/codecs/triple/envelope.ts";
import { encodeMovedResult } from "../../../../src/codecs/triple/moves.ts";
import { resultKind, unwrapArguments, wrapArguments, wrapResult } from "../../../../src/codecs/triple/transcode.ts";
import { listValue, mapValue, objectValue, type Value } from "../../../../src/codecs/value.ts";
import { HESSIAN2_LINES, type RecordedFrame, recordedFrames } from "../../../support/dubbo2-frames.ts";
import { mutate, seeded } from "../../../support/mutate.ts";
import { recordedCalls } from "../../../support/triple-calls.ts";

const isCall = ({ bytes, ser }: RecordedFrame): boolean => ser === 2 && (bytes[2]! & 0x20) === 0;

function requests(line: string): RecordedFrame[] {
  return recordedFrames(`${line}-hessian2`).filter((frame) => isCall(frame) && frame.dir === "c2s");
}

function answers(line: string): RecordedFrame[] {
  return recordedFrames(`${line}-hessian2`).filter(
    (frame) => isCall(frame) && frame.dir === "s2c" && frame.status === 20,
  );
}

function scanned(frame: Buffer): RequestHead {
  const head = new RequestHead();
  head.scan(frame, HEADER_BYTES, frame.length);
  return head;
}

function callOf(head: RequestHead, attachments: readonly (readonly [string, Value])[]) {
  const texts = attachments as readonly (readonly [string, string])[];
  const { protocolVersion, service: path, method } = head;
  return { protocolVersion, path, version: head.version!, method, attachments: texts };
}

/** A request frame of these arguments, written as one stream. */
function requestOf(descriptor: string, args: Value[], attachments: Record<string, Value> = {}): Buffer {
  const names = { interface: "a.B", group: "", version: "", method: "m" };
  return encodeRequest({ idHigh: 0, idLow: 1, twoWay: true, ...names, descriptor, args, attachments });
}

test.each(HESSIAN2_LINES)(
  "recorded requests of %s keep their values as wrappers, and their bytes back again",
  (line) => {
    expect(requests(line).length).toBeGreaterThan(20);
    for (const { bytes, note } of requests(line)) {
      const head = scanned(bytes);
      const { wrapper, attachments, decoded } = wrapArguments(head);
      expect([note, wrapper.args.map((arg) => decodeHessian2(arg))]).toEqual([
        note,
        wrapper.args.map((_, n) => head.argument(n)),
      ]);
      // A generic call has two arrays: its names of types move, its values are written anew.
      const generic = head.isGeneric;
      expect(decoded).toBe(generic ? 1 : 0);
      const back = unwrapArguments(callOf(head, attachments), wrapper);
      expect(back.decoded).toBe(generic ? 3 : 0);
      if (!generic) expect(back.body.equals(bytes.subarray(HEADER_BYTES))).toBe(true);
      const again = scanned(Buffer.concat([bytes.subarray(0, HEADER_BYTES), back.body]));
      expect(again.attachments().toRecord()).toEqual(head.attachments().toRecord());
      expect(wrapper.args.map((_, n) => again.argument(n))).toEqual(wrapper.args.map((_, n) => head.argument(n)));
    }
  },
);

test("a dubbo2 call becomes the very bytes that a Triple consumer sent for the same call", () => {
  const sent = new Set(recordedCalls("3.3.6").map(({ request }) => request.toString("hex", ENVELOPE_BYTES)));
  const made = requests("3.3.6").map(({ bytes }) => encodeRequestWrapper(wrapArguments(scanned(bytes)).wrapper));
  const same = made.filter((bytes) => sent.has(bytes.toString("hex")));
  expect(same.length).toBeGreaterThan(made.length / 2);
});

test.each(HESSIAN2_LINES)("recorded answers of %s become wrappers and the same bytes again", (line) => {
  for (const { bytes, note } of answers(line)) {
    const { wrapper, exceptionGrpc, attachments, attachmentsAt } = wrapResult(
      bytes,
      0,
      bytes.length,
      "java.lang.Object",
    );
    const kind = bytes[HEADER_BYTES]! - 0x90;
    expect([note, exceptionGrpc]).toEqual([note, kind % 3 === 0 ? 2 : 0]);
    const texts = attachments as readonly (readonly [string, string])[];
    const tail = kind >= 3 ? encodeHessian2(mapValue(texts.map(([name, value]) => [name, value]))) : Buffer.alloc(0);
    const plain = resultKind(wrapper, kind % 3 === 0);
    const made = encodeMovedResult(1, 2, kind >= 3 ? plain + 3 : plain, wrapper.data, tail);
    expect(made.subarray(HEADER_BYTES).equals(bytes.subarray(HEADER_BYTES, made.length))).toBe(true);
    expect(bytes.subarray(attachmentsAt, attachmentsAt + tail.length).equals(tail)).toBe(true);
  }
});

test("scalars and the first container move, later containers are written anew", () => {
  const user = objectValue("a.User", [["name", "x"]]);
  const args: Value[] = ["s", user, 7, user, listValue([objectValue("a.User", [["name", "y"]])])];
  const frame = requestOf("Ljava/lang/String;La/User;ILa/User;Ljava/util/List;", args, { k: "v" });
  const head = scanned(frame);
  const { wrapper, decoded, attachments } = wrapArguments(head);
  expect(decoded).toBe(2);
  expect(wrapper.args.map((arg) => decodeHessian2(arg))).toEqual(args);
  expect(wrapper.args[1]!.buffer).toBe(frame.buffer);
  expect(wrapper.argTypes).toEqual(["java.lang.String", "a.User", "int", "a.User", "java.util.List"]);
  expect(attachments).toContainEqual(["k", "v"]);
  const back = unwrapArguments(callOf(head, attachments), wrapper);
  expect(back.decoded).toBe(5);
  const again = scanned(Buffer.concat([frame.subarray(0, HEADER_BYTES), back.body]));
  expect(args.map((_, n) => again.argument(n))).toEqual(args);
});

test("attachments that are no text are read through the tables of the arguments", () => {
  const user = objectValue("a.User", [["name", "x"]]);
  const frame = requestOf("La/User;", [user], { same: user, bytes: Buffer.from([1]) });
  const { attachments } = wrapArguments(scanned(frame));
  expect(attachments).toContainEqual(["same", user]);
  expect(attachments).toContainEqual(["bytes", Buffer.from([1])]);
  const answer = encodeOutcome(0, 1, { type: "value", value: user, attachments: { same: user } });
  expect(wrapResult(answer, 0, answer.length, "a.User").attachments).toEqual([["same", user]]);
});

test.each([
  ["RpcException of a time-out", "org.apache.dubbo.rpc.RpcException", 2, 4],
  ["old RpcException of a network fault", "com.alibaba.dubbo.rpc.RpcException", 1, 14],
  ["class of the callee's own", "a.OwnRpcException", 2, 2],
])("an exception of a %s stands for its number", (_name, className, code, grpc) => {
  const value = objectValue(className, [
    ["detailMessage", "x"],
    ["code", code],
  ]);
  const frame = encodeOutcome(0, 1, { type: "exception", value });
  expect(wrapResult(frame, 0, frame.length, "void").exceptionGrpc).toBe(grpc);
});

test("void is null in a wrapper, and null or no data is void", () => {
  const frame = encodeOutcome(0, 1, { type: "value", value: null, attachments: {} });
  const { wrapper } = wrapResult(frame, 0, frame.length, "void");
  expect(wrapper).toEqual({ serializeType: "hessian4", data: Buffer.of(0x4e), type: "void" });
  expect([resultKind(wrapper, false), resultKind({ ...wrapper, data: Buffer.alloc(0) }, false)]).toEqual([2, 2]);
});

const CALL = { protocolVersion: PROTOCOL_VERSION, path: "a.B", version: "0.0.0", method: "m", attachments: [] };

test.each([
  ["another format", "msgpack", "90", 'wrapper in "msgpack", only hessian is translated'],
  ["two values", "hessian2", "9090", "argument of a wrapper has more than one value"],
  ["no value", "hessian2", "", "cut off"],
])("an argument of %s is refused", (_name, serializeType, hex, text) => {
  const wrapper = { serializeType, args: [Buffer.from(hex, "hex")], argTypes: ["int"] };
  expect(() => unwrapArguments(CALL, wrapper)).toThrow(text);
});

test("an answer that is no hessian2, or an exception without data, is refused", () => {
  const frame = encodeOutcome(0, 1, { type: "value", value: 1 });
  frame[HEADER_BYTES] = 0x99;
  expect(() => wrapResult(frame, 0, frame.length, "int")).toThrow("answer that is no value or exception in hessian2");
  const wrapper = { serializeType: "hessian4", data: Buffer.alloc(0), type: "void" };
  expect(() => resultKind(wrapper, true)).toThrow("exception of a wrapper has no data");
  expect(() => resultKind({ ...wrapper, serializeType: "json" }, false)).toThrow('wrapper in "json"');
});

test("mutated bodies and wrappers are translated or refused with ProtocolError", () => {
  const below = seeded(5);
  const frames = [...requests("2.7.23"), ...answers("2.7.23")].map(({ bytes }) => bytes.subarray(HEADER_BYTES));
  const wrappers = recordedCalls("3.3.6").map(({ request }) => request.subarray(ENVELOPE_BYTES));
  const header = answers("2.7.23")[0]!.bytes.subarray(0, HEADER_BYTES);
  const attempts = [
    () =>
      wrapArguments(
        scanned(Buffer.concat([header, mutate(frames[below(frames.length)]!, frames, [0x51, 0x43], below)])),
      ),
    () => {
      const mutant = Buffer.concat([header, mutate(frames[below(frames.length)]!, frames, [0x51, 0x43], below)]);
      wrapResult(mutant, 0, mutant.length, "int");
    },
    () =>
      unwrapArguments(CALL, decodeRequestWrapper(mutate(wrappers[below(wrappers.length)]!, wrappers, [0x51], below))),
  ];
  for (let i = 0; i < 1500; i++) {
    try {
      attempts[i % 3]!();
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});

test("a map argument keeps its order both ways", () => {
  const map = mapValue([
    ["b", 1],
    ["a", 2],
  ]);
  const { body } = unwrapArguments(CALL, {
    serializeType: "hessian2",
    args: [encodeHessian2(map)],
    argTypes: ["java.util.Map"],
  });
  const head = scanned(Buffer.concat([Buffer.alloc(HEADER_BYTES), body]));
  expect([head.descriptor, head.argument(0)]).toEqual(["Ljava/util/Map;", map]);
});
