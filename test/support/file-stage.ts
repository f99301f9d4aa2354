import { afterAll, beforeAll } from "vitest";
import { hosts, requireNamespace } from "./netns.ts";
import { stopAll } from "./process.ts";
import { startTripleStage, type TripleStage } from "./triple-stage.ts";

/** Gives all tests of a file one proxy among real peers: opened before the first test, closed with all peers after the last. */
export function stageForFile(take: (stage: TripleStage) => void): void {
  let stage: TripleStage | undefined;

  beforeAll(async () => {
    requireNamespace();
    stage = await startTripleStage(hosts.trestle);
    take(stage);
  });

  afterAll(async () => {
    await stage?.close();
    await stopAll();
  });
}
