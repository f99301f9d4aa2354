import { expect, test } from "vitest";
import type { Denial } from "../../../../src/bridge-proxy/authz/asked.ts";
import type { Ruling } from "../../../../src/bridge-proxy/authz/checkpoint.ts";
import type { Question, Subject } from "../../../../src/bridge-proxy/authz/question.ts";
import type { Target } from "../../../../src/bridge-proxy/route.ts";
import { clear } from "../../../../src/bridge-proxy/triple/clear.ts";
import { laneOf } from "../../../../src/bridge-proxy/triple/lanes.ts";
import { fieldValue } from "../../../../src/codecs/fields.ts";
import { guardedConfig } from "../../../support/guarded-routes.ts";

const fields = [
  ":method",
  "POST",
  ":path",
  "/com.acme.A/get?q=1",
  ":authority",
  "a:1",
  "content-type",
  "application/grpc",
  "x",
  "1",
];
const lane = laneOf(guardedConfig({ "com.acme.A": {} }), "10.0.0.1", fields, undefined);
const target = lane.route!.targets[0]!;
const denial: Denial = { reason: "denied", message: "no", policy: "p" };

function cleared(ruling: Ruling | undefined) {
  const said: unknown[] = [];
  const call = { ruling, lane, decision: lane.decision!, route: lane.route!, target, fields, header: lane.header };
  const stop = clear(
    { ...call, timeLeftMs: 7 },
    (to, sent) => said.push(["go", to, fieldValue(sent, "x")]),
    (why) => said.push(why),
  );
  return { said, stop };
}

const opened = (opening: object): Ruling => ({
  denial: undefined,
  denied: undefined,
  open: new Map([[target, { changes: undefined, question: undefined, ...opening }]]),
});

test("a call that policies say nothing of goes on as it is, and so do its like", () => {
  expect(cleared(undefined)).toEqual({ said: [["go", target, "1"]], stop: undefined });
  expect(lane.sent!.size).toBe(1);
});

test("one that is kept from its destination is refused", () => {
  expect(cleared({ denial: undefined, denied: new Map([[target, denial]]) }).said).toEqual([denial]);
});

test("changes are of this call alone", () => {
  const changes = { set: [["x", "2"]] as const, add: [], remove: [] };
  const { said } = cleared(opened({ changes }));
  expect(said).toMatchObject([["go", { of: target }, "2"]]);
  expect(lane.sent!.size).toBe(1);
  expect(cleared(opened({ changes: { ...changes, set: [["x", "a\u0000"]] } })).said).toMatchObject([
    { code: "invalid_argument" },
  ]);
});

test("a server is told of the head, and the call waits for its word", () => {
  let asked: Subject | undefined;
  let stopped = 0;
  let settle: Parameters<Question["ask"]>[1] | undefined;
  const question: Question = {
    ask: (subject, done) => {
      asked = subject;
      settle = done;
      return () => stopped++;
    },
    settle: () => undefined,
    with: () => question,
  };
  const { said, stop } = cleared(opened({ question }));
  expect(said).toEqual([]);
  expect(asked).toMatchObject({
    timeLeftMs: 7,
    text: { method: "POST", host: "a:1", query: "q=1", size: -1, protocol: "HTTP/2" },
  });
  expect(asked!.text.headers.get("x")).toBe("1");
  settle!({ denial });
  expect(said).toEqual([denial]);
  stop!();
  expect(stopped).toBe(1);
});

test("policies behind a server read what it was told of as those before it do", () => {
  const askedOf = (...more: readonly string[]): Subject => {
    const asked: Subject[] = [];
    const question = { ask: (subject: Subject) => () => asked.push(subject) };
    const said = [...fields.slice(0, 6), ...more];
    const own = laneOf(lane.config, "10.0.0.1", said, undefined);
    const call = { ruling: opened({ question }), lane: own, decision: own.decision!, route: own.route!, target };
    const never = () => {};
    clear({ ...call, fields: said, header: own.header, timeLeftMs: 7 }, never, never)!();
    return asked[0]!;
  };
  const grpc = askedOf("content-type", "application/grpc", "x", "1", "x", "2");
  expect(() => grpc.header("x")).toThrow(/stands there twice/);
  expect(grpc.text.headers.get("x")).toBe("1,2");
  const json = askedOf("content-type", "application/json", "dubbo-arg-0", "1");
  expect(() => json.header("dubbo-arg-0")).toThrow(/gRPC/);
});

test("a destination that stands for another one is counted as that", () => {
  const { said } = cleared(opened({ changes: { set: [], add: [], remove: ["x"] } }));
  expect(((said[0] as unknown[])[1] as Target).of).toBe(target);
});
