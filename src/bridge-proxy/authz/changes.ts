import { isToken } from "../../codecs/http1/output.ts";
import type { AnsweredHeader } from "../../codecs/xds/ext-authz.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { Changing, Mutations } from "../policies/mutations.ts";

/** Names that say where a call goes, whose it is or how it is written: a server that allows a call does not change these. */
const FIXED = new Set(
  "connection content-length content-type expect group grpc-encoding grpc-timeout host id interface keep-alive path proxy-connection remote.application te timeout trailer transfer-encoding upgrade version".split(
    " ",
  ),
);
const FIXED_STARTS = [":", "?", "dubbo-", "tri-service-"];
/** What would be another header, or a whole message, of the server's making. */
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
/** Changes of one answer of a server. */
const MAX_CHANGES = 100;

/** What headers that a server answered change in a call; undefined for nothing. Left out are names that are not a server's to change, and what no header can be. */
export function mutationsOf(
  headers: readonly AnsweredHeader[],
  removed: readonly string[] = [],
): Mutations | undefined {
  const free = headers.filter(({ name, value }) => isFree(name) && !CONTROL.test(value)).slice(0, MAX_CHANGES);
  const remove = removed.filter(isFree).slice(0, MAX_CHANGES);
  if (free.length === 0 && remove.length === 0) return undefined;
  const pairs = (append: boolean) =>
    free.filter((one) => one.append === append).map(({ name, value }) => [name, value] as const);
  return { set: pairs(false), add: pairs(true), remove };
}

function isFree(name: string): boolean {
  const folded = name.toLowerCase();
  return isToken(folded) && !FIXED.has(folded) && !FIXED_STARTS.some((start) => folded.startsWith(start));
}

/** Both, `first` before `second`; a name that the second sets or removes is not what the first made it. */
export function joinMutations(first: Mutations | undefined, second: Mutations | undefined): Mutations | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const taken = new Set([...second.remove, ...second.set.map(([name]) => name)].map((name) => name.toLowerCase()));
  const isLeft = ([name]: readonly [string, string]) => !taken.has(name.toLowerCase());
  return {
    remove: [...first.remove, ...second.remove],
    set: [...first.set.filter(isLeft), ...second.set],
    add: [...first.add.filter(isLeft), ...second.add],
  };
}

/** A call's headers as they are after the changes. */
export function changedLookup(header: HeaderLookup, changes: Mutations | undefined): HeaderLookup {
  if (changes === undefined) return header;
  const values = new Map<string, string | undefined>();
  const current = (name: string) => (values.has(name) ? values.get(name) : header(name));
  for (const name of changes.remove) values.set(name.toLowerCase(), undefined);
  for (const [name, value] of changes.set) values.set(name.toLowerCase(), value);
  for (const [name, value] of changes.add) {
    const before = current(name.toLowerCase());
    values.set(name.toLowerCase(), before === undefined ? value : `${before},${value}`);
  }
  return (name) => {
    const folded = name.toLowerCase();
    return values.has(folded) ? values.get(folded) : header(name);
  };
}

/** The destination with a call's own changes, for that call alone; the same where there are none. */
export function changedTarget<T extends Changing & { readonly of?: T }>(
  target: T,
  changes: Mutations | undefined,
  answerChanges: Mutations | undefined,
): T {
  if (changes === undefined && answerChanges === undefined) return target;
  return {
    ...target,
    of: target.of ?? target,
    mutations: joinMutations(changes, target.mutations),
    answerMutations: joinMutations(answerChanges, target.answerMutations),
  };
}
