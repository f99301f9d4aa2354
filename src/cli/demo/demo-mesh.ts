import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printAddress } from "../../base/address.ts";
import { createLogger } from "../../base/log.ts";
import type { Value } from "../../codecs/value.ts";
import type { DubboUrl } from "../../registry-sync/dubbo/url.ts";
import { resolveConfig } from "../config/resolve.ts";
import {
  findProviders,
  followProviders,
  openZooKeeper,
  type ProviderAddress,
  type ProviderScheme,
  registerUrl,
} from "../dubbo/registry.ts";
import { Mesh } from "../mesh/mesh.ts";
import { type SampleReply, servedBy, startSampleConsumer } from "./consumer.ts";
import { GrpcCaller } from "./grpc-caller.ts";
import { callJson } from "./http-caller.ts";
import { ORDER_PROTO } from "./order-proto.ts";
import { ORDER_SERVICE, type OrderMethod } from "./order-service.ts";
import { type SampleProvider, startSampleProvider } from "./provider.ts";
import type { Caller } from "./scenario.ts";
import { type StockCaller, StockCallers } from "./stock-callers.ts";
import { listenStock, STOCK_SERVICE, type StockMethod, stockRules } from "./stock-service.ts";

const HOST = "127.0.0.1";
const ADMIN_PORT = 15_000;

/**
 * A whole mesh on this machine: v1 of a sample service speaks Dubbo2, v2 Triple; a consumer of each protocol, all joined by the
 * facade's address alone; and callers by gRPC and JSON, which know the proxy's address.
 */
