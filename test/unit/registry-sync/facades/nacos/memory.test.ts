import { expect, test } from "vitest";
import { type NacosBody, parseBody } from "../../../../../src/codecs/nacos/body.ts";
import { decodePayload, encodePayload } from "../../../../../src/codecs/nacos/payload.ts";
import { ClientMemory, serviceText } from "../../../../../src/registry-sync/facades/nacos/memory.ts";

function take(
  memory: ClientMemory,
  type: string,
  body: NacosBody,
  headers: readonly (readonly [string, string])[] = [],
) {
  const message = encodePayload({ type, headers, body: JSON.stringify(body) });
  const payload = decodePayload(message);
  memory.noteSent(payload);
  memory.noteTaken(payload, body, message);
}

function register(serviceName: string, ip = "10.0.0.1", type = "registerInstance"): NacosBody {
  return { serviceName, type, instance: { ip, port: 80 } };
}

function replayed(memory: ClientMemory): unknown[] {
  return memory.replay().map((message) => {
    const { type, body } = decodePayload(message);
    return [type, parseBody(body)["serviceName"] ?? parseBody(body)["configListenContexts"]];
  });
}

test("registrations come before subscriptions, and those before configurations", () => {
  const memory = new ClientMemory();
  take(memory, "ConfigBatchListenRequest", {
    listen: true,
    configListenContexts: [{ dataId: "d", group: "g", tenant: "", md5: "1" }],
  });
  take(memory, "SubscribeServiceRequest", { serviceName: "s", subscribe: true });
  take(memory, "InstanceRequest", register("r"));
  take(memory, "BatchInstanceRequest", { serviceName: "b", type: "batchRegisterInstance", instances: [] });
  expect(replayed(memory)).toEqual([
    ["InstanceRequest", "r"],
    ["BatchInstanceRequest", "b"],
    ["SubscribeServiceRequest", "s"],
    ["ConfigBatchListenRequest", [{ dataId: "d", group: "g", tenant: "", md5: "1" }]],
  ]);
});

test("what is taken back is not repeated, what is said twice is repeated as said last", () => {
  const memory = new ClientMemory();
  take(memory, "InstanceRequest", register("r"));
  take(memory, "InstanceRequest", register("r", "10.0.0.2"));
  take(memory, "InstanceRequest", register("gone"));
  take(memory, "InstanceRequest", register("gone", "10.0.0.1", "deregisterInstance"));
  take(memory, "SubscribeServiceRequest", { serviceName: "s", subscribe: true });
  take(memory, "SubscribeServiceRequest", { serviceName: "s", subscribe: false });
  const listen = (md5: string, listens: boolean) => ({
    listen: listens,
    configListenContexts: [{ dataId: "d", group: "g", tenant: "", md5 }],
  });
  take(memory, "ConfigBatchListenRequest", listen("1", true));
  take(memory, "ConfigBatchListenRequest", listen("2", true));
  expect(memory.registered()).toHaveLength(1);
  expect(memory.registration("public\nDEFAULT_GROUP\nr")).toEqual(memory.registered()[0]);
  expect(memory.registration("public\nDEFAULT_GROUP\ngone")).toBeUndefined();
  expect(memory.registrations).toBe(1);
  expect(replayed(memory)).toEqual([
    ["InstanceRequest", "r"],
    ["ConfigBatchListenRequest", [{ dataId: "d", group: "g", tenant: "", md5: "2" }]],
  ]);
  take(memory, "ConfigBatchListenRequest", listen("2", false));
  expect(replayed(memory)).toEqual([["InstanceRequest", "r"]]);
});

test("persistent instances outlive a connection: they are not repeated", () => {
  const memory = new ClientMemory();
  take(memory, "PersistentInstanceRequest", register("r"));
  expect(memory.replay()).toEqual([]);
});

test("the newest token goes with what is repeated", () => {
  const memory = new ClientMemory();
  take(memory, "InstanceRequest", register("r"), [
    ["accessToken", "old"],
    ["app", "shop"],
  ]);
  take(memory, "HealthCheckRequest", {}, [["accessToken", "new"]]);
  expect([...decodePayload(memory.replay()[0]!).headers]).toEqual([
    ["accessToken", "new"],
    ["app", "shop"],
  ]);
  memory.noteToken("newer");
  memory.noteToken("n".repeat(8_193));
  expect(decodePayload(memory.replay()[0]!).headers.get("accessToken")).toBe("newer");
});

const limits: readonly (readonly [string, number, number])[] = [
  ["too many items", 2, 1 << 20],
  ["too many bytes", 100, 200],
];

test.each(limits)("%s: not whole", (_name, maxItems, maxBytes) => {
  const memory = new ClientMemory({ maxItems, maxBytes });
  take(memory, "InstanceRequest", register("a"));
  expect(memory.isWhole).toBe(true);
  take(memory, "InstanceRequest", register("b"));
  take(memory, "InstanceRequest", register("c"));
  expect(memory.isWhole).toBe(false);
});

test("what cannot be repeated makes it not whole", () => {
  const memory = new ClientMemory();
  take(memory, "ConfigFuzzyWatchRequest", {});
  expect(memory.isWhole).toBe(false);
});

test("a service has one text", () => {
  expect(serviceText({ namespace: "n", groupName: "g", serviceName: "s" })).toBe("n\ng\ns");
});
