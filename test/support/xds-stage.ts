import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { placeOf } from "../../src/cli/mesh/xds-output.ts";
import type { ServedSet } from "../../src/codecs/xds/served.ts";
import { createCompiler } from "../../src/control/compile/compiler.ts";
import { CARRIED_PROTOCOLS } from "../../src/control/compile/endpoints.ts";
import { type BootstrapOptions, printEnvoyBootstrap } from "../../src/control/compile/envoy/bootstrap.ts";
import { createServedSource, type ServedSource } from "../../src/control/compile/served-source.ts";
import { parseRules } from "../../src/control/rules/parse.ts";
import { oldestFirst } from "../../src/control/rules/rule-set.ts";
import { withServiceEntries } from "../../src/control/rules/service-entries.ts";
import type { XdsNode } from "../../src/control/xds/contracts.ts";
import { createXdsServer, type XdsServer } from "../../src/control/xds/server.ts";
import { createSnapshot, type Snapshot } from "../../src/model/snapshot.ts";
import { installEnvoy } from "../bench/toolchain.ts";
import { eventually, type Peer, startProcess } from "./process.ts";
import { entryOf } from "./rule-cases.ts";

/** What stands in the mesh: printed service keys with provider URLs as in fixtures/rules, and rules as YAML. */
export interface World {
  readonly services: Readonly<Record<string, readonly string[]>>;
  readonly rules?: string;
}

/** An xDS server in this process that serves a world of services and rules to all kinds of clients. */
export interface XdsStage {
  readonly host: string;
  readonly port: number;
  readonly server: XdsServer;
  readonly source: ServedSource;
  /** Takes another world; resolves once every client has answered all that it was sent for it. */
  apply(world: World): Promise<void>;
  /** Who every client is taken for, as if it had a certificate; nobody unless set. */
  identity: string | undefined;
  /** Changes what clients are given after it was compiled; undefined for no change. */
  spoil: ((set: ServedSet) => ServedSet) | undefined;
  close(): Promise<void>;
}

/** Opens the server on a free port of `host`. */
export async function startXdsStage(host: string, world: World): Promise<XdsStage> {
  let snapshot: Snapshot = snapshotOf(world);
  const compile = createCompiler();
  const source = createServedSource({
    snapshot: () => snapshot,
    compile: (of, node) => compile(of, { id: "others", dubbo: [], gatewayAddress: host, ...placeOf(node) }),
  });
  const vouched = new WeakMap<XdsNode, XdsNode>();
  const known = (node: XdsNode): XdsNode => {
    if (stage.identity === undefined) return node;
    const one = vouched.get(node) ?? { ...node, identity: stage.identity };
    vouched.set(node, one);
    return one;
  };
  const spoiled = new WeakMap<ServedSet, ServedSet>();
  const server = await createXdsServer({
    listen: `${host}:0`,
    debounceMs: 10,
    source: {
      resourcesFor(node) {
        const set = source.resourcesFor(known(node));
        if (set === undefined || stage.spoil === undefined) return set;
        const given = spoiled.get(set) ?? stage.spoil(set);
        spoiled.set(set, given);
        return given;
      },
    },
  });
  const stage: XdsStage = {
    host,
    port: Number(server.address.slice(server.address.lastIndexOf(":") + 1)),
    server,
    source,
    identity: undefined,
    spoil: undefined,
    async apply(next) {
      snapshot = snapshotOf(next);
      server.changed();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await eventually("every client has what it was sent", () =>
        server.clients().every(({ types }) => types.every(({ state }) => state === "synced" || state === "error")),
      );
    },
    close: () => server.close(),
  };
  return stage;
}

function snapshotOf({ services, rules = "" }: World): Snapshot {
  const parsed = parseRules("rules.yaml", rules);
  const faults = parsed.findings.filter(({ severity }) => severity === "error");
  if (faults.length > 0) throw new Error(faults.map(({ at, message }) => `${at}: ${message}`).join("\n"));
  const entries = Object.entries(services).map(([key, urls]) => entryOf(key, urls));
  const ordered = oldestFirst(parsed.rules);
  return createSnapshot(withServiceEntries(entries, ordered), ordered, CARRIED_PROTOCOLS);
}

/** A stock Envoy that takes all it does from an xDS server. */
export interface XdsEnvoy {
  readonly peer: Peer;
  /** Statistics whose names match, by name. */
  stats(filter: string): Promise<Readonly<Record<string, number>>>;
  /** Every update that it has refused so far, by name; empty for none. */
  rejected(): Promise<Readonly<Record<string, number>>>;
  /** What it has in force, as its admin port prints it: `dynamic_active_clusters`, `dynamic_route_configs`, ... */
  dump(resource: string): Promise<string>;
  stop(): Promise<unknown>;
}

/** Starts an Envoy with a bootstrap of ours; resolves once it says that it is ready. */
export async function startXdsEnvoy(options: BootstrapOptions): Promise<XdsEnvoy> {
  const program = await installEnvoy();
  const folder = mkdtempSync(join(tmpdir(), "trestle-envoy-"));
  const [config, admin] = [join(folder, "envoy.yaml"), join(folder, "admin")];
  writeFileSync(config, printEnvoyBootstrap({ ...options, admin: { host: "127.0.0.1", port: 0 } }));
  const adminUrl = () => `http://${readFileSync(admin, "utf8").trim()}`;
  const peer = await startProcess({
    name: `envoy ${options.nodeId}`,
    command: program,
    args: ["-c", config, "--disable-hot-restart", "--concurrency", "1", "--admin-address-path", admin, "-l", "warn"],
    ready: async () => existsSync(admin) && (await fetch(`${adminUrl()}/ready`).catch(() => undefined))?.status === 200,
  });
  const stats = async (filter: string) => {
    const text = await (await fetch(`${adminUrl()}/stats?filter=${encodeURIComponent(filter)}`)).text();
    const rows = text.split("\n").map((line) => /^(.+): (\d+)$/.exec(line));
    return Object.fromEntries(rows.filter((row) => row !== null).map(([, name, value]) => [name!, Number(value)]));
  };
  return {
    peer,
    stats,
    rejected: async () =>
      Object.fromEntries(Object.entries(await stats("update_rejected")).filter(([, count]) => count > 0)),
    dump: async (resource) => (await fetch(`${adminUrl()}/config_dump?resource=${resource}`)).text(),
    stop: () => peer.stop(),
  };
}