export interface DemoMesh {
  /** Makes a call in the caller's protocol; rejects where it failed. */
  call(caller: Caller, method: OrderMethod, args: readonly Value[]): Promise<SampleReply>;
  /** Makes a call of the service that is a REST service, and says who answered; rejects where it failed. */
  callStock(caller: StockCaller, method: StockMethod, args: readonly Value[]): Promise<string>;
  /** `host:port` lists for people to look at. */
  readonly facade: string;
  readonly proxy: Readonly<Record<ProviderScheme, readonly string[]>>;
  /** Of v1, of v2. */
  readonly providers: readonly string[];
  /** Where the REST service is, and the rule that leads callers to it. */
  readonly stock: { readonly address: string; readonly operations: readonly string[]; readonly rules: string };
  readonly admin: string;
  readonly rulesFile: string;
  readonly protoFile: string;
  /** Whether rules are in force now. */
  hasRules(): boolean;
  /** Replaces the rules; resolves when every proxy worker has them in force. */
  setRules(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts everything; rejects, with everything ended again, where something cannot start. */
export async function startDemoMesh(): Promise<DemoMesh> {
  const folder = await mkdtemp(join(tmpdir(), "trestle-demo-"));
  const rulesFile = join(folder, "rules.yaml");
  const protoFile = join(folder, "orders.proto");
  await Promise.all([writeFile(rulesFile, ""), writeFile(protoFile, ORDER_PROTO)]);
  const [facadePort, ...ports] = await freePorts(5);
  const [proxyPorts, triPorts] = [ports.slice(0, 2), ports.slice(2)];
  const adminPort = (await isFree(ADMIN_PORT)) ? ADMIN_PORT : 0;
  const resolved = resolveConfig(
    {
      facade: [`zookeeper://${HOST}:${facadePort}`],
      proxyHost: HOST,
      proxyPort: proxyPorts.map(String),
      triPort: triPorts.map(String),
      rules: [rulesFile],
      protos: [protoFile],
      admin: `${HOST}:${adminPort}`,
      logLevel: "error",
    },
    {},
  );
  if (resolved.config === undefined) throw resolved.errors[0]!;
  const mesh = new Mesh(resolved.config, createLogger("error"));
  await mesh.start();
  const registry = `zookeeper://${HOST}:${facadePort}`;
  // Providers and consumers have sessions of their own, as applications would.
  const [providerSide, consumerSide] = [openZooKeeper(registry), openZooKeeper(registry)];
  const providers: SampleProvider[] = [];
  for (const [label, scheme] of [
    ["v1", "dubbo"],
    ["v2", "tri"],
  ] as const) {
    const register = (url: DubboUrl) => registerUrl(providerSide, "providers", url);
    providers.push(await startSampleProvider({ scheme, host: HOST, port: 0, label, register }));
  }
  const proxy = {
    dubbo: proxyPorts.map((port) => printAddress(HOST, port)),
    tri: triPorts.map((port) => printAddress(HOST, port)),
  };
  const start = async (scheme: ProviderScheme) => {
    const consumer = await startSampleConsumer({
      application: `demo-${scheme}-consumer`,
      follow: (onList) => followProviders(consumerSide, ORDER_SERVICE, [scheme], onList),
    });
    await until("consumers are shown the proxy", () => {
      const listed = consumer.providers.map(({ host, port }) => printAddress(host, port)).sort();
      return listed.join() === [...proxy[scheme]].sort().join();
    });
    return consumer;
  };
  const [dubbo, triple] = [await start("dubbo"), await start("tri")];
  const rest = await listenStock(HOST, 0);
  const found = remembered(() => findProviders(registry, STOCK_SERVICE, ["dubbo"], WAIT_MS));
  const listed = triPorts.map((port): ProviderAddress => ({ scheme: "tri", host: HOST, port }));
  const stock = new StockCallers(async (scheme) => (scheme === "tri" ? listed : found()));
  const grpc = triPorts.map((port) => new GrpcCaller({ host: HOST, port }));
  let turn = 0;
  await until("both providers and the types are known", () => {
    const { entries, schemas } = mesh.store.snapshots.get();
    return entries[0]?.endpoints.length === 2 && schemas.length > 0 && mesh.unsettled().length === 0;
  });
  return {
    async call(caller, method, args) {
      if (caller === "Dubbo2") return dubbo.call(method, args);
      if (caller === "Triple") return triple.call(method, args);
      const next = turn++ % triPorts.length;
      const value =
        caller === "gRPC"
          ? await grpc[next]!.call(method, args)
          : await callJson({ host: HOST, port: triPorts[next]! }, ORDER_SERVICE, method, args);
      return { value, servedBy: servedBy(value) };
    },
    callStock: (caller, method, args) => stock.call(caller, method, args),
    stock: {
      address: printAddress(HOST, rest.port),
      operations: rest.operations,
      rules: stockRules(HOST, rest.port),
    },
    facade: printAddress(HOST, facadePort!),
    proxy,
    providers: providers.map(({ url }) => printAddress(url.host, url.port)),
    admin: `http://${mesh.adminAddress}`,
    rulesFile,
    protoFile,
    hasRules: () => mesh.store.snapshots.get().rules.length > 0,
    async setRules(text) {
      const before = mesh.store.snapshots.get();
      await writeFile(`${rulesFile}.new`, text);
      await rename(`${rulesFile}.new`, rulesFile);
      const isRead = () => {
        const { rules, schemas } = mesh.store.snapshots.get();
        const asks = rules.some((rule) => rule.kind === "RestMapping" && rule.mapping.openapi !== undefined);
        return !asks || schemas.some(({ published }) => published !== undefined);
      };
      await until(
        "the rules are in force",
        () => mesh.store.snapshots.get() !== before && isRead() && mesh.unsettled().length === 0,
      );
    },
    async close() {
      await Promise.all([dubbo.close(), triple.close()]);
      for (const caller of [...grpc, stock]) caller.close();
      await Promise.all(providers.map((provider) => provider.close()));
      await Promise.all([providerSide.close(), consumerSide.close()]);
      await mesh.stop();
      await rest.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const WAIT_MS = 15_000;

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > deadlineMs) throw new Error(`the demo waited ${WAIT_MS / 1_000} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Asks the registry once, and again while it lists nobody. */
function remembered(find: () => Promise<readonly ProviderAddress[]>): typeof find {
  let known: readonly ProviderAddress[] = [];
  let asked: ReturnType<typeof find> | undefined;
  return async () => {
    if (known.length > 0) return known;
    asked ??= find().finally(() => {
      asked = undefined;
    });
    known = await asked;
    return known;
  };
}

/** Ports that nobody listens on now, as the system gives them. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  try {
    const server = await listen(port);
    await new Promise((resolve) => server.close(resolve));
    return true;
  } catch {
    return false;
  }
}

function listen(port: number): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, HOST, () => resolve(server));
  });
}
