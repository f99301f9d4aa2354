import { createHash, randomUUID } from "node:crypto";
import { encodeDubboInstance, encodeSpringInstance } from "../../../src/codecs/zookeeper/curator-instance.ts";
import { isZooKeeperError } from "../../../src/codecs/zookeeper/status.ts";
import { encodeName } from "../../../src/registry-sync/dubbo/url.ts";
import { createZooKeeperClient, type ZooKeeperClient } from "../../../src/registry-sync/sources/zookeeper/client.ts";
import { createZookeeperSource } from "../../../src/registry-sync/sources/zookeeper/source.ts";
import { hosts } from "../../support/netns.ts";
import { startZooKeeper } from "../../support/zookeeper.ts";
import type { SharedRegistry } from "../shared-registry.ts";
import { startBadNetwork } from "./network.ts";
import type { Instance, SourceRegistry } from "./registry.ts";

const PORT = 2_181;

interface Node {
  readonly path: string;
  readonly data: Uint8Array | null;
  /** Stays when the instance goes. */
  readonly isLasting?: boolean;
}

/** What a provider or application writes of an instance, in this order. */
type Written = (service: string, instance: Instance) => readonly Node[];

/** As a Dubbo 2.7 provider does. */
export const asDubbo: Written = (service, { host, port, up = true, weight, metadata = {} }) => {
  const query = new URLSearchParams({ application: applicationOf(service), interface: service, ...metadata });
  if (weight !== undefined) query.set("weight", weight);
  if (!up) query.set("disabled", "true");
  const url = `dubbo://${host}:${port}/${service}?${query}`;
  return [{ path: `/dubbo/${service}/providers/${encodeName(url)}`, data: null }];
};

/** As Spring Cloud ZooKeeper does. */
export const asSpring: Written = (service, { host, port, up = true, metadata = {} }) => {
  const id = randomUUID();
  const said = { ...metadata, instance_status: up ? "UP" : "OUT_OF_SERVICE" };
  return [
    {
      path: `/services/${service}/${id}`,
      data: encodeSpringInstance({ name: service, id, address: host, port, metadata: said }),
    },
  ];
};

const applicationOf = (service: string) => `${service}-app`;

/** As Dubbo 3 does at application level: an instance, and what its revision offers in the metadata centre. */
export const asApplication: Written = (service, { host, port, up = true, weight, metadata = {} }) => {
  // A provider that goes offline has no instance.
  if (!up) return [];
  const name = applicationOf(service);
  const params = { ...metadata, ...(weight !== undefined && { weight }), application: name, interface: service };
  const offer = { name: service, params, path: service, port, protocol: "dubbo" };
  const services = { [`${service}:dubbo`]: offer };
  const revision = createHash("md5").update(JSON.stringify(services)).digest("hex");
  const id = `${host}:${port}`;
  const said = {
    "dubbo.endpoints": JSON.stringify([{ port, protocol: "dubbo" }]),
    "dubbo.metadata.revision": revision,
    "dubbo.metadata.storage-type": "remote",
  };
  const info = Buffer.from(JSON.stringify({ app: name, revision, services }));
  return [
    { path: `/dubbo/metadata/${name}/${revision}`, data: info, isLasting: true },
    {
      path: `/services/${name}/${id.replace(/[^\w.:-]/g, "_")}`,
      data: encodeDubboInstance({ name, id, address: host, port, metadata: said }),
    },
  ];
};

/** As Dubbo 3 does unless told otherwise: both, and the two are one endpoint. */
export const asBoth: Written = (service, instance) => [
  ...asDubbo(service, instance),
  ...asApplication(service, instance),
];

/** A registry into which everybody writes in one way, or each in his own. */
export interface ZookeeperRegistry extends SourceRegistry {
  as(kind: string, write: Written): SourceRegistry;
}

/** The registry as those see it who write in this way. */
export function writtenBy(shared: SharedRegistry<ZookeeperRegistry>, kind: string, write: Written): SharedRegistry {
  return { registry: () => shared.registry().as(kind, write) };
}

/** A real ZooKeeper, written to by a client of its own. */
export async function startZookeeperRegistry(): Promise<ZookeeperRegistry> {
  const server = await startZooKeeper(hosts.registry, PORT);
  const address = { host: hosts.registry, port: PORT };
  const writer = createZooKeeperClient({ servers: [{ host: hosts.registry, port: PORT }], sessionTimeoutMs: 4_000 });
  await writer.connected(10_000);
  for (const path of ["/dubbo", "/services"]) await makeFolder(writer, path);
  /** Nodes by instance, of each service. */
  const stands = new Map<string, Map<string, readonly Node[]>>();
  const writeAll = async (nodes: readonly Node[]) => {
    for (const { path, data } of nodes) {
      await makeFolder(writer, path.slice(0, path.lastIndexOf("/")));
      await writer.create(path, data).catch(async (error: unknown) => {
        if (!isZooKeeperError(error, "nodeExists")) throw error;
        await writer.setData(path, data);
      });
    }
  };
  const going = (nodes: Iterable<readonly Node[]>) =>
    [...nodes].flat().flatMap(({ path, isLasting }) => (isLasting ? [] : [path]));
  const as = (kind: string, write: Written): SourceRegistry => ({
    kind,
    address,
    sources: {
      zookeeper: ({ host, port }) =>
        createZookeeperSource({ name: kind, hosts: [`${host}:${port}`], sessionTimeoutMs: 2_000 }),
    },
    async put(service, instances) {
      const before = stands.get(service) ?? new Map<string, readonly Node[]>();
      const after = new Map<string, readonly Node[]>();
      stands.set(service, after);
      for (const instance of instances) {
        const key = JSON.stringify(instance);
        const nodes = before.get(key) ?? write(service, instance);
        if (!before.has(key)) await writeAll(nodes);
        after.set(key, nodes);
      }
      const stay = new Set(going(after.values()));
      for (const path of going(before.values())) if (!stay.has(path)) await writer.delete(path);
    },
    openNetwork: () => startBadNetwork(hosts.relay, address),
    kill: () => server.kill(),
    async restart() {
      await server.restart();
      await writer.connected(20_000);
    },
    async empty() {
      const paths = [...stands.values()].flatMap((nodes) => going(nodes.values()));
      await Promise.all(paths.map((path) => writer.delete(path)));
    },
    async putBack() {
      for (const nodes of stands.values()) for (const written of nodes.values()) await writeAll(written);
    },
    async stop() {
      await writer.close();
      await server.stop();
    },
  });
  return { ...as("zookeeper", asSpring), as };
}

/** Makes a folder and those above it, where they are not there yet. */
export async function makeFolder(writer: ZooKeeperClient, path: string): Promise<void> {
  const parts = path.split("/").slice(1);
  for (let depth = 1; depth <= parts.length; depth++) {
    await writer.create(`/${parts.slice(0, depth).join("/")}`).catch((error: Error) => {
      if (!/node ?exists/i.test(error.message)) throw error;
    });
  }
}
