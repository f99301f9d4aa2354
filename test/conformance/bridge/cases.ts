import { expect } from "vitest";
import { eventually } from "../../support/process.ts";
import { EMPTY_GROUP } from "./callees.ts";
import { inProto } from "./methods.ts";
import type { BridgeCallee, BridgeCaller, CalleeName, CallerName, Cell, NeutralError } from "./peers.ts";
import { echoes, javaOnly, kinds, sampleOrder, type ValueCase } from "./values.ts";

/** One fact that holds for every caller and every callee that it applies to. */
export interface BridgeCase {
  readonly name: string;
  applies(caller: CallerName, callee: CalleeName): boolean;
  /** Throws with what is wrong. */
  run(cell: Cell): Promise<void>;
}

const javaCallers: ReadonlySet<CallerName> = new Set(["dubbo2", "wrapper"]);
/** Those that speak by the .proto file. */
const byProto: ReadonlySet<string> = new Set(["protobuf", "grpc"]);
const javaCallees: ReadonlySet<CalleeName> = new Set(["dubbo2", "dubbo2.6", "wrapper", "wrapper3.2"]);

/** Both sides' interfaces have the method. */
function has(method: string, caller: CallerName, callee: CalleeName): boolean {
  return !(byProto.has(caller) || byProto.has(callee)) || inProto(method);
}

/** A row of peer.Suite, for callers that have it. */
async function suiteRow(caller: BridgeCaller, name: string): Promise<void> {
  const row = (await caller.suite!()).get(name);
  if (row === undefined) throw new Error(`peer.Suite has no row ${name}`);
  expect(row.ok, row.said).toBe(true);
}

/** The case is a row of peer.Suite for Java's callers, and `run` for the others. */
function both(
  name: string,
  method: string,
  run: (caller: BridgeCaller, callee: BridgeCallee) => Promise<void>,
  notInProto = false,
): BridgeCase {
  return {
    name,
    applies: (caller, callee) => has(method, caller, callee) && !(notInProto && byProto.has(caller)),
    run: ({ caller, callee }) => (caller.suite === undefined ? run(caller, callee) : suiteRow(caller, name)),
  };
}

function echo({ name, method, value, notInProto }: ValueCase): BridgeCase {
  const run = async (caller: BridgeCaller): Promise<void> => {
    const got = await caller.call(method, [value]);
    expect(got.error).toBeUndefined();
    expect(got.value).toEqual(value);
  };
  return both(name, method, run, notInProto);
}

/** A case in which the value of one call is as expected. */
function answers(
  name: string,
  method: string,
  args: readonly unknown[],
  wanted: (callee: BridgeCallee) => unknown,
  notInProto = false,
): BridgeCase {
  const run = async (caller: BridgeCaller, callee: BridgeCallee): Promise<void> => {
    const got = await caller.call(method, args);
    expect(got.error).toBeUndefined();
    expect(got.value).toEqual(wanted(callee));
  };
  return both(name, method, run, notInProto);
}

const values: readonly BridgeCase[] = [
  ...[...echoes, ...kinds].map(echo),
  answers("POJO", "getOrder", [7n], ({ label }) => sampleOrder(7, label)),
  answers("POJO both ways", "createOrder", [sampleOrder(42, null)], ({ label }) => sampleOrder(42, label)),
  answers("list of POJOs", "listOrders", [20], ({ label }) =>
    Array.from({ length: 20 }, (_, i) => sampleOrder(i, label)),
  ),
  answers("map of POJOs", "ordersByKey", [["a", "b"]], ({ label }) => ({
    a: sampleOrder(0, label),
    b: sampleOrder(1, label),
  })),
  answers("overload by long", "find", [9n], ({ label }) => sampleOrder(9, label)),
  answers(
    "overload by String",
    "find",
    ["needle"],
    ({ label }) => ({ ...sampleOrder(1, label), note: "needle" }),
    true,
  ),
  {
    ...answers("CompletableFuture", "laterOrder", [4n], ({ label }) => sampleOrder(4, label)),
    // 2.6 knows none in an interface.
    applies: (_, callee) => callee !== "dubbo2.6",
  },
  both("void", "cancelOrder", async (caller) => {
    const id = BigInt(Date.now());
    expect(await caller.call("cancelOrder", [id])).toMatchObject({ value: null });
    expect(await caller.call("notes", [`cancelled-${id}`])).toMatchObject({ value: 1 });
  }),
  {
    name: "no argument",
    applies: () => true,
    run: async ({ caller, callee }) => {
      expect(await caller.call("whoAmI", [])).toMatchObject({ value: { label: callee.label } });
    },
  },
  ...Object.entries(javaOnly).map(([name, method]) => ({
    name,
    applies: (caller: CallerName, callee: CalleeName) => javaCallers.has(caller) && has(method, caller, callee),
    run: ({ caller }: Cell) => suiteRow(caller, name),
  })),
];

