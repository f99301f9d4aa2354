import { expect, test } from "vitest";
import type { CallerStream } from "../../../../src/bridge-proxy/triple/caller-stream.ts";
import { answerStream } from "../../../../src/bridge-proxy/triple/changed-answer.ts";

const set = (name: string, value: string) => ({
  answerMutations: { set: [[name, value]] as const, add: [], remove: ["secret"] },
});
const none = { answerMutations: undefined };

function caller() {
  const heads: (readonly string[])[] = [];
  const stream = {
    head: (fields: readonly string[]) => heads.push(fields),
    fault: undefined,
  } as unknown as CallerStream;
  return { heads, stream };
}

test("the head of an answer has what the route and then its destination say; what says nothing changes nothing", () => {
  const { heads, stream } = caller();
  expect(answerStream(stream, none, none)).toBe(stream);
  answerStream(stream, set("a", "1"), set("a", "2")).head([":status", "200", "secret", "x"], false, []);
  expect(heads).toEqual([[":status", "200", "a", "2"]]);
});

test("a head that cannot be written is a fault, and not sent", () => {
  const { heads, stream } = caller();
  const changed = answerStream(stream, none, set("a", "x\r\ny"));
  changed.head([":status", "200"], false, []);
  expect([heads, changed.fault?.message]).toEqual([[], expect.stringContaining("control")]);
});
