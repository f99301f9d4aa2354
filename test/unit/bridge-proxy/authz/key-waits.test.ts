import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import {
  FAILED_MS,
  KEY_WAIT_MS,
  KeyWaits,
  MAX_WAITING,
  VAIN_MS,
} from "../../../../src/bridge-proxy/authz/key-waits.ts";

const ANY = () => true;

function stage() {
  const clock = new ManualClock(0);
  const told: string[] = [];
  const woken: string[] = [];
  const waits = new KeyWaits((issuer) => told.push(issuer), clock);
  /** False where it is refused at once. */
  const call = (mark: string, issuer = "i", timeLeftMs = 60_000, caller?: string) => {
    const later = waits.until({ issuer, mark });
    return later === undefined ? false : later(timeLeftMs, () => woken.push(mark), caller);
  };
  return { clock, told, woken, waits, call };
}

describe("a call waits", () => {
  test("until keys of its issuer come, who is asked once for all", () => {
    const { told, woken, waits, call } = stage();
    for (const mark of ["a", "b"]) call(mark);
    call("c", "j");
    expect(told).toEqual(["i", "j"]);
    waits.answered("i", "changed");
    expect(woken).toEqual([]);
    waits.keysCame("i", ANY);
    expect(woken).toEqual(["a", "b"]);
    expect(waits.size).toBe(1);
  });

  test("for its own key: another one that comes has its issuer asked once more", () => {
    const { told, woken, waits, call } = stage();
    for (const mark of ["a", "b"]) call(mark);
    waits.answered("i", "changed");
    waits.keysCame("i", (mark) => mark === "a");
    expect({ woken, told }).toEqual({ woken: ["a"], told: ["i", "i"] });
    // Keys may be here before the word that they changed.
    call("c");
    waits.keysCame("i", (mark) => mark === "b");
    expect({ woken, told }).toEqual({ woken: ["a", "b"], told: ["i", "i"] });
    waits.answered("i", "changed");
    expect(told.length).toBe(3);
    waits.answered("i", "same");
    expect(woken).toEqual(["a", "b", "c"]);
  });

  test("no longer than that may take, and four fifths of its caller's time", () => {
    const { clock, woken, call } = stage();
    call("long");
    call("short", "i", 1_000);
    clock.advance(799);
    expect(woken).toEqual([]);
    clock.advance(1);
    expect(woken).toEqual(["short"]);
    clock.advance(KEY_WAIT_MS - 801);
    expect(woken).toEqual(["short"]);
    clock.advance(1);
    expect(woken).toEqual(["short", "long"]);
  });

  test("no longer than it is wanted", () => {
    const { clock, woken, waits, call } = stage();
    const giveUp = call("a");
    if (giveUp !== false) giveUp();
    waits.keysCame("i", ANY);
    clock.advance(KEY_WAIT_MS);
    expect({ woken, size: waits.size }).toEqual({ woken: [], size: 0 });
  });

  test("for an answer to a question that is younger than itself", () => {
    const { clock, told, woken, waits, call } = stage();
    call("first");
    clock.advance(100);
    call("second");
    waits.answered("i", "same");
    expect({ woken, told }).toEqual({ woken: ["first"], told: ["i", "i"] });
    waits.answered("i", "same");
    expect(woken).toEqual(["first", "second"]);
  });

  test("for one answer, where the clock goes on while it is asked for", () => {
    let nowMs = 0;
    const woken: string[] = [];
    const waits = new KeyWaits(() => {}, { now: () => nowMs++, after: () => ({ cancel() {} }) });
    waits.until({ issuer: "i", mark: "a" })!(1_000, () => woken.push("a"));
    waits.answered("i", "same");
    expect(woken).toEqual(["a"]);
  });

  test("never where nobody can be told", () => {
    expect(new KeyWaits(undefined).until({ issuer: "i", mark: "a" })).toBeUndefined();
  });
});

