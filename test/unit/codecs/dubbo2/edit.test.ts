import { describe, expect, test } from "vitest";
import { REMOVED_PREFIX } from "../../../../src/codecs/dubbo2/attachment-plan.ts";
import { editRequest, type RequestEdits } from "../../../../src/codecs/dubbo2/edit.ts";
import { bodyLength, isEvent, isRequest } from "../../../../src/codecs/dubbo2/frame.ts";
import { RequestHead } from "../../../../src/codecs/dubbo2/head.ts";
import type { Value } from "../../../../src/codecs/value.ts";
import { bytesOf, requestFrame, WORKED_BODY } from "../../../support/dubbo2-bodies.ts";
import { HESSIAN2_LINES, recordedFrames } from "../../../support/dubbo2-frames.ts";

function scanned(frame: Buffer): RequestHead {
  const head = new RequestHead();
  head.scan(frame, 16, frame.length);
  return head;
}

/** Edits a frame, checks that its length is right and the old bytes stayed, and scans the new one. */
function edited(frame: Buffer, edits: RequestEdits): RequestHead {
  const before = frame.toString("hex");
  const after = editRequest(scanned(frame), edits);
  expect(frame.toString("hex")).toBe(before);
  expect(bodyLength(after, 0)).toBe(after.length - 16);
  return scanned(after);
}

function record(body: string, edits: RequestEdits): Record<string, string> {
  return {
    ...edited(requestFrame(bytesOf(body)), edits)
      .attachments()
      .toRecord(),
  };
}

const WORKED = requestFrame(WORKED_BODY);

test("no edits leave every byte", () => {
  expect(editRequest(scanned(WORKED), {}).toString("hex")).toBe(WORKED.toString("hex"));
});

test("a new attachment stands before the map's end and nothing else changes", () => {
  const after = editRequest(scanned(WORKED), { set: [["x-gray", "blue"]] });
  const expected = Buffer.concat([WORKED.subarray(16, -1), bytesOf('06"x-gray" 04"blue" 5a')]);
  expect(after.toString("hex", 16)).toBe(expected.toString("hex"));
});

test("another service is named in every place that callees read", () => {
  const head = edited(WORKED, { service: "com.acme.Other", version: "2.0.0", group: "g2" });
  expect([head.service, head.version]).toEqual(["com.acme.Other", "2.0.0"]);
  expect({ ...head.attachments().toRecord() }).toEqual({
    path: "com.acme.Other",
    "remote.application": "demo",
    interface: "com.acme.Other",
    version: "2.0.0",
    timeout: "1000",
    group: "g2",
  });
  expect(head.argument(0)).toBe("bob");
});

test("no version is 0.0.0 on the wire, no group is no key", () => {
  const body = '05"2.0.2" 01"S" 05"1.0.0" 01"m" 00 48 05"group" 01"g" 07"version" 05"1.0.0" 5a';
  const head = edited(requestFrame(bytesOf(body)), { version: "", group: "" });
  expect(head.version).toBe("0.0.0");
  expect({ ...head.attachments().toRecord() }).toEqual({ version: "0.0.0" });
});

test("keys that the caller did not send are not put in for service and version", () => {
  const head = edited(requestFrame(bytesOf('05"2.0.2" 01"S" 4e 01"m" 00 48 5a')), { service: "T", version: "1" });
  expect([head.service, head.version, head.attachments().size]).toEqual(["T", "1", 0]);
});

test.each([
  ["null", "4e"],
  ["an empty string", "00"],
  ["nothing", ""],
])("where the attachments are %s a map is put in when one is needed", (_name, tail) => {
  const frame = requestFrame(bytesOf(`05"2.0.2" 01"S" 00 01"m" 01"I" 91 ${tail}`));
  const head = edited(frame, { set: [["k", "v"]] });
  expect({ ...head.attachments().toRecord() }).toEqual({ k: "v" });
  expect(head.attachments().mapEnd + 1).toBe(head.bytes.length);
  expect(editRequest(scanned(frame), { remove: ["k"] }).toString("hex")).toBe(frame.toString("hex"));
});

