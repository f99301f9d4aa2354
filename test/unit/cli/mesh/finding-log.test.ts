import { expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { FindingLog } from "../../../../src/cli/mesh/finding-log.ts";
import type { Finding } from "../../../../src/model/entry.ts";
import { finding } from "../../../../src/registry-sync/findings.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

function start() {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const state: { findings: readonly Finding[] } = { findings: [] };
  const log = new FindingLog(logger, clock, () => state.findings);
  return {
    log,
    /** The lines that these findings make, a second after they came. */
    linesOf(...findings: readonly Finding[]) {
      state.findings = findings;
      log.note();
      log.note();
      clock.advance(1_000);
      return lines.splice(0);
    },
  };
}

const own = finding("TR0110", "10.0.0.5:20880 is Trestle's own", "a.A");
const router = finding("TR0130", "a route:// node rules it", "b.B");

test("errors and warnings are logged once when they appear, and once when they are gone", () => {
  const { linesOf } = start();
  expect(linesOf(own, router)).toEqual([
    ["error", "a.A: 10.0.0.5:20880 is Trestle's own", { code: "TR0110" }],
    ["warn", "b.B: a route:// node rules it", { code: "TR0130" }],
  ]);
  expect(linesOf(own, router)).toEqual([]);
  expect(linesOf(router)).toEqual([["info", "a.A: no longer so: 10.0.0.5:20880 is Trestle's own", { code: "TR0110" }]]);
  expect(linesOf(own, router)).toHaveLength(1);
});

test("infos are not logged", () => {
  expect(start().linesOf(finding("TR0121", "at application level only", "a.A"))).toEqual([]);
});

test("a loss of which more is held meanwhile is one and the same finding", () => {
  const { linesOf } = start();
  expect(linesOf(finding("TR0150", "lost 6 of 10", "a.A"))).toHaveLength(1);
  expect(linesOf(finding("TR0150", "lost 7 of 10", "a.A"))).toEqual([]);
});

test("thousands at once are twenty lines and a count", () => {
  const { linesOf } = start();
  const many = Array.from({ length: 30_000 }, (_, index) =>
    finding("TR0101", "no URL", `/dubbo/a.A/providers/${index}`),
  );
  const lines = linesOf(...many);
  expect([lines.length, lines.at(-1)?.[1]]).toEqual([21, "9980 more findings; trestle rules --findings lists them"]);
  expect([linesOf().length, linesOf().length]).toEqual([21, 0]);
});

test("a closed log says nothing more", () => {
  const { log, linesOf } = start();
  log.close();
  expect(linesOf(own)).toEqual([]);
});
