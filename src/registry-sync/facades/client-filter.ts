import { compileAllow } from "../allow.ts";
import { anyOf } from "../patterns.ts";
import type { FacadeClient } from "../present/context.ts";

/**
 * A test for clients by a list of addresses, CIDR ranges and application names with `*` for any run of characters; an empty list
 * names nobody. What of a client is not known matches nothing.
 */
export function compileClientFilter(clients: readonly string[]): (client: FacadeClient) => boolean {
  let filter = compiled.get(clients);
  if (filter === undefined) {
    filter = compile(clients);
    compiled.set(clients, filter);
  }
  return filter;
}

/** One list gives one function: contexts are made anew with each change. */
const compiled = new WeakMap<readonly string[], (client: FacadeClient) => boolean>();

function compile(clients: readonly string[]): (client: FacadeClient) => boolean {
  const ranges = clients.filter(isRange);
  const inRange = ranges.length === 0 ? () => false : compileAllow(ranges);
  const named = anyOf(clients.filter((text) => !isRange(text)));
  return ({ address, application }) =>
    (address !== undefined && inRange(address)) || (application !== undefined && named(application));
}

function isRange(text: string): boolean {
  try {
    compileAllow([text]);
    return true;
  } catch {
    return false;
  }
}
