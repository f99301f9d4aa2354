import { expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { Fastjson2Attachments, Fastjson2Head } from "../../../../src/codecs/dubbo2/fastjson2-head.ts";
import { mapValue } from "../../../../src/codecs/value.ts";
import { recordedFrames } from "../../../support/dubbo2-frames.ts";

const requests = recordedFrames("3.2.18-fastjson2").filter(
  ({ dir, bytes }) => dir === "c2s" && bytes.length > 60 && (bytes[2]! & 0x20) === 0,
);

test("reads every recorded request of a 3.2 consumer", () => {
  expect(requests.length).toBeGreaterThan(3);
  const head = new Fastjson2Head();
  for (const { bytes, note } of requests) {
    head.scan(bytes, 16, bytes.length);
    expect(head.attachments().get("path"), note).toBe(head.service);
    expect(head.attachments().getIgnoreCase("PATH")).toBe(head.service);
    expect(head.effectiveMethod.length).toBeGreaterThan(0);
    expect(head.hasPlainTypes).toBe(true);
    head.effectiveArgument(0);
    expect(head.effectiveArgument(300)).toBeUndefined();
  }
});

test("a request that is cut off anywhere is refused as such, or has no attachments", () => {
  const head = new Fastjson2Head();
  const { bytes } = requests[0]!;
  let refused = 0;
  for (let end = 16; end < bytes.length; end++) {
    try {
      head.scan(bytes, 16, end);
      expect(head.attachments().get("path")).toBeUndefined();
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThanOrEqual(bytes.length - 20);
});

test("attachments give scalars as text, whole numbers as numbers", () => {
  const attachments = new Fastjson2Attachments(
    mapValue([
      ["timeout", "1000"],
      ["n", 5n],
      ["big", "99999999999"],
      ["none", null],
    ]),
  );
  expect(["timeout", "n", "big", "none", "x"].map((name) => attachments.getNumber(name))).toEqual([
    1000, 5, -1, -1, -1,
  ]);
  expect([attachments.get("n"), attachments.get("none"), attachments.getIgnoreCase("N")]).toEqual([
    "5",
    undefined,
    "5",
  ]);
});

test("arguments stand behind their lengths, and all attachments are listed", () => {
  const head = new Fastjson2Head();
  for (const { bytes, note } of requests) {
    head.scan(bytes, 16, bytes.length);
    const args = head.argumentBytes();
    for (const arg of args) expect(arg.readUInt32BE(0), note).toBe(arg.length - 4);
    expect(bytes.includes(Buffer.concat(args))).toBe(true);
    expect(head.attachments().entries.map(([name]) => name)).toContain("path");
  }
});