/** Exceptions of a Java callee; Java's callers check cause and fields too (peer.Suite). */
const thrown: readonly BridgeCase[] = (
  [
    ["checked", "com.acme.OrderException", "no such order"],
    ["checked-cause", "com.acme.OrderException", "not stored"],
    ["runtime", "java.lang.IllegalStateException", "not now"],
    ["runtime-cause", "java.lang.IllegalArgumentException", "bad id"],
    ["rejected", "com.acme.OrderRejected", "rejected by rule 7"],
    ["null-message", "java.lang.IllegalStateException", ""],
  ] as const
).map(([kind, name, message]) => ({
  name: `exception ${kind}`,
  applies: (_, callee) => javaCallees.has(callee),
  run: async ({ caller }) => {
    if (caller.suite !== undefined) return suiteRow(caller, `exception ${kind}`);
    const { error } = await caller.call("fail", [kind]);
    expect(error).toMatchObject({ class: name, message, code: byProto.has(caller.name) ? 2 : 500 });
  },
}));

/** A proxy's or a callee's error: the text for Java's callers, and the number for those that have one. */
function expectError(
  error: NeutralError | undefined,
  text: RegExp,
  grpc: number,
  http: number | undefined,
  caller: CallerName,
): void {
  expect(error?.message).toMatch(text);
  if (byProto.has(caller)) expect(error).toEqual({ ...error, code: grpc });
  if (caller === "json" && http !== undefined) expect(error).toEqual({ ...error, code: http });
}

const errors: readonly BridgeCase[] = [
  {
    name: "an error of the callee keeps its number and text",
    applies: (_, callee) => byProto.has(callee),
    run: async ({ caller }) => {
      const { error } = await caller.call("fail", ["9 not in this state"]);
      expectError(error, /not in this state/, 9, 400, caller.name);
    },
  },
  {
    name: "an error of a REST service is the exception of its mapping",
    applies: (_, callee) => callee === "rest",
    run: async ({ caller }) => {
      const { error } = await caller.call("fail", ["refused"]);
      expect(error).toMatchObject({ class: "com.acme.OrderException", message: "HTTP 409: refused by rule 7" });
      expect((await caller.call("fail", ["bad"])).error?.message).toMatch(/HTTP 400: bad id/);
    },
  },
  {
    name: "no endpoint",
    // The stubs' program knows one group; gRPC's answer is the same.
    applies: (caller) => caller !== "protobuf",
    run: async ({ caller }) => {
      const { error } = await caller.call("getOrder", [1n], { group: EMPTY_GROUP });
      expectError(error, /no (?:endpoint|provider)/i, 14, 503, caller.name);
    },
  },
  {
    name: "no such service",
    // The stubs' program knows one group. Nobody's answer depends on the callee, and each takes a second.
    applies: (caller, callee) => caller !== "protobuf" && (callee === "dubbo2" || callee === "grpc"),
    run: async ({ caller }) => {
      const { error } = await caller.call("getOrder", [1n], { group: "gone" });
      expectError(error, /no route|no service|not known|no such/i, 12, 404, caller.name);
    },
  },
  {
    name: "no such method",
    applies: () => true,
    run: async ({ caller }) => {
      const { error } = await caller.unknownMethod();
      // Where the callee's answer is an exception, JSON's callers are told 500.
      expectError(error, /missing/i, 12, undefined, caller.name);
    },
  },
];

const attachments: readonly BridgeCase[] = [
  {
    name: "attachments reach the callee",
    applies: () => true,
    run: async ({ caller }) => {
      const got = await caller.call("attachments", [], { attachments: { "x-color": "blue" } });
      expect(got).toMatchObject({ value: { "x-color": "blue" } });
    },
  },
  {
    name: "attachments keep their case",
    applies: (caller, callee) => javaCallers.has(caller) && javaCallees.has(callee),
    run: async ({ caller }) => {
      const got = await caller.call("attachments", [], { attachments: { userId: "7" } });
      expect(got).toMatchObject({ value: { userId: "7" } });
    },
  },
  {
    name: "attachments of the answer",
    // 2.6 answers with none.
    applies: (_, callee) => callee !== "dubbo2.6",
    run: async ({ caller }) => {
      const got = await caller.call("attachments", [], { attachments: { "answer-with": "green" } });
      expect(got.attachments).toMatchObject({ "x-answer": "green" });
    },
  },
];

