import { TransientError } from "../../base/errors.ts";
import type { AdminSources } from "../../control/admin/sources.ts";
import type { RuleFiles } from "../../control/rule-files.ts";
import type { ControlStore } from "../../control/store.ts";
import type { Finding } from "../../model/entry.ts";
import type { Sink, SyncState } from "../../registry-sync/contracts.ts";
import type { ZookeeperFacade } from "../../registry-sync/facades/zookeeper.ts";
import type { Spacing } from "../../registry-sync/present/spacing.ts";
import { printAddress } from "../config/address.ts";
import type { FacadeConfig, TrestleConfig } from "../config/config.ts";
import { configWithoutSecrets } from "../config/secrets.ts";
import { VERSION } from "../version.ts";
import type { DataPlane } from "./data-plane.ts";
import { servicesNotLed } from "./led.ts";
import type { SchemaSources } from "./schemas.ts";
import { type OpenRegistry, planFor } from "./sync.ts";

/** A facade that listens, with what it was configured from and what it found. */
export interface OpenFacade {
  readonly config: FacadeConfig;
  readonly facade: ZookeeperFacade;
  readonly findings: Map<string, Finding>;
  readonly spacing: Spacing;
}

/** The parts of a running mesh that the admin API shows. */
export interface MeshParts {
  readonly config: TrestleConfig;
  readonly dataPlane: DataPlane;
  readonly store: ControlStore;
  readonly ruleFiles: RuleFiles;
  readonly schemas: Pick<SchemaSources, "findings">;
  readonly outputs: readonly Sink[];
  readonly registries: readonly OpenRegistry[];
  readonly facades: readonly OpenFacade[];
  readonly sync: SyncState | undefined;
  /** What is wrong with the registries and with what they hold. */
  registryFindings(): readonly Finding[];
  notReady(): string[];
}

/** What the admin API shows of a mesh: each function reads the state of now. */
export function adminSources(mesh: MeshParts): AdminSources {
  return {
    version: VERSION,
    notReady: () => mesh.notReady(),
    snapshot: () => mesh.store.snapshots.get(),
    notLed: () => notLedBy(mesh),
    schemaOrigins: () => mesh.store.schemaOrigins(),
    httpAddresses: () => mesh.dataPlane.httpAddresses,
    resources: () => mesh.dataPlane.resources,
    rules: () => mesh.ruleFiles.current.get(),
    findings: () => [
      ...mesh.registryFindings(),
      ...mesh.schemas.findings(),
      ...mesh.dataPlane.findings,
      ...mesh.facades.flatMap(({ findings }) => [...findings.values()]),
    ],
    registries: () =>
      mesh.registries.map(({ config, hosts, connected }) => {
        const world = mesh.sync?.worlds.find(({ name }) => name === config.name);
        return {
          name: config.name,
          url: `${config.scheme}://${hosts.join(",")}${config.chroot}`,
          connected: connected(),
          loaded: world !== undefined,
          heldEndpoints: mesh.sync?.held.get(config.name) ?? 0,
          services: world?.entries.length ?? 0,
          endpoints: world?.entries.reduce((sum, { endpoints }) => sum + endpoints.length, 0) ?? 0,
        };
      }),
    facades: () =>
      mesh.facades.map(({ config, facade }) => {
        const { sessions, ...counters } = facade.counters;
        return {
          name: `zookeeper-${config.registry}`,
          url: `zookeeper://${printAddress(facade.address.host, facade.address.port)}`,
          registry: config.registry,
          connections: sessions,
          counters: Object.fromEntries(Object.entries(counters).map(([name, value]) => [snakeCase(name), value])),
        };
      }),
    workers: () => mesh.dataPlane.statuses(),
    stats: () => mesh.dataPlane.stats(),
    diff: async () => {
      const state = mesh.sync;
      const unread =
        state === undefined ? "the registries have" : [...state.silent].map((name) => `registry ${name} has`)[0];
      if (state === undefined || unread !== undefined)
        throw new TransientError(`${unread} not been read yet, so what would change is not known`);
      return Promise.all(mesh.outputs.map((sink) => planFor(sink, state)));
    },
    config: () => configWithoutSecrets(mesh.config),
    restart: async () => {
      await mesh.dataPlane.restart();
      return { workers: mesh.dataPlane.statuses().map(({ worker }) => worker) };
    },
  };
}

/** The services that the mesh's facades do not lead through the proxy now, and why. */
export function notLedBy({
  config,
  store,
  sync,
}: Pick<MeshParts, "config" | "store" | "sync">): ReadonlyMap<string, string> {
  const { entries, protocols } = store.snapshots.get();
  return servicesNotLed(entries, config.facades, sync?.findings ?? [], protocols);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
