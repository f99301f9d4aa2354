import { afterAll, beforeAll, expect, test } from "vitest";
import { runH2spec } from "../support/h2spec.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

let stage: TripleStage;

beforeAll(async () => {
  stage = await startTripleStage("127.0.0.1");
});

afterAll(() => stage.close());

test.each([
  ["plain", [] as string[], 145],
  ["strict", ["--strict"], 146],
])("the proxy's tri listener passes all cases of h2spec, %s", async (_name, flags, cases) => {
  const summary = (await runH2spec(stage.port, flags)).trim().split("\n");
  expect(summary.slice(-40)).toContainEqual(
    expect.stringMatching(new RegExp(`^${cases} tests, ${cases} passed, 0 skipped, 0 failed`)),
  );
});
