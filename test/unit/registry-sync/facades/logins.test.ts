import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { StandingLogins } from "../../../../src/registry-sync/facades/logins.ts";

function stage() {
  const clock = new ManualClock();
  const standing = new StandingLogins(clock, 1_000);
  const there: string[] = [];
  const heard = (key: string, isKnown = true) =>
    standing.heard(key, () => {
      there.push(key);
      return isKnown ? () => void there.splice(there.indexOf(key), 1) : undefined;
    });
  return { clock, standing, there, heard };
}

test("a login stands until nothing was heard of it for a while, and is asked for once meanwhile", () => {
  const { clock, there, heard } = stage();
  heard("a");
  clock.advance(600);
  heard("a");
  heard("b");
  clock.advance(600);
  expect(there).toEqual(["a", "b"]);
  heard("b");
  clock.advance(600);
  expect(there).toEqual(["b"]);
  clock.advance(1_000);
  expect(there).toEqual([]);
  heard("a");
  expect(there).toEqual(["a"]);
});

test("who is nobody is not asked about again for as long", () => {
  const { clock, there, heard } = stage();
  heard("a", false);
  heard("a", false);
  expect(there).toEqual(["a"]);
  clock.advance(1_000);
  heard("a", false);
  expect(there).toEqual(["a", "a"]);
});

test("over the limit the one that was heard of least lately goes; all go at the end", () => {
  const { standing, there, heard } = stage();
  for (let i = 0; i < 20_001; i++) heard(`${i}`);
  expect(there.length).toBe(20_000);
  expect(there[0]).toBe("1");
  standing.close();
  expect(there).toEqual([]);
});
