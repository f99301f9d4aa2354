import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hosts, requireNamespace } from "../../support/netns.ts";
import { stopAll } from "../../support/process.ts";
import { startTripleStage, type TripleStage } from "../../support/triple-stage.ts";
import { startCallee } from "./callees.ts";
import { startCaller } from "./callers.ts";
import { cases } from "./cases.ts";
import { expectedFailures } from "./expected-failures.ts";
import { type BridgeCallee, type BridgeCaller, type CalleeName, callerNames } from "./peers.ts";

/** Every kind of caller calls these callees, one after the other, through one proxy. */
export function testBridge(callees: readonly CalleeName[]): void {
  const known = expectedFailures();
  let stage: TripleStage;
  let callers: readonly BridgeCaller[];

  beforeAll(async () => {
    requireNamespace();
    stage = await startTripleStage(hosts.trestle);
    callers = await Promise.all(callerNames.map((name) => startCaller(name, stage)));
  });

  afterAll(async () => {
    for (const caller of callers ?? []) await caller.stop();
    await stage?.close();
    await stopAll();
  });

  describe.each(callees)("the callee %s", (calleeName) => {
    let callee: BridgeCallee;

    beforeAll(async () => {
      callee = await startCallee(calleeName, stage);
      for (const caller of callers) caller.next();
    });

    afterAll(async () => {
      await callee?.stop();
    });

    describe.each(callerNames)("called by %s", (callerName) => {
      const listed = cases.filter((one) => one.applies(callerName, calleeName));
      test.each(listed.map((one) => [one.name, one] as const))("%s", async (name, one) => {
        const caller = callers.find((candidate) => candidate.name === callerName)!;
        const reason = known.get(`${callerName} ${calleeName} ${name}`);
        const run = one.run({ stage, caller, callee });
        if (reason === undefined) return run;
        await expect(run, `passes, though expected not to: ${reason}`).rejects.toThrow();
      });
    });
  });
}
