import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { encodeRequestWrapper } from "../../src/codecs/triple/body.ts";
import { startProvider } from "../support/dubbo.ts";
import { envelope, type H2Caller, openH2Caller } from "../support/h2-peers.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, sleep, stopAll } from "../support/process.ts";
import { hessianLong } from "../support/raw-dubbo.ts";
import { endpoint, provided, service } from "../support/triple-services.ts";
import { startTripleStage, type TripleStage } from "../support/triple-stage.ts";

// Netty's servers end a connection on which many streams were reset within 30 s. Callers share the proxy's connections to a provider, so
// one that gives many calls up must not cost the others theirs.

const RESETS = 500;
const AT_ONCE = 20;
let stage: TripleStage;

beforeAll(async () => {
  requireNamespace();
  stage = await startTripleStage(hosts.trestle);
  await startProvider("3.3", { ...provided, protocol: "tri", label: "netty" });
  await stage.apply([{ key: "g/com.acme.OrderService:1.0.0", endpoints: [endpoint("tri")] }]);
});

afterAll(async () => {
  await stage?.close();
  await stopAll();
});

async function open(host: string, port: number): Promise<H2Caller> {
  const caller = await openH2Caller(port, {}, host);
  onTestFinished(() => caller.close());
  return caller;
}

const FIELDS = ["tri-service-group", service.group, "tri-service-version", service.version];

/** A call of `sleep` for that long. */
function sleeps(caller: H2Caller, ms: bigint) {
  const wrapper = encodeRequestWrapper({ serializeType: "hessian4", args: [hessianLong(ms)], argTypes: ["long"] });
  return caller.call("/com.acme.OrderService/sleep", { body: envelope(wrapper), fields: FIELDS });
}

/** Begins calls and gives them up, some at a time, until there were enough or the connection takes no more; how many there were. */
async function giveUp(caller: H2Caller): Promise<number> {
  let given = 0;
  while (given < RESETS && !caller.closed && caller.goaways.length === 0) {
    const calls = Array.from({ length: AT_ONCE }, () => sleeps(caller, 300n));
    await sleep(30);
    // On a slow machine some are answered before.
    const open = calls.filter(({ over }) => !over);
    for (const call of open) call.reset();
    given += open.length;
  }
  return given;
}

test("the provider ends the connection of a caller that gives up so many calls", async () => {
  const caller = await open(provided.host, provided.port);
  expect((await sleeps(caller, 1n).done()).status).toBe(0);
  await giveUp(caller);
  await eventually("the connection is ended", () => caller.closed);
});

test("through the proxy no call is lost when another caller gives up so many", async () => {
  const [rude, calm] = [await open(hosts.trestle, stage.port), await open(hosts.trestle, stage.port)];
  expect((await sleeps(rude, 1n).done()).status).toBe(0);
  let over = false;
  const statuses: unknown[] = [];
  const loops = [5n, 50n, 400n].map(async (ms) => {
    while (!over) {
      const call = await sleeps(calm, ms).done();
      statuses.push(call.status ?? `reset ${call.resetCode}`);
    }
  });
  const given = await giveUp(rude);
  over = true;
  await Promise.all(loops);
  expect([rude.closed, calm.closed]).toEqual([false, false]);
  expect(statuses.length).toBeGreaterThan(10);
  expect(new Set(statuses)).toEqual(new Set([0]));
  expect(given).toBeGreaterThanOrEqual(RESETS);
});
