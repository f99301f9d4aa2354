import { expect, test } from "vitest";
import type { Denial } from "../../../../src/bridge-proxy/authz/asked.ts";
import { joinOpenings, pass, type Question, type Settled } from "../../../../src/bridge-proxy/authz/question.ts";
import type { Target } from "../../../../src/bridge-proxy/route.ts";

const target = { upTo: 1, mutations: undefined, answerMutations: undefined } as unknown as Target;
const denial: Denial = { reason: "denied", message: "no", policy: "p" };
const changes = { set: [["x", "1"]] as const, add: [], remove: [] };
const subject = () => ({}) as never;

function question(settled: Settled, settle: () => Denial | undefined = () => undefined): Question {
  return {
    ask: (_, done) => {
      done(settled);
      return () => {};
    },
    settle,
    with: (more) => question(settled, () => settle() ?? more({ header: () => undefined })),
  };
}

function passed(opening: Parameters<typeof pass>[0]): unknown[] {
  const said: unknown[] = [];
  pass(opening, target, subject, { go: (to) => said.push(to), refuse: (why) => said.push(why) });
  return said;
}

test("without a question the call goes on at once, with its changes", () => {
  expect(passed({ changes: undefined, question: undefined })).toEqual([target]);
  expect(passed({ changes, question: undefined })).toEqual([{ ...target, of: target, mutations: changes }]);
});

test("with one, as it is settled", () => {
  expect(passed({ changes, question: question({ denial }) })).toEqual([denial]);
  const settled = { denial: undefined, changes, answerChanges: changes };
  expect(passed({ changes, question: question(settled) })).toEqual([
    { ...target, of: target, mutations: changes, answerMutations: changes },
  ]);
});

test("a trial is asked for, and what it says does not count", () => {
  let asked = 0;
  const trial: Question = {
    ...question({ denial }),
    ask: () => {
      asked++;
      return () => {};
    },
  };
  expect(passed({ changes: undefined, question: undefined, trial })).toEqual([target]);
  expect(asked).toBe(1);
});

test("of two readings one is asked for, and both are judged behind it", () => {
  const none = { denial: undefined, changes: undefined, answerChanges: undefined };
  const first = { changes: undefined, question: question(none) };
  const second = { changes, question: question(none, () => denial) };
  const joined = joinOpenings(first, second);
  expect(joined.changes).toBe(changes);
  expect(joined.question!.settle({ header: () => undefined })).toBe(denial);
  expect(joinOpenings(second, { changes: undefined, question: undefined }).question).toBe(second.question);
  expect(joinOpenings({ changes: undefined, question: undefined }, second).question).toBe(second.question);
});
