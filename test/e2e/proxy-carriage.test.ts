import { expect, test } from "vitest";
import { ENDPOINT_TYPE } from "../../src/codecs/xds/resources.ts";
import { answerCall, type SeenFrame } from "../support/fake-provider.ts";
import { frame, openRaw, request } from "../support/raw-dubbo.ts";
import { KEY, setRuleStage } from "../support/rule-stage.ts";
import { clusterName, endpointsOf, named } from "../support/xds-fixtures.ts";

/** How calls are carried whatever the rules say: callbacks, limits, one-way calls, changes and draining, with peers made of bytes. */

const stage = setRuleStage();
const { setUp, ask, call } = stage;

test("a method with a callback parameter has a connection of its own, and the provider's calls reach that caller", async () => {
  await setUp({ callbackMethods: ["listen"] });
  let back: SeenFrame | undefined;
  stage.one.onCall = (seen) => {
    if (seen.body.includes("listen"))
      seen.socket.write(request({ id: 77n, service: "com.acme.Listener", method: "changed" }));
    answerCall(seen);
  };
  await call();
  ask({ method: "listen" });
  const answers = [await stage.caller.answer(), await stage.caller.answer()];
  const pushed = answers.find(({ flags }) => (flags & 0x80) !== 0)!;
  expect(pushed.body.includes("changed")).toBe(true);
  expect(stage.one.sockets.size).toBe(2);
  for (const socket of stage.one.sockets) {
    socket.on("data", (chunk: Buffer) => {
      if (chunk[2] === 0x02) back = { socket, flags: chunk[2], id: chunk.readBigInt64BE(4), body: chunk.subarray(16) };
    });
  }
  stage.caller.write(frame(0x02, pushed.id, Buffer.from("92", "hex"), undefined, 20));
  await expect.poll(() => back?.id).toBe(77n);
});

test("a cluster's limit of waiting calls is answered 100, until one of them is answered", async () => {
  await setUp({ maxRequests: 2 });
  const waiting: SeenFrame[] = [];
  stage.one.onCall = (seen) => void waiting.push(seen);
  ask();
  ask();
  expect(await call()).toMatchObject({ status: 100 });
  await expect.poll(() => waiting.length).toBe(2);
  answerCall(waiting[0]!);
  await stage.caller.answer();
  stage.one.onCall = (seen) => answerCall(seen);
  expect(await call()).toMatchObject({ status: 20 });
});

test("a one-way call is sent on and never answered", async () => {
  await setUp({});
  ask({ oneWay: true });
  await expect.poll(() => stage.one.calls).toBe(1);
  expect(await call()).toMatchObject({ status: 20 });
  expect(
    stage.proxy
      .stats()
      .calls.map(({ oneWay, count }) => [oneWay, count])
      .sort(),
  ).toEqual([
    [false, 1],
    [true, 1],
  ]);
});

test("a provider's larger payload raises the limit, a smaller one is kept to", async () => {
  await setUp({ endpoints: { "": [{ port: stage.one.port, payloadBytes: 100 }] } });
  expect(await call()).toMatchObject({ status: 20 });
  expect(await call({ attachments: { filler: "x".repeat(200) } })).toMatchObject({ status: 40 });
  await setUp({ endpoints: { "": [{ port: stage.one.port, payloadBytes: 20_000_000 }] } });
  stage.caller.write(frame(0xc2, 9n, Buffer.alloc(9_000_000)));
  expect((await stage.caller.answer()).body.toString("latin1")).not.toContain("over the limit");
});

test("configuration changes while calls are on their way cost none of them", async () => {
  await setUp({ endpoints: { "": [{ port: stage.one.port }] } });
  stage.one.onCall = (seen) => void setTimeout(() => answerCall(seen, "one"), 30);
  const ids = new Set<bigint>();
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 20; i++) ids.add(ask());
    const resources = [
      named(clusterName(KEY), endpointsOf(KEY, "", [{ port: round % 2 === 0 ? stage.two.port : stage.one.port }])),
    ];
    await stage.proxy.apply([{ typeUrl: ENDPOINT_TYPE, resources, removedResources: [] }]);
  }
  while (ids.size > 0) {
    const answer = await stage.caller.answer();
    expect(answer.status).toBe(20);
    expect(ids.delete(answer.id)).toBe(true);
  }
});

test("a drained proxy says READONLY, answers what is on its way, and ends", async () => {
  await setUp({});
  stage.one.onCall = (seen) => void setTimeout(() => answerCall(seen), 300);
  const id = ask();
  await expect.poll(() => stage.one.calls).toBe(1);
  const draining = stage.proxy.drain(5_000);
  const readonly = await stage.caller.answer();
  expect([readonly.flags & 0xe0, readonly.body.toString("latin1")]).toEqual([0xa0, "\x01R"]);
  expect((await stage.caller.answer()).id).toBe(id);
  await draining;
  expect(await stage.caller.closed(1_000)).toBe(true);
  await expect(openRaw("127.0.0.1", stage.port)).rejects.toThrow();
});
