import { beforeEach, expect, test } from "vitest";
import { Sessions } from "../../../../src/registry-sync/embedded/sessions.ts";

const start = 1_700_000_000_000;
let sessions: Sessions;

beforeEach(() => {
  let count = 0;
  sessions = new Sessions({ maxSessions: 2, minTimeoutMs: 1000, maxTimeoutMs: 10_000 }, start, (bytes) =>
    new Uint8Array(bytes).fill(++count),
  );
});

test.each([
  [10, 1000],
  [5000, 5000],
  [99_999, 10_000],
])("of %i ms asked, %i are granted", (asked, granted) => {
  expect(sessions.create(asked, start)?.timeoutMs).toBe(granted);
});

test("ids are positive, differ, and differ from those of an earlier start", () => {
  const [a, b] = [sessions.create(1000, start)!, sessions.create(1000, start)!];
  expect(a.id).toBeGreaterThan(0n);
  expect(a.id).toBeLessThan(2n ** 63n);
  expect(b.id).toBe(a.id + 1n);
  const later = new Sessions({ maxSessions: 2, minTimeoutMs: 1, maxTimeoutMs: 2 }, start + 1, () => new Uint8Array(16));
  expect(later.create(1, start)!.id).toBeGreaterThan(b.id);
});

test("a session ends when nothing was heard of it for its time-out", () => {
  const { id } = sessions.create(2000, start)!;
  expect(sessions.touch(id, start + 1999)).toBe(true);
  expect(sessions.expire(start + 3998)).toEqual([]);
  expect(sessions.expire(start + 3999).map((session) => session.id)).toEqual([id]);
  expect(sessions.touch(id, start + 4000)).toBe(false);
  expect(sessions.count).toBe(0);
});

test("a session is taken up again by its password alone", () => {
  const { id, password } = sessions.create(2000, start)!;
  expect(sessions.reopen(id, new Uint8Array(16), 2000, start)).toBeUndefined();
  expect(sessions.reopen(id, password.subarray(1), 2000, start)).toBeUndefined();
  expect(sessions.reopen(id + 1n, password, 2000, start)).toBeUndefined();
  expect(sessions.reopen(id, password, 3000, start + 1500)).toMatchObject({ id, dueMs: start + 4500 });
  expect(sessions.close(id)).toBe(true);
  expect(sessions.reopen(id, password, 3000, start + 1500)).toBeUndefined();
});

test("there are no more than there may be", () => {
  sessions.create(1000, start);
  sessions.create(1000, start);
  expect(sessions.create(1000, start)).toBeUndefined();
  expect([...sessions.all()]).toHaveLength(2);
});
