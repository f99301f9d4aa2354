import { expect, test } from "vitest";
import { DELTA_WINDOW_MS, ShownHistory } from "../../../../../src/registry-sync/facades/eureka/history.ts";
import { realList } from "../../../../../src/registry-sync/present/eureka.ts";
import { applicationsDocument, type GivenInstance } from "../../../../support/eureka-documents.ts";

const one: GivenInstance = { app: "a", host: "10.0.0.1", port: 1 };
const two: GivenInstance = { app: "a", host: "10.0.0.2", port: 1 };
const list = (...given: readonly GivenInstance[]) => realList(applicationsDocument(given).applications);
const told = (history: ShownHistory, nowMs: number) =>
  history.changes(nowMs).map(({ action, instance }) => `${action} ${instance.id} ${instance.status}`);

test("what is added, changed and gone is told, of each instance the last, for as long as the window", () => {
  const history = new ShownHistory();
  history.take(list(one), 0);
  expect([told(history, 0), history.version]).toEqual([[], 1]);
  history.take(list(one, two), 1_000);
  history.take(list({ ...one, status: "DOWN" }, two), 2_000);
  history.take(list({ ...one, status: "DOWN" }), 3_000);
  expect(told(history, 3_000)).toEqual(["MODIFIED 10.0.0.1:a:1 DOWN", "DELETED 10.0.0.2:a:1 UP"]);
  expect(history.version).toBe(4);
  expect(told(history, 2_000 + DELTA_WINDOW_MS)).toEqual(["DELETED 10.0.0.2:a:1 UP"]);
  expect(told(history, 3_000 + DELTA_WINDOW_MS)).toEqual([]);
});

test("renewals and times alone are no change", () => {
  const history = new ShownHistory();
  history.take(list(one), 0);
  history.take(
    list({
      ...one,
      raw: { leaseInfo: { lastRenewalTimestamp: 5 }, lastUpdatedTimestamp: "9", lastDirtyTimestamp: "8" },
    }),
    1,
  );
  expect([told(history, 1), history.version]).toEqual([[], 1]);
});

test("too many changes are not told, and from when on they are not is known", () => {
  const history = new ShownHistory(2);
  history.take(list(), 0);
  expect(history.lostMs).toBe(Number.NEGATIVE_INFINITY);
  history.take(list(one, two, { ...one, port: 3 }), 7);
  expect([told(history, 7), history.lostMs]).toEqual([[], 7]);
});
