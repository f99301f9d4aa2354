import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WireProtocol } from "../../src/codecs/xds/core.ts";
import { type Consumer, type DubboLine, startConsumer, startProvider } from "./dubbo.ts";
import type { Peer } from "./process.ts";
import { testCalls } from "./triple-cases.ts";
import { bridgeDifferences, endpoint, javaServices, provided, service } from "./triple-services.ts";
import type { TripleStage } from "./triple-stage.ts";

/** Lines of Dubbo on one side of the proxy, and what they speak there. */
export interface BridgeSide {
  readonly speaks: WireProtocol;
  readonly lines: readonly DubboLine[];
}

/** The cases of {@link testCalls} for each pair of a caller and a provider that speak different protocols. */
export function testBridgedPairs(stage: () => TripleStage, callers: BridgeSide, providers: BridgeSide): void {
  describe.each(providers.lines)(`a %s provider that speaks ${providers.speaks} alone`, (providerLine) => {
    const label = `${providers.speaks}-${providerLine}`;
    let provider: Peer;

    beforeAll(async () => {
      provider = await startProvider(providerLine, { ...provided, protocol: providers.speaks, label });
      await stage().apply(javaServices([endpoint(providers.speaks)]));
    });

    afterAll(async () => {
      await provider?.stop(3_000);
    });

    describe.each(callers.lines)(`called by a %s consumer over ${callers.speaks}`, (consumerLine) => {
      const known = bridgeDifferences(consumerLine, providerLine);
      let consumer: Consumer;
      let url: string;

      beforeAll(async () => {
        url = callers.speaks === "tri" ? stage().url : stage().dubboUrl;
        consumer = await startConsumer(consumerLine, { ...service, url });
      });

      afterAll(async () => {
        await consumer?.stop();
      });

      testCalls(() => ({ stage: stage(), consumer, url, label, providerLine, known }));

      test("null goes both ways, and the provider's exception for it", async () => {
        expect(await consumer.call("echoString", null)).toBeNull();
        await expect(consumer.call("createNull")).rejects.toThrow(/com\.acme\.OrderException: no order given/);
      });
    });
  });
}
