import { expect, test, vi } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import type { AskedCall, Denial } from "../../../../src/bridge-proxy/authz/asked.ts";
import type { Decision } from "../../../../src/bridge-proxy/authz/gate.ts";
import { decideLater } from "../../../../src/bridge-proxy/authz/later.ts";
import type { Question, Settled, Subject } from "../../../../src/bridge-proxy/authz/question.ts";

const denial: Denial = { reason: "denied", message: "no", policy: "x" };
const changes = { set: [["a", "b"]], add: [], remove: [] } as const;
const subject = { header: () => undefined, text: {}, timeLeftMs: 60_000 } as unknown as Subject;
const question = (settled: Settled, stop = () => {}): Question => ({
  ask: (_, done) => {
    done(settled);
    return stop;
  },
  settle: () => undefined,
  with: () => question(settled),
});

/** A call that waited, decided by `decide` then. */
function asked(decide: (call: AskedCall) => Decision | undefined) {
  const settled: Settled[] = [];
  const giveUp = vi.fn();
  let wake = () => {};
  const stop = decideLater((_timeLeftMs, done) => {
    wake = done;
    return giveUp;
  }, decide).ask(subject, (one) => settled.push(one));
  return { settled, giveUp, stop, wake: () => wake() };
}

const free: Settled = { denial: undefined, changes: undefined, answerChanges: undefined };
test.each<[string, Decision | undefined, Settled]>([
  ["goes on", undefined, free],
  ["goes on with what its token says", { changes, question: undefined }, { ...free, changes }],
  ["is refused", denial, { denial }],
  ["is asked for elsewhere", { changes: undefined, question: question({ denial }) }, { denial }],
])("a call that waited %s", (_name, decision, settled) => {
  const calls: AskedCall[] = [];
  const call = asked((one) => {
    calls.push(one);
    return decision;
  });
  expect(call.settled).toEqual([]);
  call.wake();
  expect(call.settled).toEqual([settled]);
  expect(calls).toMatchObject([{ hasWaited: true }]);
});

test("policies on trial are asked, and nobody waits for them", () => {
  const trial = question({ denial });
  const ask = vi.spyOn(trial, "ask");
  const call = asked(() => ({ changes: undefined, question: undefined, trial }));
  call.wake();
  expect(call.settled).toEqual([free]);
  expect(ask).toHaveBeenCalledOnce();
});

test("what cannot be read then is refused, and other errors are not hidden", () => {
  const bad = asked(() => {
    throw new ProtocolError("x", "unread", 0);
  });
  bad.wake();
  expect(bad.settled).toMatchObject([{ denial: { reason: "denied" } }]);
  const broken = asked(() => {
    throw new TypeError("x");
  });
  expect(broken.wake).toThrow(TypeError);
});

test("giving up ends the waiting, and what is waited for behind it", () => {
  const stopped = vi.fn();
  const behind: Question = { ...question({ denial }), ask: () => stopped };
  const call = asked(() => ({ changes: undefined, question: behind }));
  call.wake();
  call.stop();
  expect(call.giveUp).toHaveBeenCalledOnce();
  expect(stopped).toHaveBeenCalledOnce();
});
