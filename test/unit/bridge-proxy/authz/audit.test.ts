import { expect, test } from "vitest";
import { AuthzStats, LINES_A_SECOND } from "../../../../src/bridge-proxy/authz/audit.ts";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

const facts = { peer: peerFrom("10.0.0.1", { trustDomain: "t", namespace: "a", serviceAccount: "b" }), path: "/A/get" };

test("lines are few in a second, counts are of all", () => {
  const { logger, lines } = recordingLogger();
  let nowMs = 0;
  const stats = new AuthzStats(logger, () => nowMs);
  for (let i = 0; i < LINES_A_SECOND + 5; i++) stats.denied("p", facts);
  stats.audited("q", facts);
  expect(stats.counters).toMatchObject({ authzDenied: LINES_A_SECOND + 5, authzAudited: 1, authzLinesLeftOut: 5 });
  expect(lines).toHaveLength(LINES_A_SECOND + 1);
  nowMs = 1_000;
  stats.denied("", facts);
  expect(lines.at(-1)).toEqual([
    "info",
    "call denied",
    { policy: "none allows it", path: "/A/get", from: "10.0.0.1", principal: "spiffe://t/ns/a/sa/b" },
  ]);
});

test("what is on trial is counted by action and outcome", () => {
  const stats = new AuthzStats(recordingLogger().logger, () => 0);
  stats.dryRun("deny", true);
  stats.dryRun("deny", false);
  stats.dryRun("allow", true);
  stats.dryRun("allow", false);
  expect(stats.counters).toMatchObject({
    dryRunDenyDenied: 1,
    dryRunDenyAllowed: 1,
    dryRunAllowDenied: 1,
    dryRunAllowAllowed: 1,
  });
});
