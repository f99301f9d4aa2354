import { printAddress } from "../../base/address.ts";
import { steadyClock } from "../../base/clock.ts";
import { TransientError } from "../../base/errors.ts";
import type { AdminSources, DiffReport } from "../../control/admin/sources.ts";
import type { RuleFiles } from "../../control/rule-files.ts";
import type { ControlStore } from "../../control/store.ts";
import type { Finding } from "../../model/entry.ts";
import type { Sink, SyncState } from "../../registry-sync/contracts.ts";
import type { TrestleConfig } from "../config/config.ts";
import { configWithoutSecrets } from "../config/secrets.ts";
import { VERSION } from "../version.ts";
import type { Certificates } from "./certificates.ts";
import type { DataPlane } from "./data-plane.ts";
import type { OpenFacade } from "./facades/open.ts";
import { servicesNotLed } from "./led.ts";
import type { OpenRegistry } from "./registries/open.ts";
import { registryStatuses } from "./registry-status.ts";
import { analyzedMesh } from "./rules.ts";
import { withoutOwn } from "./schemas/metadata-book.ts";
import type { SchemaSources } from "./schemas/schemas.ts";
import { planFor } from "./sync.ts";
import type { XdsOutput } from "./xds-output.ts";

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
  readonly certificates?: Certificates | undefined;
  readonly xds: XdsOutput;
  /** What is wrong with the registries and with what they hold. */
  registryFindings(): readonly Finding[];
  notReady(): string[];
}

/** What the admin API shows of a mesh: each function reads the state of now. */
export function adminSources(mesh: MeshParts): AdminSources {
  return {
    version: VERSION,
    mesh: analyzedMesh(mesh.config),
    notReady: () => mesh.notReady(),
    snapshot: () => withoutOwn(mesh.store.snapshots.get()),
    notLed: () => notLedBy(mesh),
    consumers: () => mesh.sync?.consumers ?? [],
    schemaOrigins: () => mesh.store.schemaOrigins(),
    httpAddresses: () => mesh.dataPlane.httpAddresses,
    resources: () => mesh.dataPlane.resources,
    seenFrom: (place) => mesh.xds.seenFrom(place),
    rules: () => mesh.ruleFiles.current.get(),
    ownMetrics: () => (mesh.certificates?.metrics.expose() ?? "") + mesh.xds.exposeMetrics(),
    proxies: () => mesh.xds.clients(),
    findings: () => [
      ...mesh.registryFindings(),
      ...mesh.schemas.findings(),
      ...mesh.dataPlane.findings,
      ...mesh.xds.findings(),
      ...mesh.facades.flatMap(({ findings }) => [...findings.values()]),
    ],
    registries: () => registryStatuses(mesh.registries, mesh.sync, steadyClock.now()),
    facades: () =>
      mesh.facades.map(({ config, facade }) => {
        const { sessions, ...counters } = facade.counters;
        return {
          name: `${config.scheme}-${config.registry}`,
          url: `${config.scheme}://${printAddress(facade.address.host, facade.address.port)}`,
          registry: config.registry,
          connections: sessions,
          counters: Object.fromEntries(Object.entries(counters).map(([name, value]) => [snakeCase(name), value])),
        };
      }),
    workers: () => mesh.dataPlane.statuses(),
    stats: () => mesh.dataPlane.stats(),
    diff: () => diffOf(mesh.sync, mesh.outputs),
    config: () => configWithoutSecrets(mesh.config),
    restart: async () => {
      await mesh.dataPlane.restart();
      return { workers: mesh.dataPlane.statuses().map(({ worker }) => worker) };
    },
  };
}

/** What a sync would do to outputs now. Throws `TransientError` while a registry has not been read yet. */
export async function diffOf(state: SyncState | undefined, outputs: readonly Sink[]): Promise<readonly DiffReport[]> {
  const unread =
    state === undefined ? "the registries have" : [...state.silent].map((name) => `registry ${name} has`)[0];
  if (state === undefined || unread !== undefined)
    throw new TransientError(`${unread} not been read yet, so what would change is not known`);
  return Promise.all(outputs.map((sink) => planFor(sink, state)));
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
