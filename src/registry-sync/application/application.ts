import { cleanText } from "../../base/clean-text.ts";
import type { Application, ApplicationInstance, ApplicationService } from "../../model/application.ts";
import type { Finding } from "../../model/entry.ts";
import { compareText } from "../dubbo/endpoint.ts";
import { finding } from "../findings.ts";
import { type InstanceReading, readInstanceNode } from "./instance.ts";
import { type ApplicationOffers, MAX_OFFERS, offersOf } from "./offers.ts";
import type { Revisions, WantedRevision } from "./revisions.ts";

/** Most instances of one application that are read; more give finding TR0104. */
export const MAX_INSTANCES = 100_000;
const MAX_FINDINGS = 10;
/** The revision of an instance that offers nothing. */
const NOTHING = "0";

/** Nodes of an application that were read; a node that stays as it was is not read again. */
export interface ReadNodes {
  readonly instances: readonly ApplicationInstance[];
  readonly read: ReadonlyMap<string, { readonly bytes: Uint8Array; readonly reading: InstanceReading }>;
  /** What is wrong with some of them, `id: why`. */
  readonly faults: readonly string[];
  /** How many were not looked at. */
  readonly left: number;
}

/** Reads the data of an application's nodes in ZooKeeper; `before` is what was read last. */
export function readApplicationNodes(nodes: ReadonlyMap<string, Uint8Array>, before?: ReadNodes): ReadNodes {
  const read = new Map<string, { readonly bytes: Uint8Array; readonly reading: InstanceReading }>();
  const instances: ApplicationInstance[] = [];
  const faults: string[] = [];
  for (const [id, bytes] of nodes) {
    if (read.size >= MAX_INSTANCES) break;
    const known = before?.read.get(id);
    const one = known?.bytes === bytes ? known : { bytes, reading: readInstanceNode(id, bytes) };
    read.set(id, one);
    if (one.reading.type === "instance") instances.push(one.reading.instance);
    else if (one.reading.type === "fault" && isAddress(id) && faults.length < MAX_FINDINGS) {
      faults.push(`${cleanText(id.slice(0, 200))}: ${one.reading.message}`);
    }
  }
  return { instances, read, faults, left: nodes.size - read.size };
}

/** An application with all that follows from it. */
export interface BuiltApplication {
  readonly application: Application;
  readonly offers: ApplicationOffers;
  readonly findings: readonly Finding[];
  /** Revisions to know. */
  readonly wanted: readonly WantedRevision[];
}

/** What {@link buildApplication} takes. */
export interface ApplicationParts {
  readonly name: string;
  /** Any order; those that stay the same must stay the same objects. */
  readonly instances: readonly ApplicationInstance[];
  /** What could not be read, `id: why`. */
  readonly faults?: readonly string[];
  readonly left?: number;
  /** Where the application stands in the registry: `at` of findings. */
  readonly at: string;
}

/**
 * Puts instances and what is known of their revisions together. An instance whose revision is not known (yet) keeps the services that it
 * had before, so that a change of revision takes nothing from anybody while the new one is being asked for. `before` is what was built
 * last: the same object comes back where nothing changed.
 */
export function buildApplication(
  { name, instances, faults = [], left = 0, at }: ApplicationParts,
  known: Pick<Revisions, "services" | "failure">,
  before?: BuiltApplication,
): BuiltApplication {
  const sorted = [...instances].sort((a, b) => compareText(a.id, b.id));
  const revisions = new Map<string, readonly ApplicationService[]>();
  const byRevision = new Map<string, ApplicationInstance[]>();
  for (const instance of sorted) {
    const { revision } = instance;
    if (revision === NOTHING || revision === "") continue;
    const list = byRevision.get(revision);
    if (list === undefined) byRevision.set(revision, [instance]);
    else list.push(instance);
  }
  const failed = new Set<string>();
  const kept = new Set<string>();
  const findings: Finding[] = [];
  const lastRevisions = before && new Map(before.application.instances.map(({ id, revision }) => [id, revision]));
  for (const [revision, having] of byRevision) {
    const services = known.services(name, revision);
    if (services !== undefined) {
      revisions.set(revision, services);
      continue;
    }
    const last = having.map(({ id }) => before?.application.revisions.get(lastRevisions?.get(id) ?? "")).find(Boolean);
    if (last !== undefined) {
      revisions.set(revision, last);
      kept.add(revision);
    }
    const failure = known.failure(name, revision);
    if (failure === undefined) continue;
    if (last === undefined) failed.add(revision);
    if (findings.length < MAX_FINDINGS)
      findings.push(noMetadata(name, revision, having, failure, last !== undefined, at));
  }
  for (const fault of faults) {
    findings.push(finding("TR0107", `instance ${name}/${fault}; it is left out`, `${at}/${fault.split(": ")[0]}`));
  }
  if (left > 0) findings.push(finding("TR0104", `${at} holds ${left} instances more than are read`, at));
  const application = sameApplication(before?.application, {
    ...{ name, instances: sorted, revisions, failed },
    ...(kept.size > 0 && { kept }),
  });
  const offers = application === before?.application ? before.offers : offersOf(application, before?.offers);
  if (offers.left > 0) {
    const message = `application ${name} offers more than ${MAX_OFFERS} services over all its instances; ${offers.left} are left out`;
    findings.push(finding("TR0104", message, at));
  }
  if (offers === before?.offers && JSON.stringify(findings) === JSON.stringify(before.findings)) return before;
  const wanted = [...byRevision].map(([revision, having]) => ({ application: name, revision, instances: having }));
  return { application, offers, findings, wanted };
}

function noMetadata(
  name: string,
  revision: string,
  having: readonly ApplicationInstance[],
  failure: string,
  isKept: boolean,
  at: string,
): Finding {
  const some = having
    .slice(0, 3)
    .map(({ id }) => id)
    .join(", ");
  const so = isKept ? "what they offered before counts" : "they are shown as they are";
  const message = `the services of application ${name}, revision ${revision.slice(0, 12)} (${some}), cannot be learned: ${failure}; ${so}`;
  return finding("TR0123", message, at);
}

/** The application as it was where nothing changed; its identity is what all that follows goes by. */
function sameApplication(before: Application | undefined, after: Application): Application {
  const isSame =
    before !== undefined &&
    before.instances.length === after.instances.length &&
    before.instances.every((one, i) => one === after.instances[i]) &&
    before.revisions.size === after.revisions.size &&
    [...before.revisions].every(([revision, services]) => after.revisions.get(revision) === services) &&
    sameTexts(before.failed, after.failed) &&
    sameTexts(before.kept ?? NONE, after.kept ?? NONE);
  return isSame ? before : Object.freeze(after);
}

const NONE: ReadonlySet<string> = new Set();

function sameTexts(before: ReadonlySet<string>, after: ReadonlySet<string>): boolean {
  return before.size === after.size && [...before].every((text) => after.has(text));
}

function isAddress(id: string): boolean {
  return /:\d{1,5}$/.test(id);
}
