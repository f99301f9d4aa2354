import { expect, test } from "vitest";
import { type Consumer, type DubboLine, surprises } from "./dubbo.ts";
import { service } from "./triple-services.ts";
import type { TripleStage } from "./triple-stage.ts";

/** What a proxy without calls holds. */
export const NOTHING_HELD = { callsInFlight: 0, heldBytes: 0, callsHeldByRules: 0 } as const;

/** Who calls whom in {@link testCalls}: read inside each test, since hooks set it up. */
export interface Callers {
  readonly stage: TripleStage;
  readonly consumer: Consumer;
  /** The proxy's address as this consumer takes it. */
  readonly url: string;
  /** The provider's. */
  readonly label: string;
  readonly providerLine: DubboLine;
  /** Checks of the suite that fail between these two, each with its reason. */
  readonly known: Readonly<Record<string, string>>;
}

/** The cases that hold for unary calls between any two Java peers, whatever each of them speaks. */
export function testCalls(get: () => Callers): void {
  test("every kind of call is answered", async () => {
    const { stage, consumer, known } = get();
    const before = stage.carried();
    expect(surprises(await consumer.suite(), known)).toEqual([]);
    expect(stage.carried() - before).toBeGreaterThanOrEqual(115);
  });

  test("attachments go both ways, case kept", async () => {
    const { consumer, label } = get();
    const attach = { userId: "7", "x-color": "blue", "answer-with": "green" };
    const { value, answered } = await consumer.ask({ op: "call", method: "attachments", attach });
    expect(value).toMatchObject({ userId: "7", "x-color": "blue" });
    // 2.7 drops those of an answer from a reference's one address.
    if (consumer.line !== "2.7") expect(answered).toMatchObject({ "x-answer": "green", answeredBy: label });
  });

  test("bodies of 7 MB go both ways", async () => {
    for (const way of ["up", "down", "both"]) {
      expect(await get().consumer.ask({ op: "big", size: 7_000_000, way })).toMatchObject({ ok: true });
    }
  });

  test("200 calls at once are served", async () => {
    const { consumer, label } = get();
    expect(await consumer.burst(200, 300)).toMatchObject({ errors: [], ok: 200, labels: { [label]: 200 } });
  });

  test("a call whose time is over ends, and the next is served", async () => {
    const { consumer, url, label } = get();
    await consumer.refer("short", { ...service, url, timeout: 400 });
    expect(await consumer.call("sleep", 1, {}, "short")).toBe(label);
    const before = Date.now();
    await expect(consumer.call("sleep", 1_500, {}, "short")).rejects.toThrow(/timeout|timed out|DEADLINE_EXCEEDED/i);
    expect(Date.now() - before).toBeLessThan(1_450);
    expect(await consumer.call("sleep", 1, {}, "short")).toBe(label);
  });

  test("generic calls get objects back where they ask for them, and Java's own serialization is refused", async () => {
    const { consumer, label, providerLine } = get();
    // 2.6 knows no raw.return, and has descriptors of its own that others do not know.
    for (const style of consumer.line === "2.6" || providerLine === "2.6" ? [] : ["raw.return", "bean"]) {
      const { value, error } = await consumer.ask({ op: "style", style, arg: 5 });
      expect([style, error, value]).toMatchObject([style, undefined, { id: 5, note: "note 5", servedBy: label }]);
    }
    const { error } = await consumer.ask({ op: "style", style: "nativejava", arg: 5 });
    expect(error).toMatch(/native ?java/i);
    expect(await consumer.call("sayHi", "x")).toBe("hi x");
  });

  test("nothing is held when all calls are over", async () => {
    const { stage } = get();
    await expect.poll(() => stage.held(), { timeout: 5_000 }).toEqual(NOTHING_HELD);
  });
}
