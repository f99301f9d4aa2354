import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type Consumer, startConsumer, startProvider, surprises } from "../support/dubbo.ts";
import { stageForFile } from "../support/file-stage.ts";
import type { Peer } from "../support/process.ts";
import { testBridgedPairs } from "../support/triple-bridged.ts";
import { testCalls } from "../support/triple-cases.ts";
import { endpoint, javaServices, provided, service, tripleDifferences } from "../support/triple-services.ts";
import type { TripleStage } from "../support/triple-stage.ts";

// Dubbo 3.1, which answers exceptions in a form of its own: carried, and translated both ways.
let stage: TripleStage;

stageForFile((opened) => {
  stage = opened;
});

testBridgedPairs(() => stage, { speaks: "dubbo", lines: ["2.7"] }, { speaks: "tri", lines: ["3.1"] });
testBridgedPairs(() => stage, { speaks: "tri", lines: ["3.1"] }, { speaks: "dubbo", lines: ["2.7"] });

describe("a 3.1 Triple provider behind the proxy", () => {
  const label = "tri-3.1";
  let provider: Peer;

  beforeAll(async () => {
    provider = await startProvider("3.1", { ...provided, protocol: "tri", label });
    await stage.apply(javaServices([endpoint("tri")]));
  });

  afterAll(async () => {
    await provider?.stop(3_000);
  });

  describe("called by a 3.1 consumer", () => {
    const known = tripleDifferences("3.1", "3.1");
    let consumer: Consumer;

    beforeAll(async () => {
      consumer = await startConsumer("3.1", { ...service, url: stage.url });
    });

    afterAll(async () => {
      await consumer?.stop();
    });

    testCalls(() => ({ stage, consumer, url: stage.url, label, providerLine: "3.1", known }));
  });

  test("a 3.3 consumer gets its values, and its exceptions as they are: a status, and details with class and stack", async () => {
    const consumer = await startConsumer("3.3", { ...service, url: stage.url });
    onTestFinished(() => consumer.stop());
    expect(surprises(await consumer.suite(), tripleDifferences("3.3", "3.1"))).toEqual([]);
    const { error } = await consumer.ask({ op: "call", method: "fail", arg: "checked" });
    expect(error).toMatch(/UNKNOWN : no such order\s+com\.acme\.OrderException: no such order\s+at peer\.Orders\.fail/);
  });
});