describe("attachments by name", () => {
  const BODY = '05"2.0.2" 01"S" 00 01"m" 00 48 06"X-Gray" 04"blue" 01"a" 01"1" 01"a" 01"2" 01"n" 95 01"z" 01"0" 5a';
  test.each<[string, RequestEdits, Record<string, string>]>([
    ["set keeps the caller's spelling", { set: [["x-gray", "red"]] }, { "X-Gray": "red", a: "2", n: "5", z: "0" }],
    ["set leaves one of repeated keys", { set: [["a", "3"]] }, { "X-Gray": "blue", a: "3", n: "5", z: "0" }],
    ["set takes a number's place", { set: [["n", "six"]] }, { "X-Gray": "blue", a: "2", n: "six", z: "0" }],
    [
      "set twice: the last counts",
      {
        set: [
          ["q", "1"],
          ["Q", "2"],
        ],
      },
      { "X-Gray": "blue", a: "2", n: "5", z: "0", Q: "2" },
    ],
    ["remove takes all of a name", { remove: ["A", "x-gray"] }, { n: "5", z: "0" }],
    ["remove of what is not there does nothing", { remove: ["q"] }, { "X-Gray": "blue", a: "2", n: "5", z: "0" }],
    ["remove before set", { remove: ["a"], set: [["a", "9"]] }, { "X-Gray": "blue", n: "5", z: "0", a: "9" }],
    ["add appends with a comma", { add: [["X-GRAY", "green"]] }, { "X-Gray": "blue,green", a: "2", n: "5", z: "0" }],
    ["add after set", { set: [["a", "3"]], add: [["a", "4"]] }, { "X-Gray": "blue", a: "3,4", n: "5", z: "0" }],
    [
      "add twice where there is none",
      {
        add: [
          ["q", "1"],
          ["q", "2"],
        ],
      },
      { "X-Gray": "blue", a: "2", n: "5", z: "0", q: "1,2" },
    ],
    ["an empty value is a value", { set: [["z", ""]] }, { "X-Gray": "blue", a: "2", n: "5", z: "" }],
    ["text outside ASCII", { set: [["z", "中🚀"]] }, { "X-Gray": "blue", a: "2", n: "5", z: "中🚀" }],
  ])("%s", (_name, edits, expected) => {
    expect(record(BODY, edits)).toEqual(expected);
  });
});

describe("the caller's timeout", () => {
  test.each<[string, string, number, string]>([
    ["text is lowered as text", '07"timeout" 04"1000"', 250, '07"timeout" 03"250"'],
    ["an int stays an int", '03"_TO" cbe8', 250, '03"_TO" c8fa'],
    ["a long stays a long", '03"_to" fbe8', 250, '03"_to" f8fa'],
    ["fractions are rounded up", '07"timeout" 04"1000"', 0.2, '07"timeout" 01"1"'],
    ["a lower one is kept", '07"timeout" 03"100"', 250, '07"timeout" 03"100"'],
    ["what is no number is kept", '07"timeout" 01"x"', 250, '07"timeout" 01"x"'],
    ["none is not made up", '01"a" 01"b"', 250, '01"a" 01"b"'],
  ])("%s", (_name, before, timeoutMs, after) => {
    const lead = '05"2.0.2" 01"S" 00 01"m" 00 48';
    const frame = editRequest(scanned(requestFrame(bytesOf(`${lead} ${before} 5a`))), { timeoutMs });
    expect(frame.toString("hex", 16)).toBe(bytesOf(`${lead} ${after} 5a`).toString("hex"));
  });
});

