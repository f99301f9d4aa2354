import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WORKER_NODE_OPTIONS, type WorkerReply, type WorkerRequest } from "../../src/bridge-proxy/worker.ts";
import { WORKER_COMMAND } from "../../src/cli/worker-command.ts";
import {
  CLUSTER_TYPE,
  type Cluster,
  type ClusterLoadAssignment,
  type DeltaResources,
  ENDPOINT_TYPE,
  LISTENER_TYPE,
  type Listener,
  ROUTE_TYPE,
  type RouteConfiguration,
  TRESTLE_METADATA,
  type TypeUrl,
  type XdsResource,
} from "../../src/codecs/xds/resources.ts";
import { eventually, type Peer, sleep, startProcess } from "../support/process.ts";

const HOST = "127.0.0.1";
const SERVICE = "o.Orders";

/** Node's options for the worker beside its own, for profiles: `BENCH_WORKER_OPTIONS="--cpu-prof --cpu-prof-dir=..."`. */
const extraOptions = (process.env["BENCH_WORKER_OPTIONS"] ?? "").split(" ").filter((option) => option !== "");

/**
 * Starts one worker of `trestle up`, as it is built, with a listener for gRPC on `port` and a route by method to two subsets that the
 * one provider is both in. `launch` turns a command into one on the right core.
 */
export async function startTripleWorker(
  port: number,
  echoPort: number,
  launch: (command: string, args: readonly string[]) => { command: string; args: string[] },
): Promise<Peer> {
  const program = join(dirname(fileURLToPath(import.meta.url)), "../../dist/cli.js");
  await access(program).catch(() => {
    throw new Error("dist/cli.js is missing: make build");
  });
  const replies: WorkerReply[] = [];
  const options = [...WORKER_NODE_OPTIONS, ...extraOptions];
  const worker = await startProcess({
    name: "trestle worker",
    ...launch(process.execPath, [...options, program, WORKER_COMMAND, "bench", "--log-level", "warn"]),
    channel: true,
    ready: ({ child }) => {
      if (child.listenerCount("message") === 0) child.on("message", (reply: WorkerReply) => replies.push(reply));
      return replies.some(({ type }) => type === "ready");
    },
    deadlineMs: 15_000,
  });
  worker.child.send({ type: "apply", id: 1, changes: tripleResources(port, echoPort) } satisfies WorkerRequest);
  const applied = await eventually("the worker has its resources", () => replies.find((one) => one.type === "applied"));
  if (applied.error !== undefined) throw new Error(`the worker did not take its resources: ${applied.error}`);
  return worker;
}

/** Has the worker end by itself, as a parent does; a profile is only written then. */
export async function endWorker(worker: Peer): Promise<void> {
  if (worker.child.connected) worker.child.send({ type: "drain", graceMs: 100 } satisfies WorkerRequest);
  await Promise.race([worker.exited, sleep(5_000)]);
}

/** What a worker has to know to carry the bench's gRPC calls. */
export function tripleResources(port: number, echoPort: number): DeltaResources[] {
  const listener: Listener = {
    name: "tri",
    address: { socketAddress: { address: HOST, portValue: port } },
    metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol: "tri", routeConfigName: "tri" } } },
  };
  const host = SERVICE.toLowerCase();
  const clusterName = (subset: string) => `outbound|${echoPort}|${subset}|${host}`;
  const routes: RouteConfiguration = {
    name: "tri",
    virtualHosts: [
      {
        name: host,
        domains: [host, SERVICE],
        routes: [
          { name: "orders/v2", match: { path: `/${SERVICE}/addOrder` }, route: { cluster: clusterName("v2") } },
          { name: "orders/v1", match: { prefix: "/" }, route: { cluster: clusterName("v1") } },
        ],
      },
    ],
  };
  const clusters = ["v1", "v2"].map(
    (subset): Cluster => ({
      name: clusterName(subset),
      type: "EDS",
      lbPolicy: "ROUND_ROBIN",
      metadata: {
        filterMetadata: { [TRESTLE_METADATA]: { interface: SERVICE, group: "", version: "", host, subset } },
      },
    }),
  );
  const endpoints = clusters.map(
    ({ name }): ClusterLoadAssignment => ({
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [
            {
              endpoint: { address: { socketAddress: { address: HOST, portValue: echoPort } } },
              loadBalancingWeight: 100,
              metadata: { filterMetadata: { [TRESTLE_METADATA]: { protocol: "tri" } } },
            },
          ],
        },
      ],
    }),
  );
  return [
    changes(LISTENER_TYPE, [listener]),
    changes(ROUTE_TYPE, [routes]),
    changes(CLUSTER_TYPE, clusters),
    changes(ENDPOINT_TYPE, endpoints),
  ];
}

function changes(typeUrl: TypeUrl, resources: readonly XdsResource[]): DeltaResources {
  const named = resources.map((resource) => {
    const name = "clusterName" in resource ? resource.clusterName : resource.name;
    return { name, version: "1", resource };
  });
  return { typeUrl, resources: named, removedResources: [] };
}
