import { spawn } from "node:child_process";
import type { ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { type Cluster, HTTP_PROTOCOL_OPTIONS, type HttpProtocolOptions } from "../../src/codecs/xds/cluster.ts";
import { answerCall, type SeenFrame, startFakeProvider } from "../support/fake-provider.ts";
import { startHttpProvider, startHttpProxy } from "../support/http-stage.ts";
import { startLoneProxy } from "../support/lone-proxy.ts";
import { eventually } from "../support/process.ts";
import { openRaw, request } from "../support/raw-dubbo.ts";

// How many connections a cluster has, how long they live, and what becomes of calls for which there is none. Needs Node alone.

const INTERFACE = "com.acme.Orders";
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function options(said: HttpProtocolOptions): Partial<Cluster> {
  return { typedExtensionProtocolOptions: { [HTTP_PROTOCOL_OPTIONS]: said } };
}

function thresholds(said: NonNullable<Cluster["circuitBreakers"]>["thresholds"][0]): Partial<Cluster> {
  return { circuitBreakers: { thresholds: [said] } };
}

describe("HTTP/1.1, one call a connection", () => {
  async function stage(cluster: Partial<Cluster>, count = 1) {
    const held: ServerResponse[] = [];
    const providers = await Promise.all(
      Array.from({ length: count }, () => startHttpProvider((_, response) => void held.push(response))),
    );
    const ports = providers.map(({ port }) => port);
    const proxy = await startHttpProxy({ ports: { "": ports }, cluster });
    open.push(...providers, proxy);
    const get = async (): Promise<string> => {
      const response = await fetch(proxy.url);
      return `${response.status} ${(await response.text()).trim()}`;
    };
    const upstreams = () => proxy.proxy.stats().gauges.upstreamOpen;
    const counters = () => proxy.proxy.stats().counters;
    return { held, get, upstreams, counters, providers };
  }

  test("over the connections calls wait, over those that may wait they are answered 503 with the flag UO", async () => {
    const { held, get, upstreams } = await stage(thresholds({ maxConnections: 2, maxPendingRequests: 1 }));
    const calls = [get(), get()];
    await eventually("two at the provider", () => held.length === 2);
    calls.push(get());
    // The third waits; whoever comes while it does is one too many.
    let refused = "";
    await eventually("one that may not wait", async () => {
      const call = get();
      const text = await Promise.race([call, new Promise<string>((resolve) => setTimeout(resolve, 200, ""))]);
      if (text === "") calls.push(call);
      else refused = text;
      return refused !== "";
    });
    expect(refused).toMatch(/^503 trestle: .* has 1 calls waiting for a connection, its limit$/);
    expect([held.length, upstreams()]).toEqual([2, 2]);
    await eventually("an answer to everybody else", async () => {
      for (const response of held.splice(0)) response.end("ok");
      const done = await Promise.race([
        Promise.all(calls),
        new Promise((resolve) => setTimeout(resolve, 50, undefined)),
      ]);
      return done !== undefined;
    });
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["200 ok"]));
    expect(upstreams()).toBe(2);
  });

  test("each provider has one connection, whatever the limit", async () => {
    const { held, get, upstreams } = await stage(thresholds({ maxConnections: 1 }), 2);
    const first = get();
    await eventually("the first call, and both providers", () => held.length === 1 && upstreams() === 2);
    held.pop()!.end("ok");
    expect(await first).toBe("200 ok");
    const calls = [get(), get()];
    await eventually("one at each", () => held.length === 2);
    for (const response of held.splice(0)) response.end("ok");
    expect(await Promise.all(calls)).toEqual(["200 ok", "200 ok"]);
  });

  test("a connection carries so many calls, and is kept for so long", async () => {
    const { held, get, upstreams, counters } = await stage(
      options({ commonHttpProtocolOptions: { maxRequestsPerConnection: 2, idleTimeout: "1s" } }),
    );
    for (let i = 0; i < 5; i++) {
      const call = get();
      await eventually("the call", () => held.length === 1);
      held.pop()!.end("ok");
      expect(await call).toBe("200 ok");
    }
    expect(counters().upstreamConnections).toBe(3);
    await eventually("the idle one to go", () => upstreams() === 0);
  });
});

