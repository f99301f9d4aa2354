import { expect, test } from "vitest";
import { UNKNOWN_WAIT_MS, UnknownCalls } from "../../../src/bridge-proxy/unknown.ts";

function callOf(log: string[], name: string, known: () => boolean, bytes = 10) {
  return {
    bytes,
    attempt: () => {
      if (known()) log.push(`${name} goes on`);
      return known();
    },
    giveUp: () => void log.push(`${name} ends`),
  };
}

test("a call goes on when its service becomes known, and not twice", () => {
  const log: string[] = [];
  let known = false;
  const calls = new UnknownCalls();
  calls.hold(
    callOf(log, "a", () => known),
    0,
  );
  calls.changed();
  known = true;
  calls.changed();
  calls.changed();
  calls.expire(2 * UNKNOWN_WAIT_MS);
  expect([log, calls.size]).toEqual([["a goes on"], 0]);
});

test("a call whose service stays unknown ends after its time, a later one after its own", () => {
  const log: string[] = [];
  const calls = new UnknownCalls();
  calls.hold(
    callOf(log, "a", () => false),
    0,
  );
  calls.hold(
    callOf(log, "b", () => false),
    100,
  );
  calls.changed();
  calls.expire(UNKNOWN_WAIT_MS - 1);
  expect(log).toEqual([]);
  calls.expire(UNKNOWN_WAIT_MS);
  expect([log, calls.size]).toEqual([["a ends"], 1]);
  calls.expire(UNKNOWN_WAIT_MS + 100);
  expect([log, calls.size]).toEqual([["a ends", "b ends"], 0]);
});

test("too many calls, and too many bytes, are not kept", () => {
  const calls = new UnknownCalls();
  for (let i = 0; i < 1_000; i++)
    expect(
      calls.hold(
        callOf([], "a", () => false),
        0,
      ),
    ).toBe(true);
  expect(
    calls.hold(
      callOf([], "a", () => false),
      0,
    ),
  ).toBe(false);
  const large = new UnknownCalls();
  expect(
    large.hold(
      callOf([], "a", () => false, 16 * 1024 * 1024),
      0,
    ),
  ).toBe(true);
  expect(
    large.hold(
      callOf([], "a", () => false, 1),
      0,
    ),
  ).toBe(false);
  large.expire(UNKNOWN_WAIT_MS);
  expect(
    large.hold(
      callOf([], "a", () => false, 1),
      0,
    ),
  ).toBe(true);
});
