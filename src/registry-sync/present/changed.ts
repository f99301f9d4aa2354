import type { Entry } from "../../model/entry.ts";
import { parseServiceKey } from "../../model/service.ts";

/** What the lists of Dubbo's providers are worked out from, beside what the registry itself answers. */
export interface ProvidersFrom {
  /** What counts for all of them; equal texts and objects say the same. */
  readonly common: readonly unknown[];
  /** The registry's own entries, and those merged from all registries. */
  readonly own: readonly Entry[];
  readonly merged: readonly Entry[];
  /** Printed keys of the services that the proxy has been told of, and interfaces whose messages it knows. */
  readonly served: ReadonlySet<string> | undefined;
  readonly messages: ReadonlySet<string> | undefined;
}

/**
 * The interfaces whose lists of providers may be shown otherwise than before; undefined where that may be any. Entries keep their
 * identity while nothing changes in them: references are compared, and nothing is read that did not change.
 */
export function changedInterfaces(
  before: ProvidersFrom | undefined,
  now: ProvidersFrom | undefined,
): ReadonlySet<string> | undefined {
  if (before === undefined || now === undefined) return undefined;
  if (before.common.some((part, i) => part !== now.common[i]) || before.common.length !== now.common.length)
    return undefined;
  if ((before.served === undefined) !== (now.served === undefined)) return undefined;
  const changed = new Set<string>();
  for (const [old, current] of [
    [before.own, now.own],
    [before.merged, now.merged],
  ] as const) {
    for (const { service } of differing(old, current)) changed.add(service.interface);
  }
  for (const key of otherMembers(before.served, now.served)) changed.add(parseServiceKey(key).interface);
  for (const name of otherMembers(before.messages, now.messages)) changed.add(name);
  return changed;
}

/** Those that are in one list alone. */
function differing<T>(a: readonly T[], b: readonly T[]): readonly T[] {
  if (a === b) return [];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const [partA, partB] = [a.slice(start, endA), b.slice(start, endB)];
  const [inA, inB] = [new Set(partA), new Set(partB)];
  return [...partA.filter((one) => !inB.has(one)), ...partB.filter((one) => !inA.has(one))];
}

const NONE: ReadonlySet<string> = new Set();

function otherMembers(a: ReadonlySet<string> = NONE, b: ReadonlySet<string> = NONE): readonly string[] {
  if (a === b) return [];
  return [...[...a].filter((one) => !b.has(one)), ...[...b].filter((one) => !a.has(one))];
}
