import { beforeEach, expect, test } from "vitest";
import {
  createZooKeeperClient,
  type ZooKeeperClient,
} from "../../../../../src/registry-sync/sources/zookeeper/client.ts";
import { SimulatedRegistry } from "../../../../support/simulated-registry.ts";

let home: SimulatedRegistry;
let client: ZooKeeperClient;

beforeEach(async () => {
  home = new SimulatedRegistry();
  client = createZooKeeperClient({ servers: [{ host: "h", port: 1 }], clock: home.clock, openLink: home.openLink });
  await home.advance(50);
});

async function settle<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  await home.advance(50);
  return promise;
}

test("nodes are made, read, changed and removed", async () => {
  expect(await settle(client.create("/a", Buffer.from("one")))).toBe("/a");
  expect(await settle(client.create("/a/s-", null, { mode: "persistentSequential" }))).toBe("/a/s-0000000000");
  expect(await settle(client.create("/a/c", null, { mode: "container" }))).toBe("/a/c");
  expect(await settle(client.getData("/a"))).toMatchObject({
    data: Uint8Array.from(Buffer.from("one")),
    stat: { numChildren: 2 },
  });
  expect((await settle(client.setData("/a", null))).version).toBe(1);
  expect((await settle(client.getChildren("/a"))).children).toEqual(["s-0000000000", "c"]);
  await settle(client.delete("/a/c"));
  expect(await settle(client.exists("/a/c"))).toBeUndefined();
  expect((await settle(client.exists("/a")))?.numChildren).toBe(1);
  await settle(client.sync("/a"));
});

test("ACLs are read and set", async () => {
  await settle(client.create("/a"));
  const acl = [{ perms: 31, scheme: "ip", id: "10.0.0.0/8" }];
  expect((await settle(client.setAcl("/a", acl))).aversion).toBe(1);
  expect((await settle(client.getAcl("/a"))).acl).toEqual(acl);
});

test("errors reject with their name", async () => {
  await expect(settle(client.getData("/no"))).rejects.toMatchObject({ reason: "noNode", path: "/no" });
  await expect(settle(client.delete("/"))).rejects.toMatchObject({ reason: "badArguments" });
});

test("a multi that fails resolves with the reasons", async () => {
  expect(await settle(client.multi([{ op: "check", path: "/no", version: 1 }]))).toEqual([{ op: "error", err: -101 }]);
});

test("watches that stay are added and removed", async () => {
  const told: string[] = [];
  client.onEvent(({ type, path }) => told.push(`${type} ${path}`));
  await settle(client.addWatch("/", "persistentRecursive"));
  await settle(client.create("/a"));
  await settle(client.removeWatches("/"));
  await settle(client.create("/b"));
  expect(told).toEqual(["1 /a"]);
  await expect(settle(client.removeWatches("/"))).rejects.toMatchObject({ reason: "noWatcher" });
});

test("close ends the session on the server", async () => {
  await settle(client.create("/e", null, { mode: "ephemeral" }));
  await settle(client.close());
  expect(home.registry.tree.stat("/e")).toBeUndefined();
});
