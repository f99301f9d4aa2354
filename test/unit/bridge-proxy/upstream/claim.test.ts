import { expect, test, vi } from "vitest";
import { OK } from "../../../../src/bridge-proxy/policies/outcome.ts";
import { Claim } from "../../../../src/bridge-proxy/upstream/claim.ts";
import type { Cluster } from "../../../../src/bridge-proxy/upstream/cluster.ts";
import type { EndpointRecord } from "../../../../src/bridge-proxy/upstream/records.ts";

function stage() {
  const said: unknown[] = [];
  const record = {
    answered: (outcome: unknown, tookMs: number, wallMs: number) => said.push(["answered", outcome, tookMs, wallMs]),
    failed: (reason: string, tookMs: number, wallMs: number) => said.push([reason, tookMs, wallMs]),
  } as unknown as EndpointRecord;
  const cluster = { waiting: 0, retrying: 0, recent: undefined, mayRetry: () => true };
  const context = { nowMs: 10, originMs: 1_000, counters: { retryOverflows: 0 } };
  const claim = new Claim(context as unknown as ConstructorParameters<typeof Claim>[0]);
  const host = { isPassedOver: false };
  const begin = () => claim.begin(cluster as unknown as Cluster, { record, host });
  const retry = () => claim.retry(cluster as unknown as Cluster);
  return { said, cluster, context, claim, host, begin, retry };
}

test("a try counts as waiting until it ends, and is said to have ended once", () => {
  const { said, cluster, context, claim, begin } = stage();
  begin();
  expect(cluster.waiting).toBe(1);
  context.nowMs = 15;
  claim.answered(OK);
  claim.failed("reset");
  claim.end();
  expect([cluster.waiting, said]).toEqual([0, [["answered", OK, 5, 1_015]]]);
});

test("a try takes as long as its answer's head does, or until it failed", () => {
  const { said, context, claim, begin } = stage();
  begin();
  context.nowMs = 12;
  claim.answerBegan();
  context.nowMs = 500;
  claim.answerBegan();
  claim.answered(OK);
  begin();
  context.nowMs = 507;
  claim.failed("timeout");
  expect(said).toEqual([
    ["answered", OK, 2, 1_500],
    ["timeout", 7, 1_507],
  ]);
});

test("nothing is said of a try that ended by nobody's fault, or of a cluster that does not ask", () => {
  const { said, cluster, claim, host, begin } = stage();
  begin();
  claim.end();
  claim.begin(cluster as unknown as Cluster, { record: undefined, host });
  claim.answered(OK);
  expect([cluster.waiting, said]).toEqual([0, []]);
});

test("a copy takes no call's place, and counts what its provider does", () => {
  const { said, cluster, claim, host } = stage();
  const record = { failed: (reason: string) => said.push(reason) } as unknown as EndpointRecord;
  const copies = { tries: 0 };
  claim.begin(cluster as unknown as Cluster, { record, host }, copies);
  expect([cluster.waiting, copies.tries]).toEqual([0, 1]);
  claim.failed("timeout");
  expect([cluster.waiting, copies.tries, said]).toEqual([0, 0, ["timeout"]]);
});

test("a try that goes elsewhere, as connecting takes long, is no failure of its provider", () => {
  const { said, cluster, claim, host, begin } = stage();
  begin();
  host.isPassedOver = true;
  claim.failed("connect_failure");
  host.isPassedOver = false;
  expect([cluster.waiting, said]).toEqual([0, []]);
  begin();
  claim.failed("connect_failure");
  expect(said).toEqual([["connect_failure", 0, 1_010]]);
});

test("a retry counts from when it is decided until its try ends", () => {
  const { cluster, claim, begin, retry } = stage();
  begin();
  claim.failed("reset");
  expect([retry(), cluster.retrying]).toEqual([true, 1]);
  begin();
  expect(cluster.retrying).toBe(1);
  claim.failed("reset");
  expect(cluster.retrying).toBe(0);
  retry();
  claim.close();
  claim.close();
  expect([cluster.retrying, cluster.waiting]).toEqual([0, 0]);
});

test("a call is counted among those that began lately, its retries and copies are not", () => {
  const { cluster, begin, claim, retry } = stage();
  const add = vi.fn();
  (cluster as { recent: unknown }).recent = { add };
  begin();
  claim.failed("reset");
  retry();
  begin();
  expect(add).toHaveBeenCalledTimes(1);
});

test("a retry over the cluster's limit is refused and counted", () => {
  const { cluster, context, retry } = stage();
  cluster.mayRetry = () => false;
  expect([retry(), cluster.retrying, context.counters.retryOverflows]).toEqual([false, 0, 1]);
});
