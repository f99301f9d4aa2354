import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS, type ProxyContext } from "../../../../src/bridge-proxy/context.ts";
import { Caller } from "../../../../src/bridge-proxy/dubbo/caller.ts";
import { MetricRows } from "../../../../src/bridge-proxy/policies/metrics.ts";
import { RouteTable } from "../../../../src/bridge-proxy/route.ts";
import type { RuntimeConfig } from "../../../../src/bridge-proxy/runtime-config.ts";
import { FlushQueue } from "../../../../src/bridge-proxy/socket-driver.ts";
import { UNKNOWN_WAIT_MS, UnknownCalls } from "../../../../src/bridge-proxy/unknown.ts";
import { requestFrame, WORKED_BODY } from "../../../support/dubbo2-bodies.ts";

const ONE_WAY = 0x82;

/** A consumer's connection to a proxy that knows no service; `asked` has the services that a destination was looked for. */
function connected() {
  const asked: string[] = [];
  const peer = new Duplex({ read: () => {}, write: (_bytes, _encoding, done) => done() });
  Object.assign(peer, { _handle: null, setNoDelay: () => peer, remoteAddress: "10.0.0.1" });
  const context = {
    queue: new FlushQueue(),
    rows: new MetricRows(),
    limits: DEFAULT_LIMITS,
    frameLimits: { ...DEFAULT_LIMITS },
    unknown: new UnknownCalls(),
    nowMs: 0,
    heldBytes: 0,
  } as unknown as ProxyContext;
  const table = new RouteTable(undefined, () => undefined as never);
  const routes = new Proxy(table, {
    get: (target, name) => {
      if (name !== "decide") return Reflect.get(target, name, target);
      return (...[service, version, method]: Parameters<RouteTable["decide"]>) => {
        asked.push(service);
        return target.decide(service, version, method);
      };
    },
  });
  const config = { routes, applicationOf: () => "", identityOf: () => undefined } as unknown as RuntimeConfig;
  const caller = new Caller(
    context,
    peer as unknown as Socket,
    () => config,
    () => {},
  );
  const bring = (bytes: Buffer) => caller.onBytes(bytes, 0, bytes.length);
  return { caller, asked, bring, context };
}

test("a call is led by its service", () => {
  const { asked, bring, context } = connected();
  bring(requestFrame(WORKED_BODY));
  expect(asked).toEqual(["com.foo.Hello"]);
  expect(context.unknown.size).toBe(1);
});

test("a call that waited in vain for its service to be known is counted with that time", () => {
  const { bring, context } = connected();
  bring(requestFrame(WORKED_BODY));
  context.nowMs += UNKNOWN_WAIT_MS;
  context.unknown.expire(context.nowMs);
  const [row] = context.rows.series();
  expect(row?.durationSumMs).toBeCloseTo(UNKNOWN_WAIT_MS);
});

test("a call that crosses the end of its connection, where nobody would hear of its answer, is not carried out", async () => {
  const { caller, asked, bring, context } = connected();
  caller.end();
  bring(requestFrame(WORKED_BODY));
  await turn();
  bring(requestFrame(WORKED_BODY));
  expect(asked).toEqual([]);
  expect(context.unknown.size).toBe(0);
});

test("a call without an answer is carried out over the end of its connection too", () => {
  const { caller, asked, bring } = connected();
  caller.end();
  bring(requestFrame(WORKED_BODY, ONE_WAY));
  expect(asked).toEqual(["com.foo.Hello"]);
});