const limits: readonly BridgeCase[] = [
  {
    name: "deadline ends the call",
    applies: () => true,
    run: async ({ caller, callee }) => {
      // The first call of a time-out may be late for other reasons: Java makes a reference for it.
      await caller.call("sleep", [1n], { timeoutMs: 300 });
      const before = Date.now();
      const { error } = await caller.call("sleep", [1_200n], { timeoutMs: 300 });
      expectError(error, /timeout|timed out|time-out|deadline|within/i, 4, 504, caller.name);
      expect(Date.now() - before).toBeLessThan(1_150);
      expect(await caller.call("sleep", [1n])).toMatchObject({ value: callee.label });
    },
  },
  {
    name: "deadline reaches the callee",
    applies: (_, callee) => callee.startsWith("dubbo2") || callee === "grpc",
    run: async ({ caller, callee }) => {
      const { value } = await caller.call("attachments", [], { timeoutMs: 4_000 });
      const left = callee.timeLeftMs!(value as Record<string, string>);
      expect(left, JSON.stringify(value)).toBeLessThanOrEqual(4_050);
      expect(left).toBeGreaterThan(1_000);
    },
  },
  {
    // Dubbo2 itself has none: an answer that nobody waits for is dropped.
    name: "cancellation reaches the callee",
    applies: (caller, callee) => !(caller === "dubbo2" && callee.startsWith("dubbo2")),
    run: async ({ stage, caller, callee }) => {
      // A 3.3 consumer that is busy sends the head of a call that it fails to write (Kinds with an Optional) and then nothing: its time ends it.
      await eventually("nothing is held before", () => stage.held()["callsInFlight"] === 0, 20_000);
      const before = (await callee.cancelled?.()) ?? 0;
      // Longer than a busy machine takes to tell the callee, so that its own answer lets nothing go.
      await caller.giveUp(12_000, 300);
      const until = Date.now() + 10_000;
      if (callee.cancelled !== undefined)
        await eventually("the callee sees it", async () => (await callee.cancelled!()) > before, until - Date.now());
      await eventually("it is let go", () => stage.held()["callsInFlight"] === 0, until - Date.now());
    },
  },
  ...(
    [
      ["up", "countBytes"],
      ["down", "makeBytes"],
      ["both", "echoBytes"],
    ] as const
  ).map(([way, method]) => ({
    name: `7 MB ${way}`,
    // Of a callee's second line both ways at once are enough; the stubs' program is slow with such texts.
    applies: (caller: CallerName, callee: CalleeName) =>
      has(method, caller, callee) &&
      (way === "both" || !["dubbo2.6", "wrapper3.2"].includes(callee)) &&
      (caller !== "protobuf" || (way === "both" && ["dubbo2", "wrapper"].includes(callee))),
    run: async ({ caller }: Cell) => expect(await caller.big(way, 7_000_000)).toBe(true),
  })),
  {
    name: "200 calls at once",
    applies: () => true,
    run: async ({ caller, callee }) => {
      const labels = await caller.burst(200, 300);
      expect(new Set(labels)).toEqual(new Set([callee.label]));
      expect(labels).toHaveLength(200);
    },
  },
];

const generic: readonly BridgeCase[] = [
  ...["raw.return", "bean"].map((style) => ({
    name: `generic ${style}`,
    // 2.6 knows no raw.return, and descriptors of its own.
    applies: (caller: CallerName, callee: CalleeName) => javaCallers.has(caller) && callee !== "dubbo2.6",
    run: async ({ caller, callee }: Cell) => {
      const { value, error } = await caller.generic!(style);
      expect([error, value]).toMatchObject([undefined, { id: 5, note: "note 5", servedBy: callee.label }]);
    },
  })),
  {
    name: "generic nativejava is refused",
    applies: (caller) => javaCallers.has(caller),
    run: async ({ caller }) => {
      expect((await caller.generic!("nativejava")).error?.message).toMatch(/native ?java/i);
    },
  },
];

const withStreams: ReadonlySet<string> = new Set(["wrapper", "wrapper3.2", "protobuf", "grpc"]);

function stream(name: string, run: (caller: BridgeCaller, callee: BridgeCallee) => Promise<void>): BridgeCase {
  return {
    name,
    applies: (caller, callee) => withStreams.has(caller) && withStreams.has(callee),
    run: ({ caller, callee }) => run(caller, callee),
  };
}

const streams: readonly BridgeCase[] = [
  stream("stream from the callee", async (caller, { label }) => {
    const values = [0, 1, 2].map((id) => `${id}@${label}`);
    expect(await caller.stream!({ kind: "orders", count: 3 })).toEqual({ values, ended: "completed" });
  }),
  stream("stream to the callee", async (caller, { label }) => {
    const wanted = { values: [`${label}: 0,1,2`], ended: "completed" };
    expect(await caller.stream!({ kind: "collect", count: 3 })).toEqual(wanted);
  }),
  stream("stream both ways", async (caller, { label }) => {
    const values = [0, 1, 2].map((id) => `${id}@${label}`);
    expect(await caller.stream!({ kind: "review", count: 3 })).toEqual({ values, ended: "completed" });
  }),
  stream("stream that ends with an error after messages", async (caller, { label }) => {
    const { values, ended } = await caller.stream!({ kind: "review", count: 3, refuse: true });
    expect(values).toEqual([`0@${label}`, `1@${label}`]);
    expect(ended).toMatch(/order 2 refused/);
  }),
  stream("stream that the caller ends", async (caller) => {
    const { values, ended } = await caller.stream!({ kind: "orders", count: -1, cancelAfter: 2 });
    expect([values.length, ended]).toEqual([2, "cancelled"]);
  }),
];

/** The whole list, in the order in which it is run. */
export const cases: readonly BridgeCase[] = [
  ...values,
  ...thrown,
  ...errors,
  ...attachments,
  ...generic,
  ...streams,
  ...limits,
  {
    name: "nothing is held when all calls are over",
    applies: () => true,
    run: async ({ stage }) => {
      await eventually("nothing is held", () => Object.values(stage.held()).every((count) => count === 0), 5_000);
    },
  },
];
