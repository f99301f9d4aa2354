import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { REMOVED_PREFIX } from "../../src/codecs/dubbo2/attachment-plan.ts";
import { decodeResponse, encodeRequest } from "../../src/codecs/dubbo2/body.ts";
import { editRequest, type RequestEdits } from "../../src/codecs/dubbo2/edit.ts";
import { RequestHead } from "../../src/codecs/dubbo2/head.ts";
import { valueToJson } from "../../src/codecs/hessian2/json.ts";
import { jsonToPlain } from "../../src/codecs/json-text.ts";
import { listValue, objectValue, type Value } from "../../src/codecs/value.ts";
import { lines, startProvider } from "../support/dubbo.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { type Peer, stopAll } from "../support/process.ts";
import { frame, openRaw } from "../support/raw-dubbo.ts";
import { startZooKeeper, type ZooKeeper } from "../support/zookeeper.ts";

// Requests that were changed without decoding them, read by real providers.
let zookeeper: ZooKeeper;

beforeAll(async () => {
  requireNamespace();
  zookeeper = await startZooKeeper(hosts.registry);
});

afterAll(async () => {
  await stopAll();
});

interface Call {
  readonly method: string;
  readonly descriptor: string;
  readonly args: readonly Value[];
  readonly attachments?: Readonly<Record<string, Value>>;
  readonly interface?: string;
  readonly group?: string;
  readonly version?: string;
}

/** Encodes a call, edits it, sends it to the provider, and gives the answer's value as plain JavaScript. */
async function answered(call: Call, edits: RequestEdits): Promise<unknown> {
  const service = { interface: "com.acme.OrderService", group: "g", version: "1.0.0" };
  const before = encodeRequest({ ...service, attachments: {}, ...call, idHigh: 7, idLow: 9, twoWay: true });
  const head = new RequestHead();
  head.scan(before, 16, before.length);
  const connection = await openRaw(hosts.provider1, 20_880);
  onTestFinished(() => connection.destroy());
  connection.write(editRequest(head, edits));
  const { id, flags, status, body } = await connection.answer();
  expect(id).toBe((7n << 32n) | 9n);
  const answer = frame(flags, id, body, undefined, status);
  const response = decodeResponse(answer, 0, answer.length);
  expect([response.type, response.text]).toEqual(["value", ""]);
  return jsonToPlain(valueToJson(response.value));
}

describe.each(lines)("a %s provider", (line) => {
  let provider: Peer;

  beforeAll(async () => {
    const registry = zookeeper.address;
    provider = await startProvider(line, {
      registry,
      host: hosts.provider1,
      group: "g",
      version: "1.0.0",
      label: line,
    });
  });

  afterAll(async () => {
    await provider.stop();
  });

  test("takes a call that was made for another service, group and version", async () => {
    const other = { interface: "com.acme.Elsewhere", group: "other", version: "9.9.9" };
    const edits = { service: "com.acme.OrderService", group: "g", version: "1.0.0" };
    const order = await answered({ ...other, method: "getOrder", descriptor: "J", args: [42n] }, edits);
    expect(order).toMatchObject({ id: 42, servedBy: line });
    const none = { interface: "com.acme.Elsewhere", group: "", version: "" };
    expect(await answered({ ...none, method: "getOrder", descriptor: "J", args: [43n] }, edits)).toMatchObject({
      id: 43,
    });
  });

  test("sees attachments as they were set, added and removed, and lowered time-outs", async () => {
    const attachments = { "x-old": "1", "X-Case": "a", "x-number": 5, timeout: "9000", "x-list": "a" };
    const edits: RequestEdits = {
      remove: ["x-old"],
      set: [
        ["x-case", "b"],
        ["x-number", "six"],
        ["x-new", "é中🚀"],
      ],
      add: [["x-list", "b"]],
      timeoutMs: 800,
    };
    const seen = await answered({ method: "attachments", descriptor: "", args: [], attachments }, edits);
    expect(seen).toMatchObject({ "X-Case": "b", "x-number": "six", "x-new": "é中🚀", "x-list": "a,b" });
    expect(seen).not.toHaveProperty("x-old");
    expect(seen).not.toHaveProperty("x-case");
  });

  test("reads what stands behind an attachment that could not be cut out", async () => {
    const shared = objectValue("com.acme.Customer", [["name", "bob"]]);
    const attachments = { first: listValue([shared]), second: listValue([shared, shared]), third: "c" };
    const edits = { remove: ["first"], set: [["fourth", "d"]] as const };
    const call = { method: "sayHi", descriptor: "Ljava/lang/String;", args: ["bob"], attachments };
    expect(await answered(call, edits)).toContain("bob");
    const head = new RequestHead();
    const before = encodeRequest({
      ...{ interface: "a.B", group: "", version: "", idHigh: 0, idLow: 1, twoWay: true },
      ...call,
    });
    head.scan(before, 16, before.length);
    const after = editRequest(head, edits);
    head.scan(after, 16, after.length);
    expect(head.attachments().indexOf(`${REMOVED_PREFIX}first`)).toBeGreaterThanOrEqual(0);
  });
});
