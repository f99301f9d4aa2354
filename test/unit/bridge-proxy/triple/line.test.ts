import { expect, test } from "vitest";
import { Line } from "../../../../src/bridge-proxy/triple/line.ts";

const named = (name: string) => ({ name, linePlace: -1 });
const anybody = () => true;

test("the first who came is the first, whoever leaves in between", () => {
  const line = new Line<ReturnType<typeof named>>();
  const [a, b, c] = [named("a"), named("b"), named("c")];
  for (const one of [a, b, c]) line.add(one);
  line.delete(b);
  line.delete(b);
  expect([line.size, line.all().map(({ name }) => name)]).toEqual([2, ["a", "c"]]);
  line.delete(a);
  expect([line.first(anybody), line.size]).toEqual([c, 1]);
  line.add(a);
  expect(line.first(({ name }) => name === "a")).toBe(a);
  expect(line.all()).toEqual([c, a]);
});

test("one who is in no line, or in another, is not taken out", () => {
  const [line, other] = [new Line<ReturnType<typeof named>>(), new Line<ReturnType<typeof named>>()];
  const [a, b] = [named("a"), named("b")];
  line.add(a);
  other.add(b);
  line.delete(b);
  line.delete(named("c"));
  expect([line.size, other.size, b.linePlace]).toEqual([1, 1, 0]);
});

test("ten thousand come and go, and the line agrees with a list at each step", () => {
  const line = new Line<ReturnType<typeof named>>();
  const list: ReturnType<typeof named>[] = [];
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return seed % below;
  };
  for (let step = 0; step < 10_000; step++) {
    if (random(100) < 52 || list.length === 0) {
      const one = named(String(step));
      line.add(one);
      list.push(one);
    } else {
      const index = random(3) === 0 ? random(list.length) : 0;
      line.delete(list.splice(index, 1)[0]!);
    }
    expect([line.size, line.first(anybody)]).toEqual([list.length, list[0]]);
  }
  expect(line.all()).toEqual(list);
});

test("who waits counts in a budget that lines share", () => {
  const budget = { pending: 0 };
  const [one, two] = [new Line<ReturnType<typeof named>>(budget), new Line<ReturnType<typeof named>>(budget)];
  const [a, b] = [named("a"), named("b")];
  one.add(a);
  two.add(b);
  expect(budget.pending).toBe(2);
  one.delete(a);
  one.delete(a);
  two.delete(a);
  expect(budget.pending).toBe(1);
});
