import { expect, test } from "vitest";
import { inPlace, messageOf, recordsOf, withTimes } from "../../../../../src/control/kubernetes/status/conditions.ts";

const finding = (message: string, at = "VirtualService shop/orders spec.hosts") =>
  ({ code: "TR0220", severity: "warning", at, message }) as const;

test("a message has the first findings, with the fields that they are about", () => {
  expect(messageOf([], "in force")).toBe("in force");
  expect(messageOf([finding("a"), finding("b", "VirtualService shop/orders")], "")).toBe(
    "TR0220 spec.hosts: a; TR0220 b",
  );
  const many = messageOf(
    Array.from({ length: 7 }, (_, i) => finding(`${i}`)),
    "",
  );
  expect(many).toMatch(/spec\.hosts: 4; 2 more findings$/);
  expect(messageOf([finding("x".repeat(100_000))], "").length).toBe(32_768);
});

test("a condition keeps its time while it says the same", () => {
  const one = { type: "A", status: "True", reason: "r", message: "m", observedGeneration: 2 } as const;
  const old = { type: "A", status: "True", lastTransitionTime: "then" };
  expect(withTimes([one], [old], "now")).toEqual([{ ...one, lastTransitionTime: "then" }]);
  expect(withTimes([one], [{ ...old, status: "False" }], "now")).toEqual([{ ...one, lastTransitionTime: "now" }]);
  expect(withTimes([one], [{ ...old, lastTransitionTime: 5 }], "now")[0]?.["lastTransitionTime"]).toBe("now");
});

test("of a list its objects count", () => {
  expect(recordsOf([{ a: 1 }, null, "x"])).toEqual([{ a: 1 }]);
  expect(recordsOf("x")).toEqual([]);
});

test("what is ours is replaced where it stood, more of it comes last, and less of it leaves no gap", () => {
  const isOurs = (one: string) => one.startsWith("o");
  expect(inPlace(["o1", "a", "o2", "b"], isOurs, ["o3", "o4", "o5"])).toEqual(["o3", "a", "o4", "b", "o5"]);
  expect(inPlace(["o1", "a", "o2"], isOurs, ["o3"])).toEqual(["o3", "a"]);
  expect(inPlace([], isOurs, ["o3"])).toEqual(["o3"]);
});
