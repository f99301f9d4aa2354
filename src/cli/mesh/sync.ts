import { realClock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { DiffReport } from "../../control/admin/sources.ts";
import type { Finding } from "../../model/entry.ts";
import type { Sink, Source, SyncState } from "../../registry-sync/contracts.ts";
import { diffRows } from "../../registry-sync/diff.ts";
import { createEmbeddedRegistry, type EmbeddedRegistry } from "../../registry-sync/embedded/server.ts";
import { plan } from "../../registry-sync/plan.ts";
import { createFilesSink } from "../../registry-sync/sinks/files.ts";
import { createZookeeperSource } from "../../registry-sync/sources/zookeeper/source.ts";
import { printAddress } from "../config/address.ts";
import type { RegistryConfig, TrestleConfig } from "../config/config.ts";
import { protocolsOf } from "./data-plane.ts";

/** Whose entries Trestle writes and may change. */
export const OWNER = "trestle";

/** A configured registry, ready to be asked: an embedded one runs and has an address of its own. */
export interface OpenRegistry {
  readonly config: RegistryConfig;
  /** `host:port` of its servers. */
  readonly hosts: readonly string[];
  readonly source: Source;
  /** Whether Trestle's own session is connected now. */
  readonly connected: () => boolean;
  /** What keeps it from being read; empty where nothing does. */
  readonly findings: () => readonly Finding[];
  readonly embedded: EmbeddedRegistry | undefined;
}

/**
 * Opens the configured registries; starts the embedded one. `isOwnAddress` tells the proxies' addresses, which no provider may have.
 * `onFindings` is called whenever a registry's own findings have changed.
 */
export function openRegistries(
  config: TrestleConfig,
  isOwnAddress: (address: string, port: number) => boolean,
  log: Logger,
  onFindings: () => void = () => {},
): Promise<OpenRegistry[]> {
  return Promise.all(
    config.registries.map(async (registry) => {
      const embedded =
        registry.scheme === "embedded" ? await createEmbeddedRegistry({ host: "127.0.0.1", port: 0, log }) : undefined;
      const hosts = embedded === undefined ? registry.hosts : [printAddress(embedded.host, embedded.port)];
      let connected = false;
      let findings: readonly Finding[] = [];
      const source = createZookeeperSource({
        name: registry.name,
        hosts,
        chroot: registry.chroot,
        root: registry.root,
        ...(registry.username !== "" && { auth: { username: registry.username, password: registry.password } }),
        isOwnAddress,
        protocols: protocolsOf(config),
        onConnected: (now) => {
          connected = now;
        },
        onFindings: (now) => {
          findings = now;
          onFindings();
        },
        clock: realClock,
        log: log.child({ registry: registry.name }),
      });
      return { config: registry, hosts, source, connected: () => connected, findings: () => findings, embedded };
    }),
  );
}

/** Whether an address is that of a worker or of another instance's proxy. */
export function isOwn(
  { host, bind, dubbo, tri, advertise }: TrestleConfig["proxy"],
  address: string,
  port: number,
): boolean {
  if ((address === host || address === bind) && [...dubbo, ...tri].includes(port)) return true;
  const text = printAddress(address, port);
  return advertise.includes(text) || advertise.includes(`tri://${text}`);
}

/** The configured outputs as sinks. */
export function openOutputs(config: TrestleConfig): Sink[] {
  return config.outputs.map(({ files }) => createFilesSink({ directory: files, owner: OWNER }));
}

/** What a sync would do to an output now, and what stands in its way there. */
export async function planFor(sink: Sink, state: Pick<SyncState, "entries" | "silent">): Promise<DiffReport> {
  const policy = {
    owner: OWNER,
    silent: state.silent,
    ...(sink.stored && { stored: sink.stored.bind(sink) }),
  };
  const { changes, findings } = plan(state.entries, await sink.current(), policy);
  const rows = diffRows(changes);
  return {
    output: sink.name,
    changes: rows.map(({ change, host, details }) => ({ action: change, host, detail: details.join("; ") })),
    findings,
  };
}
