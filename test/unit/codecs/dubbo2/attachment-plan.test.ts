import { expect, test } from "vitest";
import { AttachmentPlan, encodeString, wireVersion } from "../../../../src/codecs/dubbo2/attachment-plan.ts";
import { Attachments } from "../../../../src/codecs/dubbo2/attachments.ts";
import { Skipper } from "../../../../src/codecs/hessian2/skip.ts";
import { bytesOf } from "../../../support/dubbo2-bodies.ts";

/** What a map becomes; the requests' own changes are tested in edit.test.ts. */
function written(map: string, ...edits: Parameters<AttachmentPlan["make"]>[0][]): string {
  const bytes = bytesOf(map);
  const attachments = new Attachments();
  attachments.load(new Skipper().reset(bytes), bytes, bytes.length);
  const plan = new AttachmentPlan(bytes, attachments, bytes.length);
  for (const one of edits) plan.make(one);
  const pieces: Buffer[] = [];
  plan.write(pieces);
  return Buffer.concat(pieces).toString("hex");
}

test("later changes see what earlier ones made", () => {
  const first = { set: [["a", "1"]] as const };
  const then = { add: [["a", "2"]] as const };
  expect(written("48 5a", first, then)).toBe(bytesOf('48 01"a" 03"1,2" 5a').toString("hex"));
  expect(written('48 01"a" 01"0" 5a', then, { remove: ["a"] })).toBe("485a");
});

test("a map is made where there is none, if there is something for it", () => {
  expect(written("4e")).toBe("4e");
  expect(written("", { set: [["a", "1"]] })).toBe(bytesOf('48 01"a" 01"1" 5a').toString("hex"));
});

test("texts are written as callees read them", () => {
  expect(encodeString("ab").toString("hex")).toBe("026162");
  expect([wireVersion(""), wireVersion("1.0")]).toEqual(["0.0.0", "1.0"]);
});
