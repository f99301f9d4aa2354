import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { FAULT_FILTER, type Route } from "../../src/codecs/xds/route.ts";
import { startFakeProvider } from "../support/fake-provider.ts";
import {
  answerOk,
  envelope,
  fieldOf,
  type H2Caller,
  type H2Provider,
  openH2Caller,
  startH2Provider,
} from "../support/h2-peers.ts";
import { eventually, sleep } from "../support/process.ts";
import { frame, hessianString, openRaw, request } from "../support/raw-dubbo.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";
import { clusterName } from "../support/xds-fixtures.ts";

// What is left of a call's time goes with it, who hangs up ends it, and no caller gets header fields that it does not take.

const key = "com.acme.Timed";
const path = `/${key}/say`;
const body = envelope(Buffer.from("hi"));
let stage: TripleStage;
let provider: H2Provider;
let caller: H2Caller;

beforeEach(async () => {
  [stage, provider] = await Promise.all([startTripleStage("127.0.0.1"), startH2Provider()]);
  caller = await openH2Caller(stage.port);
});

afterEach(async () => {
  caller.close();
  await eventually("nothing is held", () => Object.values(stage.held()).every((count) => count === 0));
  await Promise.all([stage.close(), provider.close()]);
});

const apply = (more: Partial<Route> = {}) => {
  const routes = [{ name: "rule", match: { prefix: "/" }, route: { cluster: clusterName(key) }, ...more }];
  return stage.apply([{ key, endpoints: [{ port: provider.port, protocol: "tri" }], routes }]);
};

const timeouts = () => provider.seen.map(({ fields }) => fieldOf(fields, "grpc-timeout"));
const millis = (text: string | undefined) => Number(/^(\d+)m$/.exec(text ?? "")?.[1] ?? Number.NaN);

test("a call that does not wait keeps the time-out that it came with", async () => {
  await apply();
  for (const timeout of ["2S", "1500m", "9000000u"]) {
    expect((await caller.call(path, { body, fields: ["grpc-timeout", timeout] }).done()).status).toBe(0);
  }
  expect((await caller.call(path, { body }).done()).status).toBe(0);
  expect(timeouts()).toEqual(["2S", "1500m", "9000000u", undefined]);
});

test("a call that a rule delays says what is left", async () => {
  const delay = { fixedDelay: "0.4s", percentage: { numerator: 100, denominator: "HUNDRED" } } as const;
  await apply({ typedPerFilterConfig: { [FAULT_FILTER]: { delay } } });
  expect((await caller.call(path, { body, fields: ["grpc-timeout", "60S"] }).done()).status).toBe(0);
  expect((await caller.call(path, { body }).done()).status).toBe(0);
  const [left, none] = timeouts();
  expect(none).toBeUndefined();
  expect(millis(left)).toBeGreaterThan(1_000);
  expect(millis(left)).toBeLessThanOrEqual(59_700);
});

test("a try after others says what is left then", async () => {
  const retryPolicy = { retryOn: "unavailable", numRetries: 2 };
  await apply({ route: { cluster: clusterName(key), retryPolicy } });
  provider.onEnd = async (call) => {
    if (provider.seen.length === 3) return answerOk(call);
    await sleep(150);
    call.link.machine.head(
      call.stream,
      [":status", "200", "content-type", "application/grpc", "grpc-status", "14"],
      true,
    );
    call.link.flush();
  };
  expect((await caller.call(path, { body, fields: ["grpc-timeout", "60S"] }).done()).status).toBe(0);
  const [first, second, third] = timeouts();
  expect(first).toBe("60S");
  expect(millis(second)).toBeLessThanOrEqual(59_900);
  expect(millis(third)).toBeLessThan(millis(second));
});

test("a translated call whose Dubbo2 caller hangs up is ended at its provider, others go on", async () => {
  await apply();
  provider.onEnd = () => {};
  const stays = await openRaw("127.0.0.1", stage.dubboPort);
  const leaves = await openRaw("127.0.0.1", stage.dubboPort);
  onTestFinished(() => stays.destroy());
  const call = { service: key, method: "say", types: "Ljava/lang/String;", args: hessianString("x") };
  stays.write(request({ ...call, id: 1n }));
  for (const id of [2n, 3n]) leaves.write(request({ ...call, id }));
  await eventually("all three are there", () => provider.seen.length === 3);
  leaves.destroy();
  await eventually("two are ended", () => provider.seen.filter(({ resetCode }) => resetCode === 8).length === 2);
  expect(stage.held()["callsInFlight"]).toBe(1);
  answerOk(provider.seen.find(({ resetCode }) => resetCode < 0)!, Buffer.from("1207046b696e64", "hex"));
  expect((await stays.answer()).id).toBe(1n);
});

test("an answer whose header fields are more than its caller takes is an error of that call alone", async () => {
  await apply();
  caller.close();
  caller = await openH2Caller(stage.port, { maxHeaderListBytes: 4_000 });
  expect((await caller.call(path, { body }).done()).status).toBe(0);
  const long = ["x-long", "y".repeat(5_000)];
  const head = [":status", "200", "content-type", "application/grpc"];
  provider.onEnd = ({ link, stream }) => {
    link.machine.head(stream, [...head, ...long], false);
    link.machine.data(stream, body, false);
    link.machine.trailers(stream, ["grpc-status", "0"]);
    link.flush();
  };
  const first = await caller.call(path, { body }).done();
  expect([first.status, fieldOf(first.head, "grpc-message")]).toEqual([
    3,
    expect.stringContaining("the%20caller%20takes"),
  ]);
  provider.onEnd = ({ link, stream }) => {
    link.machine.head(stream, head, false);
    link.machine.data(stream, body, false);
    link.machine.trailers(stream, ["grpc-status", "0", ...long]);
    link.flush();
  };
  const second = await caller.call(path, { body }).done();
  expect([second.status, second.bytes]).toEqual([8, body.length]);
  expect(fieldOf(second.trailers, "grpc-message")).toContain("the caller takes");
  provider.onEnd = (seen) => answerOk(seen);
  expect((await caller.call(path, { body }).done()).status).toBe(0);
  expect([caller.closed, caller.goaways]).toEqual([false, []]);
});

test("a Dubbo2 provider's error text that a caller does not take is replaced by one that it does", async () => {
  const dubbo = await startFakeProvider();
  onTestFinished(() => dubbo.close());
  await stage.apply([{ key, endpoints: [{ port: dubbo.port }] }]);
  dubbo.onCall = ({ socket, id }) => {
    const text = Buffer.concat([Buffer.of(0x53, 0x13, 0x88), Buffer.alloc(5_000, "z")]);
    socket.write(frame(0x02, id, text, undefined, 70));
  };
  caller.close();
  caller = await openH2Caller(stage.port, { maxHeaderListBytes: 1_000 });
  const json = caller.call(`/${key}/$echo`, { body: envelope(Buffer.from("0a086865737369616e34", "hex")) });
  const call = await json.done();
  expect([call.status, fieldOf(call.head, "grpc-message")]).toEqual([
    3,
    expect.stringContaining("the%20caller%20takes"),
  ]);
});
