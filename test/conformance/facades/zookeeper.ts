import { decodeCuratorInstance, encodeSpringInstance } from "../../../src/codecs/zookeeper/curator-instance.ts";
import { isZooKeeperError } from "../../../src/codecs/zookeeper/status.ts";
import { createZookeeperFacade } from "../../../src/registry-sync/facades/zookeeper.ts";
import { createZooKeeperClient, type ZooKeeperClient } from "../../../src/registry-sync/sources/zookeeper/client.ts";
import { hosts } from "../../support/netns.ts";
import type { Address } from "../sources/registry.ts";
import { makeFolder } from "../sources/zookeeper.ts";
import { type FacadeKind, type FacadeUser, RENEW_MS, type Registered, repeat, Told } from "./users.ts";

/** Spring Cloud ZooKeeper's folders, in a session that is kept: reads with watches, ephemeral nodes. */
export const zookeeperKind: FacadeKind = {
  above: [0],
  host: hosts.trestle,
  open: (listen, upstream, context, allow = []) =>
    createZookeeperFacade({ listen, upstream: [upstream], context, allow }),
  users: { session: createUser },
};

function createUser(at: Address): FacadeUser {
  const client = createZooKeeperClient({ servers: [at], sessionTimeoutMs: 4_000 });
  const own = new Map<string, Uint8Array>();
  const following = new Map<string, () => Promise<void>>();
  const read = async (service: string, watch: boolean): Promise<readonly string[]> => {
    const folder = `/services/${service}`;
    // The watch waits for the folder where there is none.
    if ((await client.exists(folder, watch)) === undefined) return [];
    const { children } = await client.getChildren(folder, watch);
    const nodes = await Promise.all(
      children.map((name) => client.getData(`${folder}/${name}`, watch).catch(ignoreMissing)),
    );
    return nodes.flatMap((node) => (node === undefined ? [] : addressOf(node.data))).sort();
  };
  // As Curator does: what a change may concern is read again.
  client.onEvent(({ path }) => void following.get(path.split("/")[2] ?? "")?.());
  const keeping = repeat(RENEW_MS, async () => {
    for (const [path, data] of own) if ((await client.exists(path)) === undefined) await put(client, path, data);
  });
  const pathOf = (service: string, { host, port }: Registered) => `/services/${service}/${host}-${port}`;
  return {
    async list(service) {
      await client.connected(3_000);
      return await read(service, false);
    },
    async follow(service) {
      await client.connected(3_000);
      const told = new Told();
      let reading = Promise.resolve();
      const again = () => {
        reading = reading.then(async () => told.say(await read(service, true))).catch(() => {});
        return reading;
      };
      following.set(service, again);
      client.onState((state) => void (state === "connected" && again()));
      await again();
      return told;
    },
    async register(service, instance) {
      await client.connected(3_000);
      const [path, data] = [pathOf(service, instance), dataOf(service, instance, true)];
      await put(client, path, data);
      own.set(path, data);
    },
    async setUp(service, instance, isUp) {
      const [path, data] = [pathOf(service, instance), dataOf(service, instance, isUp)];
      await client.setData(path, data);
      own.set(path, data);
    },
    async cancel(service, instance) {
      own.delete(pathOf(service, instance));
      await client.delete(pathOf(service, instance));
    },
    async close() {
      keeping.stop();
      await client.close();
    },
  };
}

async function put(client: ZooKeeperClient, path: string, data: Uint8Array): Promise<void> {
  await makeFolder(client, path.slice(0, path.lastIndexOf("/")));
  await client.create(path, data, { mode: "ephemeral" });
}

function dataOf(service: string, { host, port }: Registered, isUp: boolean): Uint8Array {
  const metadata = { instance_status: isUp ? "UP" : "OUT_OF_SERVICE" };
  return encodeSpringInstance({ name: service, id: `${host}-${port}`, address: host, port, metadata });
}

function addressOf(data: Uint8Array | null): readonly string[] {
  const reading = decodeCuratorInstance(data ?? new Uint8Array());
  if (!("instance" in reading)) return [JSON.stringify(reading)];
  const { address, port, metadata } = reading.instance;
  return metadata["instance_status"] === "OUT_OF_SERVICE" ? [] : [`${address}:${port}`];
}

function ignoreMissing(error: unknown): undefined {
  if (!isZooKeeperError(error, "noNode")) throw error;
}
