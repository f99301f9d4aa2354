import { expect, test } from "vitest";
import type { Authority } from "../../../../src/control/ca/authority.ts";
import {
  nextStepMs,
  rootOf,
  stepTrust,
  type Trust,
  takeAuthority,
  trustedRoots,
} from "../../../../src/control/ca/trust.ts";

/** Only the names of roots matter here; the last is the signing one. */
const authority = (...roots: string[]): Authority => ({
  issuer: { name: Buffer.alloc(0), key: undefined as never, keyId: Buffer.alloc(0) },
  intermediates: [],
  roots,
  notAfterMs: 1e15,
  revocations: "",
});
const at = (nowMs: number, issuedUntilMs = 10_000) => ({
  nowMs,
  issuedUntilMs,
  overlapMs: 100,
  revocationsOf: (one: Authority) => `list of ${rootOf(one)}`,
});
const show = (trust: Trust) => `${rootOf(trust.signing)} signs, ${trustedRoots(trust).join(" ")} trusted`;

test("a new root is trusted first, signs after the overlap, and the old one stays trusted while its leaves live", () => {
  let trust = takeAuthority(undefined, authority("old"), at(0));
  expect(show(trust)).toBe("old signs, old trusted");
  trust = takeAuthority(trust, authority("new"), at(1_000));
  expect(show(trust)).toBe("old signs, new old trusted");
  expect(nextStepMs(trust)).toBe(1_100);
  expect(stepTrust(trust, at(1_099))).toBe(trust);
  trust = stepTrust(trust, at(1_100));
  expect(show(trust)).toBe("new signs, old new trusted");
  expect(trust.retired).toEqual([{ root: "old", untilMs: 10_000, revocations: "list of old" }]);
  expect(nextStepMs(trust)).toBe(10_000);
  trust = stepTrust(trust, at(10_000));
  expect(show(trust)).toBe("new signs, new trusted");
  expect(nextStepMs(trust)).toBeUndefined();
});

test("files that are changed in the right order are followed at once", () => {
  let trust = takeAuthority(undefined, authority("old"), at(0));
  trust = takeAuthority(trust, authority("new", "old"), at(1_000));
  expect(show(trust)).toBe("old signs, new old trusted");
  trust = takeAuthority(trust, authority("old", "new"), at(2_000));
  expect(show(trust)).toBe("new signs, old new trusted");
  trust = takeAuthority(trust, authority("new"), at(3_000));
  expect(show(trust)).toBe("new signs, new trusted");
});

test("another intermediate below the same root signs at once", () => {
  const second = authority("root");
  const trust = takeAuthority(takeAuthority(undefined, authority("root"), at(0)), second, at(1_000));
  expect(trust.signing).toBe(second);
  expect(trust.next).toBeUndefined();
});

test("the next authority's files may change before its turn, and a third one takes its place", () => {
  let trust = takeAuthority(takeAuthority(undefined, authority("old"), at(0)), authority("new"), at(1_000));
  trust = takeAuthority(trust, authority("new"), at(1_050));
  expect(trust.next?.fromMs).toBe(1_100);
  trust = takeAuthority(trust, authority("third"), at(1_060));
  expect([show(trust), trust.next?.fromMs]).toEqual(["old signs, third old trusted", 1_160]);
});

test("a way back to the old root needs no second overlap", () => {
  let trust = takeAuthority(takeAuthority(undefined, authority("old"), at(0)), authority("new"), at(1_000));
  trust = stepTrust(trust, at(1_100));
  trust = takeAuthority(trust, authority("old"), at(1_200));
  expect(show(trust)).toBe("old signs, new old trusted");
});

test("an old root under which nothing lives is not kept", () => {
  const trust = takeAuthority(takeAuthority(undefined, authority("old"), at(0)), authority("new"), at(1_000));
  expect(show(stepTrust(trust, at(1_100, 1_100)))).toBe("new signs, new trusted");
});