describe("an attachment whose value is a container", () => {
  const lead = '05"2.0.2" 01"S" 00 01"m" 00';
  test("is cut out where nothing behind counts it", () => {
    const frame = requestFrame(bytesOf(`${lead} 48 01"l" 7991 01"k" 01"v" 5a`));
    expect(editRequest(scanned(frame), { remove: ["l"] }).toString("hex", 16)).toBe(
      bytesOf(`${lead} 48 01"k" 01"v" 5a`).toString("hex"),
    );
  });
  test.each([
    ["it defines a class that a later one uses", '01"l" 43 01"a" 91 01"f" 60 91 01"m" 60 92'],
    ["a later reference counts it", '01"l" 7991 01"m" 51 91'],
    ["it names a type that a later one numbers", '01"l" 71 04"[int" 91 01"m" 71 90 92'],
    ["it is a map with a class", '01"l" 4d 01"t" 5a 01"m" 51 91'],
  ])("stays under another key where %s", (_name, pairs) => {
    const frame = requestFrame(bytesOf(`${lead} 48 ${pairs} 01"k" 01"v" 5a`));
    for (const edits of [{ remove: ["l"] }, { set: [["l", "text"]] as const }]) {
      const head = edited(frame, edits);
      expect(head.attachments().keyText(0)).toBe(`${REMOVED_PREFIX}l`);
      expect(head.attachments().get("l")).toBe("set" in edits ? "text" : undefined);
      expect(head.attachments().get("k")).toBe("v");
    }
  });
});

function plain(value: Value | undefined, seen = new Map<object, number>()): unknown {
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  if (seen.has(value)) return `#${seen.get(value)}`;
  seen.set(value, seen.size);
  if (value.type === "list") return [value.className, value.items.map((item) => plain(item, seen))];
  if (value.type === "map") return [value.className, value.entries.map((pair) => pair.map((one) => plain(one, seen)))];
  if (value.type === "object") return [value.shape, value.values.map((item) => plain(item, seen))];
  return value;
}

describe.each(HESSIAN2_LINES)("requests recorded from %s", (line) => {
  test("keep the bytes of their arguments and of all other attachments under every edit", () => {
    const edits = {
      service: "com.acme.a.much.longer.name.than.before.OrderService",
      version: "9",
      group: "other",
      timeoutMs: 5,
      set: [["x-trace", "1"]],
      remove: ["remote.application"],
    } as const;
    const frames = recordedFrames(`${line}-hessian2`).filter(
      (f) => f.ser === 2 && isRequest(f.bytes, 0) && !isEvent(f.bytes, 0),
    );
    expect(frames.length).toBe(36);
    for (const frame of frames) {
      const before = scanned(frame.bytes);
      const after = edited(frame.bytes, edits);
      expect(after.bytes.toString("hex", 0, 12)).toBe(frame.bytes.toString("hex", 0, 12));
      expect([after.service, after.version, after.method, after.descriptor]).toEqual([
        edits.service,
        "9",
        before.method,
        before.descriptor,
      ]);
      expect(after.bytes.toString("hex", after.methodStart - 1, after.attachments().mapStart)).toBe(
        frame.bytes.toString("hex", before.methodStart - 1, before.attachments().mapStart),
      );
      const expected = { ...before.attachments().toRecord() };
      for (const key of ["path", "interface"]) expected[key] = edits.service;
      Object.assign(expected, { version: "9", group: "other", "x-trace": "1" });
      if (expected["timeout"] !== undefined) expected["timeout"] = "5";
      delete expected["remote.application"];
      expect({ ...after.attachments().toRecord() }).toEqual(expected);
      expect(after.attachments().mapEnd + 1).toBe(after.bytes.length);
      for (let i = 0; i < before.argumentCount; i++) {
        expect(plain(after.argument(i))).toEqual(plain(before.argument(i)));
      }
    }
  });
});

test("a body without a header before it is refused", () => {
  const head = new RequestHead();
  head.scan(WORKED_BODY, 0, WORKED_BODY.length);
  expect(() => editRequest(head, {})).toThrow("request to edit has no header before its body");
});

test("a body whose attachments can't be reached is refused", () => {
  const frame = requestFrame(bytesOf('05"2.0.2" 01"S" 00 01"m" 01"I" 40'));
  expect(() => editRequest(scanned(frame), { set: [["a", "b"]] })).toThrow("hessian2: unknown tag 0x40");
});
