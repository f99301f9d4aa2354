import { expect, test } from "vitest";
import { ManualClock } from "../../../../../src/base/clock.ts";
import { Refusals } from "../../../../../src/registry-sync/facades/zookeeper/refusals.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";

test("a registry that closes connections is told once, with the setting to look at, and once when it is over", () => {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const refusals = new Refusals(clock, logger);
  refusals.accepted();
  expect(lines).toEqual([]);
  refusals.refused("10.0.0.1:2181", 60);
  refusals.refused("10.0.0.1:2181", 60);
  expect(lines).toEqual([
    ["warn", expect.stringContaining("maxClientCnxns"), { server: "10.0.0.1:2181", sessions: 60 }],
  ]);
  clock.advance(9_999);
  refusals.accepted();
  expect(lines).toHaveLength(1);
  clock.advance(1);
  refusals.accepted();
  refusals.accepted();
  expect(lines.slice(1)).toEqual([["info", "registry answers clients' connections again", {}]]);
  refusals.refused("10.0.0.1:2181", 60);
  expect(lines).toHaveLength(3);
});

test("one at its limit, which takes a client whenever another went, is not told again and again", () => {
  const clock = new ManualClock();
  const { logger, lines } = recordingLogger();
  const refusals = new Refusals(clock, logger);
  for (let second = 0; second < 60; second++) {
    refusals.refused("10.0.0.1:2181", 60);
    refusals.accepted();
    clock.advance(1_000);
  }
  expect(lines).toHaveLength(1);
});
