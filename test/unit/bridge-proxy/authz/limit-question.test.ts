import { expect, test, vi } from "vitest";
import type { Ruling } from "../../../../src/bridge-proxy/authz/checkpoint.ts";
import { type JudgedCall, limitRuling } from "../../../../src/bridge-proxy/authz/limit-question.ts";
import type { Opening, Question, Settled, Subject } from "../../../../src/bridge-proxy/authz/question.ts";
import { HostLimits, type SendLimit } from "../../../../src/bridge-proxy/policies/limits.ts";
import type { CompiledRoute, HostDecision, Target } from "../../../../src/bridge-proxy/route.ts";
import { globalLimit, limitedHost } from "../../../support/limits.ts";

const target = {} as Target;
const route = { targets: [target], isMirror: false } as unknown as CompiledRoute;
const key = { interface: "com.acme.A", group: "", version: "" };
const decision = { host: { key }, method: "find" } as unknown as HostDecision;
const call: JudgedCall = { ruling: undefined, decision, route, header: () => undefined, nowMs: 0 };
const asks = [{ requestHeaders: { headerName: "method", descriptorKey: "m" } }];
const free = { isOver: false, headers: [], answerHeaders: [], body: "" };
const over = { ...free, isOver: true };
const subject = { timeLeftMs: 50 } as unknown as Subject;

/** What becomes of a call that a service which answers so is asked for. */
function settled(answer: Parameters<Parameters<SendLimit>[3]>[0], deny = false, ruling?: Ruling): Settled | undefined {
  const send = vi.fn<SendLimit>((_cluster, _bytes, _timeoutMs, done) => {
    done(answer);
    return () => {};
  });
  const limits = new HostLimits(globalLimit(asks, deny), 1, send);
  const opening = limitRuling(limits, { ...call, ruling })!.open!.get(target)!;
  let seen: Settled | undefined;
  opening.question!.ask(subject, (one) => {
    seen = one;
  });
  expect(send.mock.calls[0]!.slice(0, 1)).toEqual(["outbound|8081||limits"]);
  expect(send.mock.calls[0]![2]).toBe(50);
  return seen;
}

test("a token lets a call on, none refuses it, and one that policies refuse takes none", () => {
  const limits = new HostLimits(limitedHost(), 1);
  const denial = { reason: "denied", message: "no", policy: "p" } as const;
  const refused: Ruling = { denial, denied: undefined };
  for (let i = 0; i < 8; i++) expect(limitRuling(limits, { ...call, ruling: refused })).toBe(refused);
  for (let i = 0; i < 4; i++) expect(limitRuling(limits, call)).toBeUndefined();
  expect(limitRuling(limits, call)?.denial).toMatchObject({ reason: "rate_limited" });
  expect(limitRuling(limits, { ...call, route: { ...route, isMirror: true } })).toBeUndefined();
});

test.each([
  [free, false, undefined],
  [over, false, "rate limited"],
  [{ ...over, body: "come back" }, false, "come back"],
  [{ failure: "gone" }, false, undefined],
  [{ failure: "gone" }, true, "the rate limit service does not answer"],
])("an answer %j, where silence denies: %s, is told as %s", (answer, deny, message) => {
  expect(settled(answer, deny)?.denial?.message).toBe(message);
});

test("what else is to be asked comes behind it, with its own changes", () => {
  const changes = { set: [["a", "b"]], add: [], remove: [] } as const;
  const question: Question = {
    ask: (_, done) => {
      done({ denial: undefined, changes, answerChanges: undefined });
      return () => {};
    },
    settle: () => undefined,
    with: () => question,
  };
  const behind = (opening: Opening): Ruling => ({
    denial: undefined,
    denied: undefined,
    open: new Map([[target, opening]]),
  });
  expect(settled(free, false, behind({ changes: undefined, question }))).toMatchObject({ changes });
  expect(settled(free, false, behind({ changes, question: undefined }))).toMatchObject({ changes });
  expect(settled(over, false, behind({ changes: undefined, question }))).toMatchObject({
    denial: { reason: "rate_limited" },
  });
});

test("headers of the service's answer go on with the call, back with its answer, and with a refusal", () => {
  const of = (name: string) => ({ name, value: "1", append: true });
  const headers = { headers: [of("x-left"), of("host")], answerHeaders: [of("ratelimit-limit"), of(":status")] };
  const made = (name: string) => ({ set: [], add: [[name, "1"]], remove: [] });
  expect(settled({ ...free, ...headers })).toEqual({
    denial: undefined,
    changes: made("x-left"),
    answerChanges: made("ratelimit-limit"),
  });
  expect(settled({ ...over, ...headers })?.denial?.reply).toEqual({
    http: 429,
    body: "rate limited",
    headers: [["ratelimit-limit", "1"]],
  });
  const question: Question = {
    ask: (_, done) => {
      done({ denial: undefined, changes: undefined, answerChanges: made("x-other") as never });
      return () => {};
    },
    settle: () => undefined,
    with: () => question,
  };
  const behind: Ruling = {
    denial: undefined,
    denied: undefined,
    open: new Map([[target, { changes: undefined, question }]]),
  };
  expect(settled({ ...free, ...headers }, false, behind)).toMatchObject({
    answerChanges: {
      add: [
        ["ratelimit-limit", "1"],
        ["x-other", "1"],
      ],
    },
  });
});

test("whoever gives up is not called any more", () => {
  const stop = vi.fn();
  const limits = new HostLimits(globalLimit(asks), 1, () => stop);
  const question = limitRuling(limits, call)!.open!.get(target)!.question!;
  question.ask(subject, () => {})();
  expect(stop).toHaveBeenCalledOnce();
});

test("what is asked next has the time that is left then", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    let answer: Parameters<SendLimit>[3] | undefined;
    const limits = new HostLimits(globalLimit(asks), 1, (_cluster, _bytes, _timeoutMs, done) => {
      answer = done;
      return () => {};
    });
    const left: number[] = [];
    const question = { ask: ({ timeLeftMs }: Subject) => left.push(timeLeftMs) } as unknown as Question;
    const opening: Opening = { changes: undefined, question };
    const ruling: Ruling = { denial: undefined, denied: undefined, open: new Map([[target, opening]]) };
    const asked = limitRuling(limits, { ...call, ruling })!.open!.get(target)!.question!;
    asked.ask(subject, () => {});
    vi.advanceTimersByTime(20);
    answer!(free);
    expect(left).toEqual([30]);
  } finally {
    vi.useRealTimers();
  }
});
