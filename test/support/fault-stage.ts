import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { answerCall, type FakeProvider, type SeenFrame, startFakeProvider } from "./fake-provider.ts";
import { type LoneProxy, type LoneService, startLoneProxy } from "./lone-proxy.ts";
import { hessianString, openRaw, type RawAnswer, type RawConnection, request } from "./raw-dubbo.ts";

/** The service that faulty peers call and provide. */
export const SERVICE = "com.acme.Orders";
/** Another service, of a provider that nobody spoils. */
export const OTHER = "com.acme.Other";
const CALM = "com.acme.Calm";
/** A good call of {@link SERVICE}, without its id. */
export const CALL = { service: SERVICE, method: "getOrder", types: "Ljava/lang/String;", args: hessianString("x") };
const LIMITS = { heartbeatMs: 1_100, frameTimeoutMs: 1_000, connectTimeoutMs: 500, maxBacklogBytes: 4 * 1024 * 1024 };

/** A proxy with the providers that a test file of faults has; good before every test. */
export interface FaultStage {
  /** Provides {@link SERVICE}. */
  readonly one: FakeProvider;
  /** Provides {@link OTHER}. */
  readonly two: FakeProvider;
  readonly lone: LoneProxy;
  /** All services, with changes to {@link SERVICE}. */
  services(changes?: Partial<LoneService>): LoneService[];
  /** A caller's connection, ended after the test. */
  open(): Promise<RawConnection>;
  /** A good call on the connection gets its answer. */
  works(connection: RawConnection, service?: string): Promise<void>;
  counter(name: string): number;
}

/**
 * A proxy in this process with callers and providers made of bytes by hand: it needs nothing but Node. One caller goes on calling
 * another service all the while, and none of its calls may fail, whatever the others do. Call it once at the top of a file.
 */
export function setFaultStage(): FaultStage {
  let one: FakeProvider;
  let two: FakeProvider;
  let calm: FakeProvider;
  let lone: LoneProxy;
  let bystander: Bystander;
  const opened: RawConnection[] = [];

  const services = (changes: Partial<LoneService> = {}): LoneService[] => [
    { interface: SERVICE, ports: [one.port], ...changes },
    { interface: CALM, ports: [calm.port] },
    { interface: OTHER, ports: [two.port] },
  ];

  beforeAll(async () => {
    one = await startFakeProvider();
    two = await startFakeProvider();
    calm = await startFakeProvider();
    lone = await startLoneProxy(services(), LIMITS);
    bystander = await startBystander(lone);
  });

  beforeEach(async () => {
    for (const provider of [one, two])
      Object.assign(provider, { onCall: (seen: SeenFrame) => answerCall(seen), alive: true });
    await lone.apply(services());
    bystander.failures.length = 0;
    bystander.calls = 0;
  });

  // After every test: the bystander has gone on calling without a failure, and nothing is left in the proxy.
  afterEach(async () => {
    await sleep(60);
    for (const connection of opened.splice(0)) connection.destroy();
    expect(bystander.failures).toEqual([]);
    expect(bystander.calls).toBeGreaterThan(0);
    await soon(
      () => {
        const { gauges } = lone.proxy.stats();
        expect(gauges["callsInFlight"]).toBeLessThanOrEqual(1);
        expect(gauges["heldBytes"]).toBe(0);
        expect(gauges["downstreamOpen"]).toBe(1);
      },
      5_000,
      "the proxy holds nothing of what is gone",
    );
  });

  afterAll(async () => {
    await bystander?.stop();
    await lone?.close();
    await Promise.all([one, two, calm].map((provider) => provider?.close()));
  });

  return {
    get one() {
      return one;
    },
    get two() {
      return two;
    },
    get lone() {
      return lone;
    },
    services,
    async open() {
      const connection = await openRaw(lone.host, lone.port);
      opened.push(connection);
      return connection;
    },
    async works(connection, service = SERVICE) {
      connection.write(request({ ...CALL, service, id: 4242n }));
      expect(await reply(connection)).toMatchObject({ id: 4242n, status: 20 });
    },
    counter: (name) => lone.proxy.stats().counters[name] ?? 0,
  };
}

interface Bystander {
  readonly failures: string[];
  calls: number;
  stop(): Promise<void>;
}

async function startBystander(lone: LoneProxy): Promise<Bystander> {
  const connection = await openRaw(lone.host, lone.port);
  const state = { failures: [] as string[], calls: 0, running: true };
  const done = (async () => {
    for (let id = 1n; state.running; id++) {
      try {
        connection.write(request({ ...CALL, service: CALM, id }));
        const answer = await connection.answer(2_000);
        if (answer.status !== 20 || answer.id !== id)
          state.failures.push(`call ${id}: ${answer.status} ${answer.body.toString("latin1")}`);
      } catch (error) {
        state.failures.push(`call ${id}: ${(error as Error).message}`);
        break;
      }
      state.calls++;
      await sleep(2);
    }
  })();
  return Object.assign(state, {
    async stop() {
      state.running = false;
      await done;
      connection.destroy();
    },
  });
}

/** The next answer to a call: heartbeats of the proxy are passed by. */
export async function reply(connection: RawConnection): Promise<RawAnswer> {
  for (;;) {
    const answer = await connection.answer(10_000);
    if ((answer.flags & 0x20) === 0) return answer;
  }
}

/** The text of a refusal: one Hessian2 string. */
export function textOf(body: Buffer): string {
  return body.subarray(body[0]! >= 0x30 ? 2 : 1).toString("latin1");
}

/** Waits until `check` throws nothing any more; fails with `what` and its last error after `timeoutMs`. */
export async function soon(check: () => void | Promise<void>, timeoutMs: number, what: string): Promise<void> {
  await vi.waitFor(check, { timeout: timeoutMs, interval: 20 }).catch((error: Error) => {
    throw new Error(`${what}: ${error.message}`);
  });
}
