import { afterAll, beforeAll } from "vitest";
import { hosts, requireNamespace } from "../support/netns.ts";
import { stopAll } from "../support/process.ts";
import { testBridgedPairs } from "../support/triple-bridged.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Unmodified 2.6 consumers call providers that speak Triple alone; the proxy between them translates. 2.7's are in the bridge matrix.
let stage: TripleStage;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
});

afterAll(async () => {
  await stage?.close();
  await stopAll();
});

testBridgedPairs(() => stage, { speaks: "dubbo", lines: ["2.6"] }, { speaks: "tri", lines: ["3.3", "3.2"] });
