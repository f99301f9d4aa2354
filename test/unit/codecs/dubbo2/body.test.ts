import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import {
  decodeResponse,
  encodeOutcome,
  encodeRequest,
  isException,
  responseKind,
  supportsResponseAttachments,
} from "../../../../src/codecs/dubbo2/body.ts";
import { encodeFrame, FASTJSON2, isEvent, isRequest } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import { fieldOf, isObject, mapGet, type Value } from "../../../../src/codecs/value.ts";
import { bytesOf } from "../../../support/dubbo2-bodies.ts";
import { HESSIAN2_LINES, recordedFrame, recordedFrames } from "../../../support/dubbo2-frames.ts";

function answer(body: Uint8Array, status = 20, serialization = 2): Buffer {
  return encodeFrame({ flags: serialization, status, idHigh: 1, idLow: 2 }, body);
}

function decoded(frame: Buffer) {
  return decodeResponse(frame, 0, frame.length);
}

function classOf(value: Value): string | undefined {
  return isObject(value) ? value.shape.name : undefined;
}

describe.each(HESSIAN2_LINES)("answers recorded from %s", (line) => {
  const frames = recordedFrames(`${line}-hessian2`);
  const answers = frames.filter((frame) => !isRequest(frame.bytes, 0) && !isEvent(frame.bytes, 0));

  test("are values, nulls, exceptions and one error", () => {
    expect(answers.length).toBe(35);
    const types = answers.map((frame) => decoded(frame.bytes).type);
    expect(types.filter((type) => type === "value").length).toBe(29);
    expect(types.filter((type) => type === "exception").length).toBe(5);
    expect(types.filter((type) => type === "error").length).toBe(1);
    for (const frame of answers.filter((one) => one.status === 20)) {
      const response = decoded(frame.bytes);
      expect(mapGet(response.attachments!, "dubbo")).toBe("2.0.2");
      expect(isException(frame.bytes, 0, frame.bytes.length)).toBe(response.type === "exception");
      expect(responseKind(frame.bytes, 0, frame.bytes.length)).toBeGreaterThanOrEqual(3);
    }
  });

  test("hold the values that their providers returned", () => {
    const of = (note: string, nth = 0) =>
      decoded(answers.filter((frame) => frame.note === note && frame.run === "typed")[nth]!.bytes).value;
    expect(of("sayHi")).toMatch(/^hi bob from d\d+:20880$/);
    expect(of("sayHi", 2)).toMatch(/^hi 🚀中文é from /);
    expect(classOf(of("getOrder"))).toBe("peer.api.Order");
    expect(of("getOrder", 1)).toBeNull();
    expect(of("touch")).toBeNull();
    expect(of("echoLong")).toBe(9223372036854775807n);
    expect(of("attachment")).toMatch(/^blue touched=/);
  });

  test("name the class and the message of an exception", () => {
    const thrown = (note: string) => decoded(answers.find((frame) => frame.note === note)!.bytes).value;
    expect(classOf(thrown("fail"))).toMatch(/^peer\.api\.\w+Exception$/);
    expect(classOf(thrown("boom"))).toBe("java.lang.IllegalStateException");
    const boom = thrown("boom");
    expect(isObject(boom) && typeof fieldOf(boom, "detailMessage")).toBe("string");
    const generic = answers.find((frame) => frame.run === "generic" && decoded(frame.bytes).type === "exception")!;
    expect(classOf(decoded(generic.bytes).value)).toBe("com.alibaba.dubbo.rpc.service.GenericException");
  });

  test("tell the text of an error in the serialization of its own frame", () => {
    const error = answers.find((frame) => frame.status === 70)!;
    expect(error.ser).toBe(line === "3.2.18" ? 23 : 2);
    expect(decoded(error.bytes).text).toContain("nosuch");
  });
});

test("all six kinds are read, with and without what may follow", () => {
  const cases: [string, string, Value, boolean][] = [
    ["91 91", "value", 1, false],
    ["92", "value", null, false],
    ['90 01"e"', "exception", "e", false],
    ['93 01"e" 48 5a', "exception", "e", true],
    ["94 91 48 5a", "value", 1, true],
    ["95 48 5a", "value", null, true],
    ["94 91 4e", "value", 1, false],
    ["95", "value", null, false],
    ["92 4e", "value", null, false],
    ["91 91 4e", "value", 1, false],
  ];
  for (const [body, type, value, attachments] of cases) {
    const response = decoded(answer(bytesOf(body)));
    expect([response.type, response.value, response.attachments !== null]).toEqual([type, value, attachments]);
    expect([response.idHigh, response.idLow]).toEqual([1, 2]);
  }
});

