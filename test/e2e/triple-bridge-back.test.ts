import { afterAll, beforeAll } from "vitest";
import { hosts, requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
import { testBridgedPairs } from "../support/triple-bridged.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Triple consumers of 3.2 and 3.3 call 2.6 and 2.7 providers, which know no Triple; the proxy between them translates.
let stage: TripleStage;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
});

afterAll(async () => {
  await stage?.close();
  await stopAll();
});

testBridgedPairs(() => stage, { speaks: "tri", lines: ["3.3", "3.2"] }, { speaks: "dubbo", lines: ["2.7", "2.6"] });
