import type { HeaderMutations, HeaderValueOption } from "../../codecs/xds/route.ts";

/** Attachments, or header lines, to set, to add (after a comma where there is one) and to remove; at least one. */
export interface Mutations {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** Changes of calls, and of their answers. */
export interface Changing {
  readonly mutations: Mutations | undefined;
  readonly answerMutations: Mutations | undefined;
}

/** Compiles what a route, or a destination, changes in calls and their answers. */
export function compileMutations(from: HeaderMutations): Changing {
  return {
    mutations: mutationsOf(from.requestHeadersToAdd, from.requestHeadersToRemove),
    answerMutations: mutationsOf(from.responseHeadersToAdd, from.responseHeadersToRemove),
  };
}

function mutationsOf(
  headers: readonly HeaderValueOption[] = [],
  remove: readonly string[] = [],
): Mutations | undefined {
  if (headers.length === 0 && remove.length === 0) return undefined;
  const pairs = (action: string) =>
    headers.filter((item) => item.appendAction === action).map((item) => [item.header.key, item.header.value] as const);
  return { set: pairs("OVERWRITE_IF_EXISTS_OR_ADD"), add: pairs("APPEND_IF_EXISTS_OR_ADD"), remove };
}
