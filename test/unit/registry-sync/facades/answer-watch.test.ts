import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { AnswerWatch } from "../../../../src/registry-sync/facades/answer-watch.ts";

function stage() {
  const clock = new ManualClock();
  const watch = new AnswerWatch({ timeoutMs: 1_000, clock });
  const cut: string[] = [];
  const begin = (name: string, headersSent: boolean) => {
    const answer = { headersSent };
    watch.begin(answer, () => cut.push(name));
    return answer;
  };
  return { clock, watch, cut, begin };
}

test("an answer that is not read in time is cut off once, one that ended is not", () => {
  const { clock, watch, cut, begin } = stage();
  begin("never read", true);
  const read = begin("read", true);
  clock.advance(900);
  watch.end(read);
  clock.advance(10_000);
  expect(cut).toEqual(["never read"]);
});

test("the time before an answer begins does not count", () => {
  const { clock, cut, begin } = stage();
  const poll = begin("long poll", false);
  clock.advance(90_000);
  expect(cut).toEqual([]);
  poll.headersSent = true;
  clock.advance(900);
  expect(cut).toEqual([]);
  clock.advance(600);
  expect(cut).toEqual(["long poll"]);
});

test("after a time without answers the next ones are watched too", () => {
  const { clock, watch, cut, begin } = stage();
  watch.end(begin("first", true));
  clock.advance(5_000);
  begin("second", true);
  clock.advance(1_500);
  expect(cut).toEqual(["second"]);
});
