import { stageForFile } from "../support/file-stage.ts";
import { testBridgedPairs } from "../support/triple-bridged.ts";
import type { TripleStage } from "../support/triple-stage.ts";

// Unmodified 2.6 consumers call providers that speak Triple alone; the proxy between them translates. 2.7's are in the bridge matrix.
let stage: TripleStage;

stageForFile((opened) => {
  stage = opened;
});

testBridgedPairs(() => stage, { speaks: "dubbo", lines: ["2.6"] }, { speaks: "tri", lines: ["3.3", "3.2"] });
