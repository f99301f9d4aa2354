import { expect, onTestFinished, test } from "vitest";
import { startConsumer, startProvider, surprises } from "../support/dubbo.ts";
import { stageForFile } from "../support/file-stage.ts";
import { bridgeDifferences, endpoint, javaServices, provided, service } from "../support/triple-services.ts";
import type { TripleStage } from "../support/triple-stage.ts";

// Consumers that were told to speak fastjson2 call providers of the other protocol: their calls are translated too.
let stage: TripleStage;

stageForFile((opened) => {
  stage = opened;
});

const asked = "serialization=fastjson2&prefer.serialization=fastjson2";

/** JSONB names no class where Java's declared types say it; what it leaves out, a 2.x provider cannot know. */
const LEFT_OUT = {
  cycle: "its nodes' class is not named",
  "graph of 300": "its nodes' class is not named",
  "object that is an Order": "its enum is a number",
  "POJO both ways": "its enum is a number",
};
/** Of 3.2.18 and 3.3 both, between themselves too: see knownDifferences. */
const LOST = {
  "exception checked": "fastjson2 loses the message",
  "exception checked-cause": "fastjson2 loses the message",
};

test.each([
  ["3.3", "dubbo", "2.7", LEFT_OUT],
  ["3.2", "dubbo", "2.6", LEFT_OUT],
  ["3.2", "tri", "3.3", LOST],
  ["3.3", "tri", "3.2", LOST],
] as const)(
  "a %s consumer calls a provider that speaks %s, of %s",
  async (consumerLine, protocol, providerLine, known) => {
    const provider = await startProvider(providerLine, { ...provided, protocol, label: "p" });
    onTestFinished(async () => void (await provider.stop(3_000)));
    await stage.apply(javaServices([endpoint(protocol)]));
    const url = `${protocol === "dubbo" ? stage.url : stage.dubboUrl}?${asked}`;
    const consumer = await startConsumer(consumerLine, { ...service, url });
    onTestFinished(async () => void (await consumer.stop()));
    expect(await consumer.call("sayHi", "x")).toBe("hi x");
    expect(surprises(await consumer.suite(), { ...bridgeDifferences(consumerLine, providerLine), ...known })).toEqual(
      [],
    );
  },
);
