import { expect, test } from "vitest";
import { encodeFastjson2Result } from "../../../../src/codecs/dubbo2/answer.ts";
import { editAnswer } from "../../../../src/codecs/dubbo2/answer-edit.ts";
import { decodeResponse, encodeOutcome } from "../../../../src/codecs/dubbo2/body.ts";
import { encodeFrame, HESSIAN2 } from "../../../../src/codecs/dubbo2/frame.ts";
import { decodeFastjson2 } from "../../../../src/codecs/fastjson2/reader.ts";
import { encodeFastjson2 } from "../../../../src/codecs/fastjson2/writer.ts";
import { bytesOf } from "../../../support/dubbo2-bodies.ts";

const answer = (body: string, status = 20, serialization = HESSIAN2) =>
  encodeFrame({ flags: serialization, status, idHigh: 1, idLow: 2 }, bytesOf(body));
const set = { set: [["a", "1"]] as const };
const edit = (frame: Buffer, takes = true) => editAnswer(frame, 0, frame.length, [set], takes);

test.each<[name: string, body: string, becomes: string]>([
  ["a value", '91 02"ok"', '94 02"ok" 48 01"a" 01"1" 5a'],
  ["null", "92", '95 48 01"a" 01"1" 5a'],
  ["null with what dubbo-go writes behind it", "92 4e", '95 48 01"a" 01"1" 5a'],
  ["a value with such", '91 02"ok" 4e', '94 02"ok" 48 01"a" 01"1" 5a'],
  ["an exception", "90 4e", '93 4e 48 01"a" 01"1" 5a'],
  ["attachments that are there", '94 02"ok" 48 01"b" 01"2" 5a', '94 02"ok" 48 01"b" 01"2" 01"a" 01"1" 5a'],
  ["one of the name, in another case", '95 48 01"A" 01"2" 5a', '95 48 01"A" 01"1" 5a'],
  ["null in their place", "95 4e", '95 48 01"a" 01"1" 5a'],
])("an attachment is set in an answer with %s", (_name, body, becomes) => {
  const edited = edit(answer(body))!;
  expect(edited.toString("hex", 16)).toBe(bytesOf(becomes).toString("hex"));
  expect(edited.toString("hex", 0, 12)).toBe(answer(body).toString("hex", 0, 12));
  expect(edited.readInt32BE(12)).toBe(edited.length - 16);
});

test("edits are made in turn: taken out, set, added to", () => {
  const frame = encodeOutcome(1, 2, { type: "value", value: "v", attachments: { a: "1", b: "2" } });
  const edited = editAnswer(frame, 0, frame.length, [{ remove: ["A"] }, { add: [["b", "3"]] }], true)!;
  expect(decodeResponse(edited, 0, edited.length)).toMatchObject({
    value: "v",
    attachments: { entries: [["b", "2,3"]] },
  });
});

test.each<[name: string, frame: Buffer, takes: boolean]>([
  ["an error", answer('04"busy"', 100), true],
  ["a serialization that is only carried", answer("9102", 20, 8), true],
  ["a caller that reads no attachments", answer('91 02"ok"'), false],
])("an answer stays as it is: %s", (_name, frame, takes) => {
  expect(edit(frame, takes)).toBeUndefined();
});

test("a caller that reads none is still given changes of those that are there", () => {
  expect(edit(answer("95 48 5a"), false)?.toString("hex", 16)).toBe(bytesOf('95 48 01"a" 01"1" 5a').toString("hex"));
});

test.each([["91"], ['91 05"ok"'], ['94 02"ok" 48 01']])("a broken body %s is an error", (body) => {
  expect(() => edit(answer(body))).toThrow(expect.objectContaining({ protocol: "dubbo2" }));
});

function fastjson2(frame: Buffer): { kind: number; value: unknown; attachments: unknown } {
  let at = 16 + 4;
  const kind = frame[at + 1]!;
  at += 2;
  const piece = () => {
    const length = frame.readUInt32BE(at);
    at += 4 + length;
    return decodeFastjson2(frame.subarray(at - length, at));
  };
  const value = kind === 5 ? null : piece();
  const attachments = piece();
  expect(at).toBe(frame.length);
  return { kind, value, attachments };
}

test("in fastjson2 the same", () => {
  const data = encodeFastjson2("ok");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const value = Buffer.concat([length, data]);
  const withMap = encodeFastjson2Result(0, 7, false, value, [
    ["a", "0"],
    ["b", "2"],
  ]);
  const edits = [{ set: [["a", "1"]] as const, add: [["B", "3"]] as const, remove: ["x"] }];
  const edited = fastjson2(editAnswer(withMap, 0, withMap.length, edits, false)!);
  expect(edited).toMatchObject({
    kind: 4,
    value: "ok",
    attachments: {
      entries: [
        ["a", "1"],
        ["b", "2,3"],
      ],
    },
  });
  const plain = encodeFrame(
    { flags: 23, status: 20, idHigh: 0, idLow: 7 },
    Buffer.concat([Buffer.from("00000002bd01", "hex"), value]),
  );
  expect(fastjson2(edit(plain)!)).toMatchObject({ kind: 4, value: "ok", attachments: { entries: [["a", "1"]] } });
  const none = encodeFrame({ flags: 23, status: 20, idHigh: 0, idLow: 7 }, Buffer.from("00000002bd02", "hex"));
  expect(fastjson2(edit(none)!)).toMatchObject({ kind: 5, attachments: { entries: [["a", "1"]] } });
  const cut = plain.subarray(0, plain.length - 1);
  expect(() => edit(cut)).toThrow(/cut off/);
});
