import { describe, expect, test } from "vitest";
import { ManualClock } from "../../../../src/base/clock.ts";
import { silentLogger } from "../../../../src/base/log.ts";
import type { ServedSet } from "../../../../src/codecs/xds/served.ts";
import type { XdsClient } from "../../../../src/control/xds/client.ts";
import { XdsClients, type XdsClientsOptions } from "../../../../src/control/xds/clients.ts";
import { createXdsMetrics } from "../../../../src/control/xds/metrics.ts";
import { answer, FakePipe, requestBytes } from "../../../support/xds-pipe.ts";
import { servedSet } from "../../../support/xds-playbook.ts";

function serve(options: Partial<XdsClientsOptions> = {}) {
  const clock = new ManualClock();
  const turns: (() => void)[] = [];
  const warnings: string[] = [];
  const metrics = createXdsMetrics();
  const state = { set: servedSet({ CDS: "a1" }) as ServedSet, asked: 0 };
  const clients = new XdsClients({
    source: {
      resourcesFor: () => {
        state.asked++;
        return state.set;
      },
    },
    clock,
    log: { ...silentLogger, warn: (text) => void warnings.push(text) },
    metrics,
    soon: (run) => void turns.push(run),
    ...options,
  });
  /** One turn of the event loop; false where nothing waits for one. */
  const turn = (): boolean => {
    const run = turns.shift();
    run?.();
    return run !== undefined;
  };
  const connect = (): { client: XdsClient; pipe: FakePipe } => {
    const pipe = new FakePipe();
    const client = clients.open("delta", undefined, pipe)!;
    client?.receive(requestBytes("CDS"));
    return { client, pipe };
  };
  return { clock, clients, metrics, state, turn, connect, warnings };
}

describe("the clients of the xDS server", () => {
  test("changes that come close together are sent once, after a quiet", () => {
    const { clock, clients, state, turn, connect } = serve();
    const { client, pipe } = connect();
    turn();
    answer(client, pipe);
    for (const version of ["2", "3", "4"]) {
      state.set = servedSet({ CDS: `a${version}` });
      clients.changed();
      clock.advance(99);
      expect(turn()).toBe(false);
    }
    clock.advance(1);
    turn();
    expect(pipe.lines).toEqual(["CDS a1", "CDS a4"]);
  });

  test("changes that never end are sent after the longest wait", () => {
    const { clock, clients, state, turn, connect } = serve({ debounceMs: 100, maxDelayMs: 1_000 });
    const { client, pipe } = connect();
    turn();
    answer(client, pipe);
    state.set = servedSet({ CDS: "a2" });
    for (let ms = 0; ms < 950; ms += 50) {
      clients.changed();
      clock.advance(50);
      expect(turn()).toBe(false);
    }
    clients.changed();
    clock.advance(50);
    turn();
    expect(pipe.lines).toEqual(["CDS a1", "CDS a2"]);
  });

  test("many clients are served over several turns, each in the end", () => {
    const { clock, clients, state, turn, connect } = serve();
    const all = Array.from({ length: 100 }, connect);
    let turns = 0;
    while (turn()) turns++;
    expect(turns).toBeGreaterThan(2);
    expect(all.every(({ pipe }) => pipe.lines.join() === "CDS a1")).toBe(true);
    for (const { client, pipe } of all) answer(client, pipe);
    state.set = servedSet({ CDS: "a2" });
    clients.changed();
    clock.advance(100);
    turn();
    const served = all.filter(({ pipe }) => pipe.lines.length === 2).length;
    expect(served).toBeGreaterThan(0);
    expect(served).toBeLessThan(100);
    while (turn());
    expect(all.every(({ pipe }) => pipe.lines.length === 2)).toBe(true);
  });

  test("a turn is short: clients that take long to serve are served few at a time", () => {
    const clock = new ManualClock();
    const { turn, connect } = serve({
      clock,
      source: {
        resourcesFor: () => {
          clock.advance(1);
          return servedSet({ CDS: "a1" });
        },
      },
    });
    const all = Array.from({ length: 5 }, connect);
    const served = () => all.filter(({ pipe }) => pipe.lines.length > 0).length;
    const counts: number[] = [];
    while (turn()) counts.push(served());
    expect(counts).toEqual([2, 4, 5]);
  });

  test("a client that takes nothing does not hold the others", () => {
    const { clock, clients, state, turn, connect } = serve();
    const [slow, quick] = [connect(), connect()];
    slow.pipe.takesMore = false;
    while (turn());
    answer(quick.client, quick.pipe);
    for (const version of ["2", "3"]) {
      state.set = servedSet({ CDS: `a${version}` });
      clients.changed();
      clock.advance(100);
      while (turn());
      answer(quick.client, quick.pipe);
    }
    expect([slow.pipe.lines, quick.pipe.lines]).toEqual([["CDS a1"], ["CDS a1", "CDS a2", "CDS a3"]]);
  });

  test("a client that refuses for ever is sent each change once", () => {
    const { clock, clients, turn, connect, state } = serve();
    const { client, pipe } = connect();
    turn();
    for (let i = 0; i < 50; i++) answer(client, pipe, `no ${i}`);
    expect(pipe.lines).toEqual(["CDS a1"]);
    state.set = servedSet({ CDS: "a2" });
    clients.changed();
    clock.advance(100);
    while (turn());
    expect(pipe.lines).toEqual(["CDS a1", "CDS a2"]);
  });

  test("streams over the most are refused, told of once, and taken when there is room", () => {
    const { clients, connect, metrics, warnings } = serve({ maxClients: 2 });
    const [first] = [connect(), connect()];
    const third = connect();
    connect();
    expect(third.pipe.ended).toBe("8 there are 2 streams already");
    expect(warnings).toEqual(["streams of xds clients are refused"]);
    expect(metrics.expose()).toContain('trestle_xds_streams_ended_total{reason="clients"} 2');
    clients.forget(first!.client);
    expect(connect().pipe.ended).toBeUndefined();
    expect(metrics.expose()).toContain("pilot_xds 2");
  });

  test("of one address there are as many as it may have, and others come in", () => {
    const { clients, connect, warnings } = serve({ maxOfAddress: 2 });
    const [first] = [connect(), connect()];
    expect(connect().pipe.ended).toBe("8 there are 2 streams from this address already");
    const other = new FakePipe("10.0.0.2:7");
    expect([clients.open("delta", undefined, other) !== undefined, other.ended]).toEqual([true, undefined]);
    clients.forget(first!.client);
    clients.forget(first!.client);
    expect([connect().pipe.ended, connect().pipe.ended !== undefined, warnings.length]).toEqual([undefined, true, 1]);
  });

  test("a client that is gone is not asked for", () => {
    const { clients, turn, connect, state } = serve();
    clients.forget(connect().client);
    turn();
    expect(state.asked).toBe(0);
    expect(clients.all.size).toBe(0);
  });

  test("at the end all are told to come again", () => {
    const { clients, connect } = serve();
    const { pipe } = connect();
    clients.close();
    expect(pipe.ended).toBe("14 the server is going away");
    expect(connect().pipe.ended).toMatch(/^8 /);
  });
});
