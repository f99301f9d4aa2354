import { expect, test } from "vitest";
import type { Opening, Question, Settled } from "../../../src/bridge-proxy/authz/question.ts";
import type { ProxyContext } from "../../../src/bridge-proxy/context.ts";
import { CallerWatch } from "../../../src/bridge-proxy/dubbo/caller-watch.ts";
import { Exchange, type HeldCall } from "../../../src/bridge-proxy/exchange.ts";
import type { Outcome } from "../../../src/bridge-proxy/policies/outcome.ts";
import type { Target } from "../../../src/bridge-proxy/route.ts";

/** A call that waits for what a server says of it. */
function waiting() {
  let settle: (settled: Settled) => void = () => {};
  let isGivenUp = false;
  const timesLeft: number[] = [];
  const question: Question = {
    ask({ timeLeftMs }, done) {
      timesLeft.push(timeLeftMs);
      settle = done;
      return () => {
        isGivenUp = true;
      };
    },
    settle: () => undefined,
    with: () => question,
  };
  const opening: Opening = { changes: undefined, question };
  const target = { cluster: { name: "c", service: {} }, upTo: 1 } as unknown as Target;
  const outcomes: number[] = [];
  const durations: number[] = [];
  const record = ({ responseCode }: Outcome, ms: number) => {
    outcomes.push(responseCode);
    durations.push(ms);
  };
  const rows = { row: () => ({ record }) };
  const context = { nowMs: 0, exchanges: 0, exchangeBytes: 0, rows, limits: { maxCalls: 1, maxExchangeBytes: 100 } };
  const answers: Buffer[] = [];
  const caller = { closed: false, watch: new CallerWatch(), answer: (frame: Buffer) => answers.push(frame) };
  const call = {
    caller,
    frame: Buffer.alloc(16),
    idHigh: 0,
    idLow: 7,
    serialization: 2,
    twoWay: true,
    decision: { host: { key: { interface: "com.acme.A", group: "", version: "" }, host: "a" }, method: "get" },
    route: { name: "r", targets: [target], totalWeight: 1, timeoutMs: 0 },
    startMs: -300,
    callerTimeoutMs: 1_000,
    ruling: { denial: undefined, denied: undefined, open: new Map([[target, opening]]) },
  };
  new Exchange(context as unknown as ProxyContext, call as unknown as HeldCall).start();
  const say = (said: Settled) => settle(said);
  return { context, caller, outcomes, durations, timesLeft, answers, say, isGivenUp: () => isGivenUp };
}

test("a call whose caller leaves while a server is asked is over", () => {
  const { context, caller, outcomes, answers, isGivenUp } = waiting();
  expect([context.exchanges, context.exchangeBytes, caller.watch.size]).toEqual([1, 16, 1]);
  caller.closed = true;
  caller.watch.end();
  expect([context.exchanges, context.exchangeBytes, isGivenUp()]).toEqual([0, 0, true]);
  expect([outcomes.length, answers.length]).toEqual([1, 0]);
});

test("its time counts from when it came, what it waited for before included", () => {
  const { context, durations, timesLeft, say } = waiting();
  context.nowMs = 250;
  say({ denial: { reason: "denied", message: "no", policy: "p" } });
  expect({ durations, timesLeft }).toEqual({ durations: [550], timesLeft: [700] });
});

test("one that the server refuses is answered, and nothing is left of it", () => {
  const { context, caller, outcomes, answers, say } = waiting();
  say({ denial: { reason: "denied", message: "no", policy: "p" } });
  expect([context.exchanges, caller.watch.size, outcomes]).toEqual([0, 0, [403]]);
  expect(answers.length).toBe(1);
  caller.watch.end();
  expect(outcomes.length).toBe(1);
});
