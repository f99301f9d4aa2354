import type { Application } from "../../../model/application.ts";
import { type Entry, plainEndpoint, type World } from "../../../model/entry.ts";
import type { Snapshot } from "../../../model/snapshot.ts";
import { METADATA_SERVICE, type MetadataInfo, revisionOf } from "../../../registry-sync/application/metadata-info.ts";
import { DEFAULT_WEIGHT } from "../../../registry-sync/dubbo/endpoint.ts";
import { hostOf } from "../../../registry-sync/naming/naming.ts";
import { applicationOf, isLeadable, metadataServiceOf } from "../../../registry-sync/present/applications.ts";

/** Where endpoints of Trestle's own come from. */
const OWN_ORIGIN = "trestle";
/** Most revisions that were shown and are kept: consumers may ask for one some time after it was replaced. */
const MAX_REVISIONS = 5_000;
/** Most services of all of them. */
const MAX_SERVICES = 200_000;

/**
 * What revisions of applications offer: those that facades have shown or show now, and real ones as far as registries' sync knows them.
 */
export class MetadataBook {
  /** Oldest first. */
  readonly #shown = new Map<string, MetadataInfo>();
  #services = 0;
  #applications: readonly (readonly Application[])[] = [];
  readonly #entries = new Map<string, Entry>();
  readonly #presented: (application: string) => Iterable<MetadataInfo>;

  /**
   * `presented` says what consumers of an application are shown now, whether one has looked here or not: those of another instance of
   * Trestle that shows these proxies, too, or of this one before it was started again, ask here all the same.
   */
  constructor(presented: (application: string) => Iterable<MetadataInfo> = () => []) {
    this.#presented = presented;
  }

  /** Keeps what a revision offers that consumers are shown. */
  remember(info: MetadataInfo): void {
    const key = keyOf(info.application, info.revision);
    this.#forget(key);
    this.#shown.set(key, info);
    this.#services += info.services.length;
    for (const oldest of this.#shown.keys()) {
      if (oldest === key || (this.#shown.size <= MAX_REVISIONS && this.#services <= MAX_SERVICES)) break;
      this.#forget(oldest);
    }
  }

  /** Takes up the applications that registries hold now. */
  take(worlds: readonly Pick<World, "applications">[]): void {
    this.#applications = worlds.flatMap(({ applications }) => (applications === undefined ? [] : [applications]));
  }

  /** What a revision offers; undefined where that is not known. */
  find(application: string, revision: string): MetadataInfo | undefined {
    const shown = this.#shown.get(keyOf(application, revision));
    if (shown !== undefined) return shown;
    for (const info of this.#presented(application)) {
      if (info.revision === revision) return info;
      const dubbo = withoutTriple(info);
      if (dubbo.revision === revision) return dubbo;
    }
    for (const list of this.#applications) {
      const known = applicationOf(list, application);
      const services = known?.kept?.has(revision) === true ? undefined : known?.revisions.get(revision);
      if (services !== undefined) return { application, revision, services };
    }
    return undefined;
  }

  /**
   * The entries by which workers route applications' MetadataService to `host:port`, where this book answers; sorted by host, the same
   * objects each time.
   */
  entries(host: string, port: number): readonly Entry[] {
    const names = new Set(this.#applications.flatMap((list) => list.map(({ name }) => name)).filter(isLeadable));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
    for (const name of names) if (!this.#entries.has(name)) this.#entries.set(name, entryOf(name, host, port));
    return [...this.#entries.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
  }

  #forget(key: string): void {
    this.#services -= this.#shown.get(key)?.services.length ?? 0;
    this.#shown.delete(key);
  }
}

const plain = new WeakMap<MetadataInfo, MetadataInfo>();

/** What another instance of Trestle shows where it was told this proxy's Dubbo2 address alone. Made once of each. */
function withoutTriple(info: MetadataInfo): MetadataInfo {
  let made = plain.get(info);
  if (made === undefined) {
    const services = info.services.filter(({ protocol }) => protocol !== "tri");
    const { application } = info;
    const isSame = services.length === info.services.length;
    made = isSame ? info : { application, revision: revisionOf(application, services), services };
    plain.set(info, made);
  }
  return made;
}

const listed = new WeakMap<readonly Entry[], readonly Entry[]>();

/** A snapshot for people: without the services that Trestle itself provides. Looks through each list of entries once. */
export function withoutOwn(snapshot: Snapshot): Snapshot {
  let entries = listed.get(snapshot.entries);
  if (entries === undefined) {
    const others = snapshot.entries.filter(
      ({ service, endpoints }) => service.interface !== METADATA_SERVICE || endpoints[0]?.origin !== OWN_ORIGIN,
    );
    entries = others.length === snapshot.entries.length ? snapshot.entries : Object.freeze(others);
    listed.set(snapshot.entries, entries);
  }
  return entries === snapshot.entries ? snapshot : { ...snapshot, entries };
}

function entryOf(application: string, address: string, port: number): Entry {
  const service = metadataServiceOf(application);
  const params = { application, interface: service.interface, serialization: "hessian2", side: "provider" };
  const known = { address, port, protocol: "dubbo", weight: DEFAULT_WEIGHT, params, origin: OWN_ORIGIN };
  return Object.freeze({ host: hostOf(service), service, endpoints: [plainEndpoint(known)] });
}

function keyOf(application: string, revision: string): string {
  return `${application}\n${revision}`;
}
