import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { Burdens } from "../../../../src/registry-sync/facades/burdens.ts";

function stage(maxBytes: number) {
  const clock = new ManualClock();
  const burdens = new Burdens(maxBytes, () => clock.now());
  const cut: string[] = [];
  const open = (name: string) => {
    const burden = burdens.open(() => {
      cut.push(name);
      burden.end();
    });
    return burden;
  };
  return { clock, burdens, cut, open };
}

test("below the limit nobody is cut off, and what ended is not counted", () => {
  const { burdens, cut, open } = stage(100);
  for (let i = 0; i < 50; i++) {
    const burden = open(`${i}`);
    burden.add(60);
    burden.add(40);
    burden.end();
    burden.add(1_000);
  }
  expect([burdens.bytes, cut]).toEqual([0, []]);
});

test("over the limit it is who has had the most for the longest, until an eighth is free", () => {
  const { clock, burdens, cut, open } = stage(1_000);
  open("old and large").set(500);
  open("old and small").set(10);
  clock.advance(10_000);
  open("new and large").set(400);
  clock.advance(1);
  const own = open("own");
  own.set(95);
  expect(cut).toEqual(["old and large"]);
  expect(burdens.bytes).toBe(505);
  own.set(0);
  expect(burdens.bytes).toBe(410);
});

test("one that is over the limit by itself is cut off, and others with it only where they are in the way", () => {
  const { burdens, cut, open } = stage(1_000);
  open("small").set(10);
  open("huge").set(5_000);
  expect([cut, burdens.bytes]).toEqual([["huge"], 10]);
});

test("nothing more is kept for one that was cut off", () => {
  const { burdens, cut, open } = stage(1_000);
  const huge = open("huge");
  expect(huge.isOver).toBe(false);
  huge.add(5_000);
  expect(huge.isOver).toBe(true);
  huge.add(5_000);
  expect([cut, burdens.bytes]).toEqual([["huge"], 0]);
});

test("time counts from when there was something", () => {
  const { clock, cut, open } = stage(1_000);
  const idle = open("idle for long");
  clock.advance(60_000);
  open("holds").set(300);
  clock.advance(5_000);
  idle.set(701);
  expect(cut).toEqual(["holds"]);
});
