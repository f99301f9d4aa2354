import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { StandingLogins } from "../../../../src/registry-sync/facades/logins.ts";

function stage() {
  const clock = new ManualClock();
  const standing = new StandingLogins(clock, 1_000);
  const asked: string[] = [];
  const there = new Set<string>();
  const heard = (key: string, isKnown = true) =>
    standing.heard(key, () => {
      asked.push(key);
      const entered = { isSomebody: isKnown, leave: () => void there.delete(key) };
      there.add(key);
      return entered;
    });
  return { clock, standing, asked, there, heard };
}

test("a login stands until nothing was heard of it for a while, and is asked for once meanwhile", () => {
  const { clock, asked, there, heard } = stage();
  heard("a");
  clock.advance(600);
  heard("a");
  heard("b");
  clock.advance(600);
  expect([...there]).toEqual(["a", "b"]);
  heard("b");
  clock.advance(600);
  expect([...there]).toEqual(["b"]);
  clock.advance(1_000);
  expect(there.size).toBe(0);
  heard("a");
  expect(asked).toEqual(["a", "b", "a"]);
});

test("who is nobody is not asked about again for as long", () => {
  const { clock, asked, heard } = stage();
  heard("a", false);
  heard("a", false);
  expect(asked).toEqual(["a"]);
  clock.advance(1_000);
  heard("a", false);
  expect(asked).toEqual(["a", "a"]);
});

test("logins that make nobody anybody take no place from those that do, however many they are", () => {
  const { asked, there, heard } = stage();
  heard("good");
  for (let i = 0; i < 30_000; i++) heard(`bad ${i}`, false);
  expect(there.size).toBe(1 + 5_000);
  expect(there.has("good")).toBe(true);
  expect(there.has("bad 24999")).toBe(false);
  expect(there.has("bad 25000")).toBe(true);
  heard("good");
  expect(asked).toHaveLength(30_001);
});

test("who is found to be somebody later, or to be so no longer, has a place among his like", () => {
  const { clock, standing, there, heard } = stage();
  const entered = { isSomebody: false, leave: () => void there.delete("later") };
  const later = () => standing.heard("later", () => entered);
  there.add("later");
  later();
  entered.isSomebody = true;
  later();
  for (let i = 0; i < 6_000; i++) heard(`bad ${i}`, false);
  expect(there.has("later")).toBe(true);
  entered.isSomebody = false;
  later();
  for (let i = 0; i < 6_000; i++) heard(`worse ${i}`, false);
  expect(there.has("later")).toBe(false);
  clock.advance(1_000);
  expect(there.size).toBe(0);
});

test("over the limit the one that was heard of least lately goes; all go at the end", () => {
  const { standing, there, heard } = stage();
  for (let i = 0; i < 20_001; i++) heard(`${i}`);
  heard("bad", false);
  expect(there.size).toBe(20_001);
  expect(there.has("0")).toBe(false);
  standing.close();
  expect(there.size).toBe(0);
});
