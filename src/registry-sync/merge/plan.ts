import { sameItems } from "../../base/block-list.ts";
import type { Endpoint, Entry, Finding } from "../../model/entry.ts";
import { contentVersion } from "../../model/snapshot.ts";
import type { Changes, EntryUpdate, StoredEntry } from "../contracts.ts";
import { compareEndpoints, compareText, endpointId } from "../dubbo/endpoint.ts";
import { finding } from "../findings.ts";

/** How {@link plan} decides. */
export interface PlanPolicy {
  /** Whose entries may be changed and deleted. */
  readonly owner: string;
  /** Registries that have said nothing since the start: endpoints from them stay as they stand in the sink. */
  readonly silent?: ReadonlySet<string>;
  /** What the sink keeps of an entry; all of it unless told. */
  readonly stored?: (entry: Entry) => Entry;
}

/** What stands in a sink; `isGiven` says that `entry` is what the sink was given, where it may keep less than that. */
export interface StandingEntry extends StoredEntry {
  readonly isGiven?: boolean;
}

/** What to do, and what could not be planned. */
export interface Plan {
  readonly changes: Changes;
  readonly findings: readonly Finding[];
}

/**
 * What turns `current` into `desired`. Only entries that carry the policy's owner are changed or deleted; a host that
 * someone else's entry holds is left alone, with TR0141. Equal content, as the sink keeps it, is no change.
 */
export function plan(desired: readonly Entry[], current: readonly StandingEntry[], policy: PlanPolicy): Plan {
  const standing = new Map(current.map((stored) => [stored.host, stored]));
  const silent = policy.silent ?? new Set<string>();
  const create: Entry[] = [];
  const update: EntryUpdate[] = [];
  const remove: Entry[] = [];
  const findings: Finding[] = [];
  for (const entry of desired) {
    const stored = standing.get(entry.host);
    standing.delete(entry.host);
    if (stored === undefined) {
      create.push(entry);
    } else if (stored.owner !== policy.owner || stored.entry === undefined) {
      const owner = stored.owner === "" ? "nobody known" : stored.owner;
      findings.push(finding("TR0141", `entry ${entry.host} belongs to ${owner} and is not touched`, entry.host));
    } else {
      const after = withSilent(entry, stored.entry, silent);
      const isSame = stored.isGiven === true ? sameGiven : sameContent;
      if (!isSame(stored.entry, after, policy.stored)) update.push({ before: stored.entry, after });
    }
  }
  for (const { owner, entry, isGiven } of standing.values()) {
    if (owner !== policy.owner || entry === undefined) continue;
    const kept = entry.endpoints.filter((endpoint) => silent.has(endpoint.origin));
    // An empty entry from before the start may be a silent registry's; one that was given since is of registries that have answered.
    const isSilent = entry.endpoints.length === 0 && silent.size > 0 && isGiven !== true;
    if (kept.length === 0 && !isSilent) remove.push(entry);
    else if (kept.length < entry.endpoints.length) update.push({ before: entry, after: { ...entry, endpoints: kept } });
  }
  return {
    changes: {
      create: create.sort(byHost),
      update: update.sort((a, b) => byHost(a.after, b.after)),
      delete: remove.sort(byHost),
    },
    findings,
  };
}

/** Whether there is nothing to do. */
export function isEmpty(changes: Changes): boolean {
  return changes.create.length + changes.update.length + changes.delete.length === 0;
}

function withSilent(entry: Entry, stored: Entry, silent: ReadonlySet<string>): Entry {
  if (silent.size === 0) return entry;
  const ids = new Set(entry.endpoints.map(endpointId));
  const kept = stored.endpoints.filter((one) => silent.has(one.origin) && !ids.has(endpointId(one)));
  if (kept.length === 0) return entry;
  return { ...entry, endpoints: [...entry.endpoints, ...kept].sort(compareEndpoints) };
}

function sameContent(stored: Entry, wanted: Entry, keep: ((entry: Entry) => Entry) | undefined): boolean {
  if (stored === wanted) return true;
  if (keep !== undefined) return sameEntry(stored, keep(wanted));
  return sameEntry(stored, wanted) && samePorts(stored, wanted);
}

/** Ports are for a sink alone that has entries as they are. */
function samePorts(a: Entry, b: Entry): boolean {
  return JSON.stringify([a.ports, a.further]) === JSON.stringify([b.ports, b.further]);
}

/** The same of two entries that a sink was given: what of them differs is compared as it is kept. */
function sameGiven(before: Entry, after: Entry, keep: ((entry: Entry) => Entry) | undefined): boolean {
  if (before === after || (sameEntry(before, after) && (keep !== undefined || samePorts(before, after)))) return true;
  if (keep === undefined || before.endpoints.length !== after.endpoints.length) return false;
  const others = before.endpoints.flatMap((one, index) => (one === after.endpoints[index] ? [] : [index]));
  const [was, is] = [before, after].map((entry) =>
    keep({ ...entry, endpoints: others.map((index) => entry.endpoints[index]!) }),
  );
  return sameEntry(was!, is!);
}

function sameEntry(a: Entry, b: Entry): boolean {
  return (
    a.host === b.host &&
    a.writtenHost === b.writtenHost &&
    contentVersion(a.service) === contentVersion(b.service) &&
    JSON.stringify(a.routing) === JSON.stringify(b.routing) &&
    (sameItems(a.endpoints, b.endpoints) ||
      (a.endpoints.length === b.endpoints.length &&
        a.endpoints.every((endpoint, index) => sameEndpoint(endpoint, b.endpoints[index]!))))
  );
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a === b || canonical(a) === canonical(b);
}

function canonical(endpoint: Endpoint): string {
  const params = Object.entries(endpoint.params).sort(([x], [y]) => compareText(x, y));
  const rest = Object.entries({ ...endpoint, params: undefined }).sort(([x], [y]) => compareText(x, y));
  return JSON.stringify([rest, params]);
}

function byHost(a: Entry, b: Entry): number {
  return compareText(a.host, b.host);
}
