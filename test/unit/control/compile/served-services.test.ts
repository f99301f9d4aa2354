import { expect, test } from "vitest";
import { ServedServices } from "../../../../src/control/compile/served-services.ts";
import { entryOf } from "../../../support/rule-cases.ts";

const place = (address: string, port = 20880) => ({ address, port });
const one = entryOf("com.acme.A", ["tri://10.0.0.1:20880", "tri://10.0.0.2:20880", "dubbo://10.0.0.1:20880"]);
const two = entryOf("com.acme.B", ["tri://10.0.0.1:20880"]);

test("services stand where one of their endpoints does", () => {
  const served = new ServedServices();
  const entries = [two, one];
  expect(served.at(entries, [place("10.0.0.1")])).toEqual(["com.acme.A", "com.acme.B"]);
  expect(served.at(entries, [place("10.0.0.1"), place("10.0.0.2")])).toEqual(["com.acme.A", "com.acme.B"]);
  expect(served.at(entries, [place("10.0.0.2"), place("10.0.0.1", 1)])).toEqual(["com.acme.A"]);
  expect(served.at(entries, [place("10.0.0.3")])).toEqual([]);
});

test("a list that takes another's place is followed, and one that comes back, too", () => {
  const moved = entryOf("com.acme.A", ["tri://10.0.0.2:20880"]);
  const [before, after] = [
    [one, two],
    [moved, two],
  ];
  const served = new ServedServices();
  const seen = (entries: typeof before) => [
    served.at(entries, [place("10.0.0.1")]),
    served.at(entries, [place("10.0.0.2")]),
  ];
  const expected = [["com.acme.A", "com.acme.B"], ["com.acme.A"]];
  expect(seen(before)).toEqual(expected);
  expect(seen(after)).toEqual([["com.acme.B"], ["com.acme.A"]]);
  expect(seen([])).toEqual([[], []]);
  expect(seen(before)).toEqual(expected);
});

test("two that follow lists of their own know nothing of each other", () => {
  const [first, second] = [new ServedServices(), new ServedServices()];
  const [mine, other] = [[one], [two]];
  expect(first.at(mine, [place("10.0.0.1")])).toEqual(["com.acme.A"]);
  expect(second.at(other, [place("10.0.0.1")])).toEqual(["com.acme.B"]);
  expect(first.at(mine, [place("10.0.0.1")])).toEqual(["com.acme.A"]);
});