describe("Dubbo2, many calls a connection", () => {
  async function stage(cluster: Partial<Cluster>, port?: number) {
    const provider = await startFakeProvider();
    const lone = await startLoneProxy([{ interface: INTERFACE, ports: [port ?? provider.port], cluster }]);
    const caller = await openRaw(lone.host, lone.port);
    open.push(provider, lone, { close: () => caller.destroy() });
    let id = 0n;
    const send = () => caller.write(request({ id: ++id, service: INTERFACE, method: "get" }));
    const call = async (): Promise<number> => {
      send();
      return (await caller.answer()).status;
    };
    return { provider, lone, caller, send, call };
  }

  test("a connection carries so many calls; those on it are answered there", async () => {
    const { provider, lone, call } = await stage(
      options({ commonHttpProtocolOptions: { maxRequestsPerConnection: 3 } }),
    );
    for (let i = 0; i < 7; i++) expect(await call()).toBe(20);
    expect(lone.proxy.stats().counters.upstreamConnections).toBe(3);
    await eventually("the worn ones to go", () => provider.sockets.size === 1);
  });

  test("a connection ends after its time, and with its last call", async () => {
    const { provider, caller, send, call } = await stage(
      options({ commonHttpProtocolOptions: { maxConnectionDuration: "1s" } }),
    );
    expect(await call()).toBe(20);
    let held: SeenFrame | undefined;
    provider.onCall = (seen) => {
      held = seen;
    };
    send();
    await eventually("the call that is held", () => held !== undefined);
    provider.onCall = (seen) => answerCall(seen);
    // The old connection lives as long as its call does; others go over a new one.
    await eventually("a new connection", async () => (await call()) === 20 && provider.sockets.size === 2);
    answerCall(held!);
    expect((await caller.answer()).status).toBe(20);
    await eventually("the old one to go", () => !provider.sockets.has(held!.socket));
    expect(await call()).toBe(20);
  });

  test("calls under way do not count among those that may wait for a connection", async () => {
    const said = options({ commonHttpProtocolOptions: { maxRequestsPerConnection: 2 } });
    const { provider, caller, send, call } = await stage({ ...said, ...thresholds({ maxPendingRequests: 1 }) });
    expect(await call()).toBe(20);
    const held: SeenFrame[] = [];
    provider.onCall = (seen) => void held.push(seen);
    send();
    await eventually("the first that is held", () => held.length === 1);
    // Its connection takes no more: the next call waits for a new one, alone.
    send();
    await eventually("the second", () => held.length === 2);
    for (const seen of held) answerCall(seen);
    expect([(await caller.answer()).status, (await caller.answer()).status]).toEqual([20, 20]);
  });

  test("a connection without calls is closed, and made again for the next", async () => {
    const { provider, call, lone } = await stage(options({ commonHttpProtocolOptions: { idleTimeout: "1s" } }));
    expect(await call()).toBe(20);
    await eventually("no connection", () => provider.sockets.size === 0);
    expect(lone.proxy.stats().counters.upstreamResets).toBe(0);
    expect(await call()).toBe(20);
  });

  test("a provider that does not take connections is given up after the cluster's time; calls over those that may wait are answered 100", async () => {
    const port = await stalledPort();
    const { caller, send } = await stage({ connectTimeout: "1.5s", ...thresholds({ maxPendingRequests: 2 }) }, port);
    for (let calls = 0; calls < 3; calls++) send();
    const answers = [await caller.answer(), await caller.answer(), await caller.answer()];
    const texts = answers.map(({ status, body }) => `${status} ${body.toString("latin1")}`);
    expect(texts[0]).toMatch(/^100 .*has 2 calls waiting for a connection, its limit/s);
    for (const text of texts.slice(1)) expect(text).toMatch(/^80 .*connecting took over 1500 ms/s);
  });
});

test("calls that go elsewhere as connecting takes long do not eject who is slow to connect", async () => {
  const provider = await startFakeProvider();
  const cluster: Partial<Cluster> = {
    lbPolicy: "ROUND_ROBIN",
    outlierDetection: { consecutive5xx: 1, baseEjectionTime: "30s", maxEjectionPercent: 100 },
  };
  const lone = await startLoneProxy([{ interface: INTERFACE, ports: [await stalledPort(), provider.port], cluster }]);
  const caller = await openRaw(lone.host, lone.port);
  open.push(provider, lone, { close: () => caller.destroy() });
  for (let id = 1n; id <= 6n; id++) caller.write(request({ id, service: INTERFACE, method: "get" }));
  for (let i = 0; i < 6; i++) expect((await caller.answer()).status).toBe(20);
  expect(lone.proxy.stats().gauges.endpointsEjected).toBe(0);
});

describe("Triple, many calls a connection", () => {
  test("connections that carry one call each carry all of a burst", async () => {
    const provider = createHttp2Server();
    let connections = 0;
    provider.on("session", () => connections++);
    provider.on("stream", (stream) => {
      const head = { ":status": 200, "content-type": "application/grpc", "grpc-status": "5", "grpc-message": "seen" };
      stream.respond(head, { endStream: true });
      stream.on("error", () => {});
      stream.resume();
    });
    await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
    const { port } = provider.address() as AddressInfo;
    const said = options({ commonHttpProtocolOptions: { maxRequestsPerConnection: 1 } });
    const lone = await startLoneProxy([{ interface: INTERFACE, ports: [port], protocol: "tri", cluster: said }]);
    const caller = await openRaw(lone.host, lone.port);
    open.push(provider, lone, { close: () => caller.destroy() });
    const answers: string[] = [];
    for (let id = 1n; id <= 40n; id++) caller.write(request({ id, service: INTERFACE, method: "get" }));
    while (answers.length < 40) answers.push((await caller.answer()).body.toString("latin1"));
    expect(answers.filter((text) => !text.includes("seen"))).toEqual([]);
    expect(connections).toBeGreaterThanOrEqual(40);
  });
});

/** A port whose queue of connections is full, and whose process sleeps. */
async function stalledPort(): Promise<number> {
  const code = `const server = require("node:net").createServer();
    server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => process.send(server.address().port));`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const port = await new Promise<number>((resolve) => child.once("message", (value) => resolve(Number(value))));
  child.kill("SIGSTOP");
  const fillers = Array.from({ length: 4 }, () => connect({ host: "127.0.0.1", port }).on("error", () => {}));
  open.push({
    close: () => {
      for (const filler of fillers) filler.destroy();
      child.kill("SIGKILL");
    },
  });
  await sleep(100);
  return port;
}
