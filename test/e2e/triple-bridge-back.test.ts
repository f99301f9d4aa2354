import { expect, onTestFinished, test } from "vitest";
import { startConsumer, startProvider } from "../support/dubbo.ts";
import { stageForFile } from "../support/file-stage.ts";
import { grpcClient } from "../support/grpc-peer.ts";
import { testBridgedPairs } from "../support/triple-bridged.ts";
import { endpoint, javaServices, provided, service } from "../support/triple-services.ts";
import type { TripleStage } from "../support/triple-stage.ts";

// Triple consumers of 3.2 call 2.6 and 2.7 providers, which know no Triple; the proxy between them translates. 3.3's are in the bridge matrix.
let stage: TripleStage;

stageForFile((opened) => {
  stage = opened;
});

testBridgedPairs(() => stage, { speaks: "tri", lines: ["3.2"] }, { speaks: "dubbo", lines: ["2.7", "2.6"] });

test("streams and protobuf calls of a provider that speaks Dubbo2 are refused at once, and nothing else is harmed", async () => {
  const provider = await startProvider("2.7", { ...provided, protocol: "dubbo", label: "old" });
  await stage.apply(javaServices([endpoint("dubbo")]));
  const consumer = await startConsumer("3.3", { ...service, url: stage.url });
  const grpc = grpcClient(`${stage.host}:${stage.port}`);
  onTestFinished(async () => {
    grpc.close();
    await consumer.stop();
    await provider.stop(3_000);
  });
  const refused = /trestle: .*(?: dubbo2 provider|are not known here)/;
  const before = Date.now();
  for (const kind of ["orders", "collect", "review", "count", "sum", "talk"] as const) {
    expect((await consumer.stream({ kind })).ended, kind).toMatch(refused);
  }
  await expect(consumer.stream({ kind: "say", text: "x" })).rejects.toThrow(refused);
  const metadata = { "tri-service-group": service.group, "tri-service-version": service.version };
  for (const answer of [
    await grpc.say("x", { metadata }),
    await grpc.count(1, { metadata }),
    await grpc.sum([1, 2], { metadata }),
    await grpc.talk(["a", "b"], { metadata }),
    await grpc.check(""),
  ]) {
    expect(answer).toMatchObject({ values: [], details: expect.stringMatching(refused) });
    expect(answer.code).not.toBe(0);
  }
  expect(Date.now() - before).toBeLessThan(15_000);
  expect(await consumer.call("sayHi", "x")).toBe("hi x");
});