test.each([
  ["an unknown kind", "96", "unknown kind 6"],
  ["no kind", "", "cut off"],
  ["a kind that is no int", '01"x"', "expected an int"],
  ["a value that is missing", "91", "cut off"],
  ["attachments that are no map", "95 91", "attachments are no map"],
  ["bytes as attachments", "95 2101", "attachments are no map"],
])("an answer with %s is refused", (_name, body, message) => {
  expect(() => decoded(answer(bytesOf(body)))).toThrow(ProtocolError);
  expect(() => decoded(answer(bytesOf(body)))).toThrow(message);
});

test("a status-20 answer in a serialization that is only carried is refused", () => {
  expect(() => decoded(answer(bytesOf("91"), 20, 8))).toThrow("answer in serialization 8, only hessian2 (2) is read");
});

test("the kind is told from raw bytes in hessian2 and fastjson2 alone", () => {
  const kind = (frame: Buffer) => responseKind(frame, 0, frame.length);
  expect(kind(answer(bytesOf("90")))).toBe(0);
  expect(kind(answer(bytesOf("95")))).toBe(5);
  expect(kind(answer(bytesOf("96")))).toBe(-1);
  expect(kind(answer(Buffer.alloc(0)))).toBe(-1);
  expect(kind(answer(bytesOf("90"), 70))).toBe(-1);
  expect(kind(answer(bytesOf("90"), 20, 8))).toBe(-1);
  const recorded = recordedFrames("3.2.18-fastjson2").filter((frame) => frame.dir === "s2c" && frame.note === "boom");
  expect(kind(recorded[0]!.bytes)).toBe(3);
  expect(kind(recordedFrame("3.2.18-fastjson2", "sayHi", "s2c"))).toBe(4);
  expect(kind(answer(bytesOf("00000002"), 20, FASTJSON2))).toBe(-1);
});

test("a request has the bytes of the worked example, but for the order of its attachments", () => {
  const frame = encodeRequest({
    idHigh: 0,
    idLow: 1,
    twoWay: true,
    interface: "com.foo.Hello",
    group: "",
    version: "",
    method: "sayHello",
    descriptor: "Ljava/lang/String;",
    args: ["bob"],
    attachments: { timeout: "1000" },
  });
  const expected = `dabbc200000000000000000100000082 05"2.0.2" 0d"com.foo.Hello" 05"0.0.0" 08"sayHello" 12"Ljava/lang/String;" 03"bob"
    48 04"path" 0d"com.foo.Hello" 09"interface" 0d"com.foo.Hello" 07"version" 05"0.0.0" 07"timeout" 04"1000" 5a`;
  expect(frame.toString("hex")).toBe(bytesOf(expected).toString("hex"));
});

test("a request says group, version and path where callees read them", () => {
  const frame = encodeRequest({
    idHigh: 0xffffffff,
    idLow: 0xfffffffe,
    twoWay: false,
    interface: "a.B",
    path: "ctx/a.B",
    group: "g",
    version: "1.2.3",
    method: "m",
    descriptor: "",
    args: [],
    attachments: {},
  });
  const head = new RequestHead();
  head.scan(frame, 16, frame.length);
  expect(frame.toString("hex", 0, 12)).toBe("dabb8200fffffffffffffffe");
  expect([head.service, head.version]).toEqual(["ctx/a.B", "1.2.3"]);
  expect(head.attachments().toRecord()).toEqual({ path: "ctx/a.B", interface: "a.B", version: "1.2.3", group: "g" });
});

test("outcomes have the bytes that Java writes", () => {
  const attachments = { dubbo: "2.0.2" };
  const hex = (frame: Buffer) => frame.toString("hex", 16);
  expect(hex(encodeOutcome(0, 1, { type: "value", value: "Hello bob", attachments }))).toBe(
    "940948656c6c6f20626f624805647562626f05322e302e325a",
  );
  expect(hex(encodeOutcome(0, 1, { type: "value", value: null, attachments }))).toBe("954805647562626f05322e302e325a");
  expect(hex(encodeOutcome(0, 1, { type: "value", value: 1 }))).toBe("9191");
  expect(hex(encodeOutcome(0, 1, { type: "value", value: null }))).toBe("92");
  expect(hex(encodeOutcome(0, 1, { type: "exception", value: "x" }))).toBe("900178");
});

test("attachments in answers go by Java's window of protocol versions", () => {
  const yes = ["2.0.2", "2.0.9", "2.0.10", "2.0.99", "2.0.2.1", "2.0.2-SNAPSHOT"];
  const no = [
    "",
    "2",
    "2.0",
    "2.0.1",
    "2.1.0",
    "2.5.3",
    "2.6.2",
    "2.7.3",
    "2.8.4",
    "3.0.0",
    "1.0.0",
    "x.y.z",
    "2.0.x",
    "2.0.999999999999",
  ];
  for (const version of yes) expect([version, supportsResponseAttachments(version)]).toEqual([version, true]);
  for (const version of no) expect([version, supportsResponseAttachments(version)]).toEqual([version, false]);
});