describe("made-up keys cost little", () => {
  test("one that its issuer does not have is refused at once for a moment", () => {
    const { clock, told, waits, call } = stage();
    call("a");
    waits.answered("i", "same");
    expect([call("a"), told.length]).toEqual([false, 1]);
    expect([call("b"), call("a", "j")]).not.toContain(false);
    clock.advance(VAIN_MS);
    expect(call("a")).not.toBe(false);
  });

  test("a thousand calls wait at most", () => {
    const { waits, woken, call } = stage();
    for (let i = 0; i < MAX_WAITING; i++) call(`${i}`);
    call("one more");
    expect(woken).toEqual(["one more"]);
    expect(waits.counters).toEqual({ tokenKeyWaits: MAX_WAITING, tokenKeyWaitsRefused: 1 });
    waits.answered("i", "same");
    expect(waits.size).toBe(0);
    call("another");
    expect(waits.size).toBe(1);
  });

  test("of these each caller has its share: who has few takes the place of the oldest of who has most", () => {
    const { waits, woken, call } = stage();
    for (let i = 0; i < MAX_WAITING; i++) call(`${i}`, "i", 60_000, "flood");
    call("good 1", "i", 60_000, "b");
    const giveUp = call("good 2", "i", 60_000, "b");
    call("more", "i", 60_000, "flood");
    expect({ woken, size: waits.size }).toEqual({ woken: ["0", "1", "more"], size: MAX_WAITING });
    expect(waits.counters).toEqual({ tokenKeyWaits: MAX_WAITING + 2, tokenKeyWaitsRefused: 3 });
    if (giveUp !== false) giveUp();
    waits.keysCame("i", ANY);
    expect({ size: waits.size, good: woken.filter((mark) => mark.startsWith("good")) }).toEqual({
      size: 0,
      good: ["good 1"],
    });
  });

  test("a flood of as many callers as may wait shares with nobody", () => {
    const { woken, call } = stage();
    for (let i = 0; i < MAX_WAITING; i++) call(`${i}`, "i", 60_000, `c${i}`);
    call("one more", "i", 60_000, "b");
    expect(woken).toEqual(["one more"]);
  });

  test("calls that were let wait together, and are too many when they begin to, do not", () => {
    const { waits, woken, call } = stage();
    const later = waits.until({ issuer: "i", mark: "late" })!;
    for (let i = 0; i < MAX_WAITING; i++) call(`${i}`);
    later(1_000, () => woken.push("late"));
    expect(woken).toEqual(["late"]);
  });
});

describe("an issuer that cannot be asked", () => {
  test("holds up nobody after the first, and is asked again by and by", () => {
    const { clock, told, woken, waits, call } = stage();
    call("a");
    waits.answered("i", "failed");
    expect(woken).toEqual(["a"]);
    expect([call("a"), call("b"), told.length]).toEqual([false, false, 1]);
    clock.advance(1_000);
    expect([call("a"), told.length]).toEqual([false, 2]);
    waits.answered("i", "failed");
    clock.advance(FAILED_MS);
    expect(call("a")).not.toBe(false);
  });

  test.each(["same", "changed"] as const)("may be waited for as soon as it can be asked: %s", (found) => {
    const { clock, waits, call } = stage();
    call("a");
    waits.answered("i", "failed");
    clock.advance(1_000);
    call("a");
    waits.answered("i", found);
    expect(call("b")).not.toBe(false);
  });

  test("or as soon as keys of it come", () => {
    const { waits, call } = stage();
    call("a");
    waits.answered("i", "failed");
    waits.keysCame("i", ANY);
    expect(call("b")).not.toBe(false);
  });
});

test("an issuer of which nothing was heard is asked for again, and what was not asked for changes nothing", () => {
  const { clock, told, waits, call } = stage();
  call("a");
  clock.advance(29_999);
  call("b");
  expect(told.length).toBe(1);
  clock.advance(1);
  call("c");
  waits.answered("j", "same");
  expect(told.length).toBe(2);
});
