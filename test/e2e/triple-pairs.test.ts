import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, startConsumer, startProvider } from "../support/dubbo.ts";
import { stageForFile } from "../support/file-stage.ts";
import { eventually, type Peer } from "../support/process.ts";
import { testCalls } from "../support/triple-cases.ts";
import { endpoint, javaServices, provided, service, tripleDifferences } from "../support/triple-services.ts";
import type { TripleStage } from "../support/triple-stage.ts";

// Dubbo 3.2 and 3.3 over Triple, both sides real, the proxy between them: interface style (wrapped Java objects) and protobuf.
const lines = ["3.3", "3.2"] as const;
let stage: TripleStage;

stageForFile((opened) => {
  stage = opened;
});

describe.each(lines)("a %s Triple provider behind the proxy", (providerLine) => {
  const label = `tri-${providerLine}`;
  let provider: Peer;

  beforeAll(async () => {
    provider = await startProvider(providerLine, { ...provided, protocol: "tri", streams: true, label });
    await stage.apply(javaServices([endpoint("tri")]));
  });

  afterAll(async () => {
    await provider?.stop(3_000);
  });

  describe.each(lines)("called by a %s consumer", (consumerLine) => {
    const known = tripleDifferences(consumerLine, providerLine);
    let consumer: Consumer;

    beforeAll(async () => {
      consumer = await startConsumer(consumerLine, { ...service, url: stage.url });
    });

    afterAll(async () => {
      await consumer?.stop();
    });

    testCalls(() => ({ stage, consumer, url: stage.url, label, providerLine, known }));

    test("Java objects stream each way", async () => {
      const ids = (count: number) => Array.from({ length: count }, (_, id) => `${id}@${label}`);
      expect(await consumer.stream({ kind: "orders", count: 50 })).toEqual({ values: ids(50), ended: "completed" });
      expect(await consumer.stream({ kind: "orders", count: 0 })).toEqual({ values: [], ended: "completed" });
      const collected = { values: [`${label}: 0,1,2,3,4`], ended: "completed" };
      expect(await consumer.stream({ kind: "collect", count: 5 })).toEqual(collected);
      expect(await consumer.stream({ kind: "review", count: 20 })).toEqual({ values: ids(20), ended: "completed" });
    });

    test("protobuf messages stream each way", async () => {
      expect(await consumer.stream({ kind: "say", text: "hi \u00e9" })).toMatchObject({
        values: [`${label}: hi \u00e9`],
      });
      const counted = [0, 1, 2].map((n) => `${label} ${n}`);
      expect(await consumer.stream({ kind: "count", count: 3 })).toEqual({ values: counted, ended: "completed" });
      expect(await consumer.stream({ kind: "sum", count: 5 })).toEqual({
        values: [`${label}: 10`],
        ended: "completed",
      });
      const talked = [0, 1, 2].map((n) => `${label}: hello ${n}`);
      expect(await consumer.stream({ kind: "talk", text: "hello" })).toEqual({ values: talked, ended: "completed" });
    });

    test("streams and protobuf calls end with the provider's error", async () => {
      const refused = await consumer.stream({ kind: "review", count: 3, refuse: true });
      expect(refused.ended).toMatch(/UNKNOWN : order 2 refused/);
      const failed = await consumer.stream({ kind: "talk", text: "fail 9 no talk" });
      expect(failed.ended).toMatch(/FAILED_PRECONDITION.*no talk/);
      await expect(consumer.stream({ kind: "say", text: "fail 7 not you" })).rejects.toThrow(
        /PERMISSION_DENIED.*not you/,
      );
    });

    test("a stream that its caller cancels is cancelled at the provider", async () => {
      const noted = (key: string) => consumer.call("notes", key);
      for (const [kind, name] of [
        ["orders", "feed-cancelled"],
        ["count", "count-cancelled"],
      ] as const) {
        const before = Number(await noted(name));
        expect(await consumer.stream({ kind, count: -1, cancelAfter: 3 })).toMatchObject({ ended: "cancelled" });
        await eventually("the provider knows", async () => Number(await noted(name)) > before, 5_000);
      }
    });
  });
});
